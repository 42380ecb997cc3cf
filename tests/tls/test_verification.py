"""How servers are verified, over TLS in memory with certificates made for the test."""

from __future__ import annotations

import hashlib
import os
import ssl
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority, self_signed
from vncproxy.errors import ConfigurationError, UpstreamUntrusted, UpstreamViolation
from vncproxy.model import TLSTrust
from vncproxy.tls.contexts import check_trust
from vncproxy.tls.fingerprints import parse_fingerprint
from vncproxy.tls.verification import TLSClient


class Server:
    """A TLS server in memory.

    Args:
        certificate: its file and its key's; None for anonymous ciphers only.
        client_ca: demands a client certificate of this authority.
        newest: its newest version.
    """

    def __init__(
        self,
        certificate: tuple[str, str] | None,
        client_ca: str = "",
        newest: int = SSL.TLS1_3_VERSION,
    ) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_max_proto_version(newest)
        if certificate:
            context.use_certificate_file(certificate[0])
            context.use_privatekey_file(certificate[1])
        else:
            context.set_max_proto_version(SSL.TLS1_2_VERSION)
            context.set_cipher_list(b"aNULL:@SECLEVEL=0")
        if client_ca:
            context.load_verify_locations(client_ca)
            context.set_verify(
                SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *a: bool(a[-1])
            )
        self.asked_for: list[bytes | None] = []
        context.set_tlsext_servername_callback(lambda c: self.asked_for.append(c.get_servername()))
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()


def shake_hands(client: TLSClient, server: Server) -> Any:
    """Go through the handshake, then verify; returns the client's connection.

    Raises:
        VNCProxyError: what the client makes of a failure.
    """
    connection = client.clientConnectionForTLS(None)
    connection.set_connect_state()
    sides = (connection, server.connection)
    done: set[int] = set()
    while len(done) < 2:
        for number, (near, far) in enumerate((sides, sides[::-1])):
            try:
                near.do_handshake()
                done.add(number)
            except SSL.WantReadError:
                pass
            except SSL.Error:
                if near is connection:
                    raise client.failure(Failure()) from None
                done.add(number)
            _carry(near, far)
    client.verify()
    return connection


def _carry(source: Any, sink: Any) -> None:
    try:
        while True:
            sink.bio_write(source.bio_read(65536))
    except SSL.WantReadError:
        pass


class TLSTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.authority = Authority(self.folder)
        self.own = self.authority.issue("hv1.example.com", "192.0.2.7", "2001:db8::7")
        self.trust = TLSTrust(ca_file=self.authority.ca_file)

    def reached(self, trust: TLSTrust | None, host: str = "hv1.example.com") -> Server:
        server = Server(self.own if trust else None)
        shake_hands(TLSClient(trust, host), server)
        return server

    def refusal(self, trust: TLSTrust, host: str = "hv1.example.com", **how: Any) -> str:
        with self.assertRaises(UpstreamUntrusted) as caught:
            shake_hands(TLSClient(trust, host), Server(self.own, **how))
        return str(caught.exception)

    def pin(self, algorithm: str) -> str:
        der = ssl.PEM_cert_to_DER_cert(Path(self.own[0]).read_text())
        return f"{algorithm}:{hashlib.new(algorithm, der).hexdigest()}"


class NameTests(TLSTestCase):
    def test_the_dialled_name_or_address(self) -> None:
        for host, asked_for in (
            ("hv1.example.com", [b"hv1.example.com"]),
            ("hv1.example.com.", [b"hv1.example.com"]),
            ("192.0.2.7", [None]),
            ("2001:db8::7", [None]),
        ):
            with self.subTest(host=host):
                self.assertEqual(self.reached(self.trust, host).asked_for[:1], asked_for)

    def test_a_name_that_is_not_the_dialled_one(self) -> None:
        for name in ("hv1.example.com", "192.0.2.7"):
            self.reached(TLSTrust(ca_file=self.authority.ca_file, name=name), "10.0.0.1")

    def test_another_name(self) -> None:
        for host in ("hv2.example.com", "192.0.2.8", "nobody.müller.example"):
            told = self.refusal(self.trust, host)
            self.assertIn(f"not for {host!r} but for hv1.example.com, 192.0.2.7, 2001:db8::7", told)
            self.assertIn(self.pin("sha256"), told)
            self.assertIn("configure name, or fingerprints", told)

    def test_a_certificate_without_a_name(self) -> None:
        certificate = self_signed(self.folder)
        with self.assertRaises(UpstreamUntrusted) as caught:
            shake_hands(TLSClient(TLSTrust(ca_file=certificate[0]), "hv1"), Server(certificate))
        self.assertIn("but for no name: it has no subjectAltName", str(caught.exception))

    def test_no_name_at_all(self) -> None:
        with self.assertRaises(ConfigurationError) as caught:
            TLSClient(self.trust, "")
        self.assertIn("needs a name", str(caught.exception))

    def test_what_cannot_be_a_name(self) -> None:
        self.assertRaises(ConfigurationError, TLSClient, self.trust, "hv\u2028.example")


class AuthorityTests(TLSTestCase):
    def test_one_that_is_not_known(self) -> None:
        told = self.refusal(TLSTrust())
        self.assertIn("not trusted: its authority is not trusted", told)
        self.assertIn("trusted is the system's authorities", told)
        self.assertIn(self.pin("sha256"), told)

    def test_another_one_of_the_same_name(self) -> None:
        (self.folder / "other").mkdir()
        other = Authority(self.folder / "other").ca_file
        told = self.refusal(TLSTrust(ca_file=other))
        self.assertIn("another one of the same name", told)
        self.assertIn(f"trusted is {other}", told)

    def test_a_name_is_not_looked_at_where_the_authority_is_wrong(self) -> None:
        self.assertIn("authority", self.refusal(TLSTrust(), "hv2.example.com"))


class FingerprintTests(TLSTestCase):
    def test_one_of_them_is_enough_whatever_authority_and_name(self) -> None:
        for pin in (self.pin("sha256"), self.pin("sha1")):
            self.reached(TLSTrust(fingerprints=("sha1:" + "0" * 40, pin)), "anybody")

    def test_none_of_them_refuses_although_authority_and_name_are_right(self) -> None:
        for verify in (True, False):
            trust = TLSTrust(
                ca_file=self.authority.ca_file,
                fingerprints=("sha256:" + "0" * 64, "sha1:" + "0" * 40),
                verify=verify,
            )
            told = self.refusal(trust)
            self.assertIn("none of the 2 configured fingerprints", told)
            self.assertIn(self.pin("sha256"), told)

    def test_as_openssl_writes_them(self) -> None:
        digits = self.pin("sha256").removeprefix("sha256:").upper()
        pairs = ":".join(digits[i : i + 2] for i in range(0, 64, 2))
        self.assertEqual(parse_fingerprint(f" SHA256:{pairs} "), self.pin("sha256"))
        self.reached(TLSTrust(fingerprints=(f"sha256:{pairs}",)))

    def test_what_is_none(self) -> None:
        for text in ("", "sha256:", "sha256:12", "sha1:" + "0" * 64, "md5:" + "0" * 32, "0" * 64):
            self.assertRaises(ValueError, parse_fingerprint, text)
            with self.assertRaises(ConfigurationError):
                TLSClient(TLSTrust(fingerprints=(text,)), "hv1")


class ProtectionTests(TLSTestCase):
    def test_any_certificate_where_that_is_spelled_out(self) -> None:
        self.reached(TLSTrust(verify=False), "anybody")

    def test_no_certificate_where_that_is_spelled_out(self) -> None:
        self.reached(None)

    def test_a_certificate_is_not_done_without(self) -> None:
        for trust in (self.trust, TLSTrust(verify=False)):
            with self.assertRaises(UpstreamViolation) as caught:
                shake_hands(TLSClient(trust, "hv1.example.com"), Server(None))
            self.assertIn("TLS handshake failed", str(caught.exception))

    def test_versions_before_1_2_are_not_spoken(self) -> None:
        with self.assertRaises(UpstreamViolation):
            shake_hands(
                TLSClient(self.trust, "hv1.example.com"),
                Server(self.own, newest=SSL.TLS1_1_VERSION),
            )

    def test_a_client_certificate(self) -> None:
        certificate, key = self.authority.issue("vncproxy")
        trust = TLSTrust(ca_file=self.authority.ca_file, certificate_file=certificate, key_file=key)
        server = Server(self.own, client_ca=self.authority.ca_file)

        shake_hands(TLSClient(trust, "hv1.example.com"), server)

        shown = server.connection.get_peer_certificate()
        assert shown is not None
        self.assertEqual(shown.get_subject().CN, "vncproxy")

    def test_a_client_certificate_that_is_demanded(self) -> None:
        server = Server(self.own, client_ca=self.authority.ca_file, newest=SSL.TLS1_2_VERSION)
        with self.assertRaises(UpstreamViolation) as caught:
            shake_hands(TLSClient(self.trust, "hv1.example.com"), server)
        self.assertIn("TLS handshake failed", str(caught.exception))

    def test_a_connection_that_is_lost_in_the_handshake(self) -> None:
        client = TLSClient(self.trust, "hv1.example.com")
        told = client.failure(Failure(ConnectionLost("reset")))
        self.assertIsInstance(told, UpstreamViolation)
        self.assertIn("closed during the TLS handshake", str(told))

    def test_a_server_that_speaks_something_else(self) -> None:
        client = TLSClient(self.trust, "hv1.example.com")
        connection = client.clientConnectionForTLS(None)
        connection.set_connect_state()
        self.assertRaises(SSL.WantReadError, connection.do_handshake)
        connection.bio_write(b"RFB 003.008\n")
        try:
            connection.do_handshake()
        except SSL.Error:
            told = str(client.failure(Failure()))
        self.assertIn("the server does not speak TLS here", told)

    def test_an_error_without_words(self) -> None:
        client = TLSClient(self.trust, "hv1.example.com")
        self.assertIn("-1", str(client.failure(Failure(SSL.SysCallError(-1, "Unexpected EOF")))))


class FileTests(TLSTestCase):
    def problem(self, **trust: Any) -> str:
        with self.assertRaises(ConfigurationError) as caught:
            check_trust(TLSTrust(**trust))
        return str(caught.exception)

    def test_each_one_that_is_missing_is_named(self) -> None:
        certificate = self.own[0]
        self.assertEqual(
            self.problem(ca_file="/no/ca.pem"),
            "/no/ca.pem cannot be used: No such file or directory",
        )
        self.assertIn("/no/own.pem", self.problem(certificate_file="/no/own.pem"))
        self.assertIn("/no/key", self.problem(certificate_file=certificate, key_file="/no/key"))
        self.assertIn("cannot be used", self.problem(ca_file="a\0b"))
        self.assertIn("directory", self.problem(ca_file=str(self.folder)))

    def test_each_one_that_holds_something_else(self) -> None:
        certificate = self.own[0]
        nothing = str(self.folder / "nothing")
        Path(nothing).write_text("nothing")
        for trust in (
            {"ca_file": nothing},
            {"certificate_file": nothing},
            {"certificate_file": certificate, "key_file": nothing},
            {"certificate_file": certificate},
        ):
            told = self.problem(**trust)
            self.assertIn(list(trust.values())[-1], told)
            self.assertIn("PEM", told)

    def test_a_key_of_another_certificate(self) -> None:
        other = self.authority.issue("other")[1]
        self.assertIn(other, self.problem(certificate_file=self.own[0], key_file=other))

    def test_a_certificate_and_its_key_in_one_file(self) -> None:
        both = self.folder / "both.pem"
        both.write_text("".join(Path(file).read_text() for file in self.own))
        check_trust(TLSTrust(certificate_file=str(both)))

    def test_a_new_version_is_noticed(self) -> None:
        self.reached(self.trust)
        (self.folder / "other").mkdir()
        other = Path(Authority(self.folder / "other").ca_file)
        os.replace(other, self.authority.ca_file)

        self.assertIn("another one of the same name", self.refusal(self.trust))

    def test_a_missing_file_is_noticed(self) -> None:
        self.reached(self.trust)
        Path(self.authority.ca_file).unlink()

        self.assertRaises(ConfigurationError, TLSClient, self.trust, "hv1.example.com")
