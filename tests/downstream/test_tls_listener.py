"""TLS of listeners: which protocols and suites are spoken."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.ssl import KeyPair
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase
from twisted.web import http
from twisted.web.resource import Resource

from vncproxy.api import api_site
from vncproxy.downstream.http_site import ConsoleSite
from vncproxy.downstream.tls_listener import listener_service
from vncproxy.model import Limits
from vncproxy.testing import MemoryPeer


class ListenerTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.pem = Path(folder.name) / "server.pem"
        key = KeyPair.generate(size=2048)
        certificate = key.selfSignedCert(1, CN="console.example.com")
        self.pem.write_bytes(key.dump(1) + certificate.dumpPEM())

    def connect(self, factory: Any, client: SSL.Context) -> SSL.Connection:
        """Shake hands with a listener of this factory.

        Raises:
            SSL.Error: it has nothing in common with the client.
        """
        reactor = MemoryReactorClock()
        endpoint = f"ssl:443:privateKey={self.pem}:certKey={self.pem}"
        service, _ = listener_service(endpoint, factory, reactor)
        service.privilegedStartService()
        ((_, tls_site, context_factory, _, _),) = reactor.sslServers
        tls = TLSMemoryBIOFactory(context_factory, False, tls_site, reactor)
        peer = MemoryPeer(tls.buildProtocol(None))
        browser = SSL.Connection(client)
        browser.set_connect_state()
        for _ in range(4):
            with contextlib.suppress(SSL.WantReadError):
                browser.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                peer.send(browser.bio_read(65536))
            reactor.advance(0)
            if arrived := peer.receive():
                browser.bio_write(arrived)
        return browser

    def sites(self) -> list[Any]:
        return [
            ConsoleSite(Resource(), Limits(), MemoryReactorClock()),
            api_site(Resource(), MemoryReactorClock()),
        ]

    def test_the_whole_chain_in_the_file_of_the_certificate_is_sent(self) -> None:
        certificates = [self.pem.read_bytes()]
        for name in ("intermediate", "root"):
            key = KeyPair.generate(size=2048)
            certificates.append(key.selfSignedCert(1, CN=name).dumpPEM())
        self.pem.write_bytes(b"".join(certificates))

        browser = self.connect(self.sites()[0], SSL.Context(SSL.TLS_CLIENT_METHOD))

        sent = browser.get_peer_cert_chain() or []
        self.assertEqual(
            [each.get_subject().CN for each in sent],
            ["console.example.com", "intermediate", "root"],
        )

    def test_http_2_is_not_offered_although_it_is_installed(self) -> None:
        self.assertTrue(http.H2_ENABLED)
        for site in self.sites():
            client = SSL.Context(SSL.TLS_CLIENT_METHOD)
            client.set_alpn_protos([b"h2", b"http/1.1"])

            browser = self.connect(site, client)

            self.assertEqual(browser.get_alpn_proto_negotiated(), b"http/1.1")

    def test_suites_that_are_not_authenticated_are_not_spoken(self) -> None:
        for suite in (
            b"ECDHE-RSA-AES256-SHA384",
            b"ECDHE-RSA-AES128-SHA",
            b"DHE-RSA-AES256-SHA",
            b"AES256-SHA",
            b"AES128-GCM-SHA256",
        ):
            client = SSL.Context(SSL.TLS_CLIENT_METHOD)
            client.set_max_proto_version(SSL.TLS1_2_VERSION)
            client.set_cipher_list(suite + b":@SECLEVEL=0")
            for site in self.sites():
                with self.assertRaises(SSL.Error):
                    self.connect(site, client)

    def test_those_of_tls_1_2_and_1_3_that_are_spoken(self) -> None:
        for newest, suite in (
            (SSL.TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384"),
            (SSL.TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"),
        ):
            client = SSL.Context(SSL.TLS_CLIENT_METHOD)
            client.set_max_proto_version(newest)

            self.assertEqual(self.connect(self.sites()[0], client).get_cipher_name(), suite)
