"""TLS of a real listener: sessions are resumed with tickets, and never renegotiated."""

from __future__ import annotations

import socket
import ssl
import tempfile
from pathlib import Path

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway

LIMIT = 60.0


class TLSTicketTests(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.authority = Authority(Path(folder.name))
        self.certificate, self.key = self.authority.issue("localhost")

    def start(self, more: str = "") -> None:
        web = f"ssl:{{port}}:interface=127.0.0.1:privateKey={self.key}:certKey={self.certificate}"
        self.gateway = Gateway(web=web + more, scheme="https").start()
        self.addCleanup(self.gateway.stop)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.gateway.web_port), LIMIT)

    def request(
        self, context: ssl.SSLContext, session: ssl.SSLSession | None = None
    ) -> ssl.SSLSocket:
        """Send a request, so that a ticket has come; returns the connection."""
        browser = context.wrap_socket(self.connect(), server_hostname="localhost", session=session)
        self.addCleanup(browser.close)
        browser.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(browser.recv(1000).startswith(b"HTTP/1.1 200 "))
        return browser

    def test_a_browser_that_comes_again_resumes_its_session(self) -> None:
        self.start()
        for newest in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
            context = ssl.create_default_context(cafile=self.authority.ca_file)
            context.maximum_version = newest

            first = self.request(context)
            second = self.request(context, first.session)

            self.assertEqual((first.session_reused, second.session_reused), (False, True))
            self.assertEqual(first.version(), second.version())

    def test_the_newest_version_is_spoken(self) -> None:
        self.start()

        browser = self.request(ssl.create_default_context(cafile=self.authority.ca_file))

        self.assertEqual(browser.version(), "TLSv1.3")

    def test_renegotiation_is_refused(self) -> None:
        self.start()
        with self.connect() as connection:
            connection.settimeout(None)  # OpenSSL works on the descriptor, and would not wait
            browser = SSL.Connection(SSL.Context(SSL.TLSv1_2_METHOD), connection)
            browser.set_tlsext_host_name(b"localhost")
            browser.set_connect_state()
            browser.do_handshake()

            browser.renegotiate()

            error = self.assertRaises(SSL.Error, browser.do_handshake)
        self.assertIn("no renegotiation", str(error))

    def test_who_names_a_method_gets_twisteds_settings(self) -> None:
        self.start(":sslmethod=TLSv1_2_METHOD")
        context = ssl.create_default_context(cafile=self.authority.ca_file)

        first = self.request(context)

        self.assertEqual(first.version(), "TLSv1.2")
        self.assertFalse(self.request(context, first.session).session_reused)
