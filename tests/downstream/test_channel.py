"""HTTP connections with limits, and how another protocol takes one over."""

from __future__ import annotations

import contextlib
import re

from OpenSSL import SSL
from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionAborted
from twisted.internet.ssl import KeyPair, PrivateCertificate
from twisted.logger import capturedLogs, formatEvent
from twisted.protocols.tls import TLSMemoryBIOFactory

from tests.doubles.channel import TOKEN, ChannelTestCase
from vncproxy.downstream.channel import RESPONSE_TIME, ConsoleChannel
from vncproxy.downstream.http_site import ConsoleSite
from vncproxy.model import Limits
from vncproxy.testing import MemoryPeer


class LimitTests(ChannelTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logged = self.enterContext(capturedLogs())

    def assert_told(self, peer: MemoryPeer, status: int, sentence: str, why: str) -> None:
        """Check that a refusal is answered, logged, and closes the connection."""
        head, _, body = peer.receive().decode().partition("\r\n\r\n")
        self.assertTrue(head.startswith(f"HTTP/1.1 {status} {body.strip()}\r\n"), head)
        self.assertIn(sentence, body)
        self.assertIsNotNone(peer.closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        lines = [formatEvent(event) for event in self.logged if "refused" in formatEvent(event)]
        self.assertEqual(len(lines), 1)
        self.assertIn(why, lines[0])
        found = re.search(r" \(id ([0-9a-f]{16})\)$", body.strip())
        assert found is not None, body
        self.assertIn(found[1], lines[0])

    def test_a_header_that_is_too_large_is_refused(self) -> None:
        peer = self.connect()

        peer.send(b"GET / HTTP/1.1\r\n", *[b"X-A: " + b"a" * 95 + b"\r\n"] * 12)

        self.assert_told(peer, 431, "delete the cookies", "header over 1024 bytes")
        self.assertEqual(self.root.requests, [])

    def test_a_line_without_end_is_not_collected(self) -> None:
        peer = self.connect()

        peer.send(*[b"A" * 1000] * 100)

        self.assert_told(peer, 431, "Open the link as you got it", "limits.header_bytes")

    def test_a_line_as_long_as_the_header_may_be_is_served(self) -> None:
        self.site = ConsoleSite(self.root, Limits(header_bytes=65536), self.clock)
        peer = self.connect()

        peer.send(b"GET /2?" + b"a" * 60000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")

        self.assertTrue(peer.receive().endswith(b"XX"))

    def test_each_request_has_the_whole_limit(self) -> None:
        peer = self.connect()
        for _ in range(3):
            peer.send(b"GET /2 HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 900 + b"\r\n\r\n")
            self.assertTrue(peer.receive().endswith(b"XX"))

    def test_nothing_is_read_after_a_refusal(self) -> None:
        peer = self.connect(room=10)
        peer.send(b"A" * 2000)

        peer.send(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(self.root.requests, [])
        self.clock.advance(10)

        self.assertIsNotNone(peer.closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_comes_by_a_unix_socket_is_told_too(self) -> None:
        peer = MemoryPeer(self.site.buildProtocol(None), address=UNIXAddress(None))

        peer.send(b"GET")
        self.clock.advance(10)

        self.assert_told(peer, 408, "Try again", "from 0.0.0.0 refused")

    def test_a_refusal_under_tls_closes_the_connection(self) -> None:
        key = KeyPair.generate(size=2048)
        identity = PrivateCertificate.fromCertificateAndKeyPair(
            key.selfSignedCert(1, CN="console.example.com"), key
        )
        tls = TLSMemoryBIOFactory(identity.options(), False, self.site, self.clock)
        peer = MemoryPeer(tls.buildProtocol(None))
        browser = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
        browser.set_connect_state()
        self.exchange(browser, peer)

        browser.send(b"A" * 2000)
        self.exchange(browser, peer)

        self.assertTrue(browser.recv(1000).startswith(b"HTTP/1.1 431 "))
        self.assertRaises(SSL.ZeroReturnError, browser.recv, 1000)

    def exchange(self, browser: SSL.Connection, peer: MemoryPeer) -> None:
        """Let a handshake, and what was written, arrive on both sides."""
        for _ in range(4):
            with contextlib.suppress(SSL.WantReadError):
                browser.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                peer.send(browser.bio_read(65536))
            self.clock.advance(0)
            if arrived := peer.receive():
                browser.bio_write(arrived)

    def test_folded_headers_are_refused(self) -> None:
        for fold in (b" ", b"\t"):
            self.setUp()
            peer = self.connect()

            peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n" + fold + b"c\r\n\r\n")

            self.assert_told(peer, 400, "malformed", "folded header")
            self.assertEqual(self.root.requests, [])

    def test_a_length_of_thousands_of_digits_is_refused(self) -> None:
        for after in (b"\r\n", b"\r\nX-A: b\r\nX-C: d\r\n"):
            self.setUp()
            self.site = ConsoleSite(self.root, Limits(), self.clock)
            peer = self.connect()

            peer.send(b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + after + b"\r\n")

            self.assert_told(peer, 400, "malformed", "content-length of 5001 digits")
            self.assertEqual(self.root.requests, [])

    def test_so_many_requests_are_served_on_a_connection(self) -> None:
        peer = self.connect()

        peer.send(b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n" * 300)

        answers = peer.receive()
        self.assertEqual(len(self.root.requests), 100)
        self.assertEqual(answers.count(b"Connection: close\r\n"), 1)
        self.assertIsNotNone(peer.closed)

    def test_silence_is_cut(self) -> None:
        peer = self.connect()

        self.clock.advance(10)

        self.assertTrue(peer.closed and peer.closed.check(ConnectionAborted))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_dripping_does_not_stretch_the_time(self) -> None:
        peer = self.connect()

        for byte in b"GET / HTTP/1.1":
            peer.send(bytes([byte]))
            self.clock.advance(1)

        self.assert_told(peer, 408, "Try again", "not whole within 10 s, limits.header_time")

    def test_a_dripping_body_does_not_stretch_it_either(self) -> None:
        peer = self.connect()
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")

        for _ in range(10):
            peer.send(b"x")
            self.clock.advance(1)

        self.assert_told(peer, 408, "did not arrive in time", "limits.header_time")
        self.assertEqual(self.root.requests, [])

    def test_a_body_is_read_and_kept_nowhere(self) -> None:
        peer = self.connect()

        peer.send(b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        peer.send(*[bytes(10_000)] * 100)

        self.assertTrue(peer.receive().endswith(b"XX"))
        self.assertEqual(self.root.content, b"")

    def test_a_chunked_body_is_dropped_too(self) -> None:
        peer = self.connect()

        peer.send(b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        peer.send(b"5\r\nhello\r\n0\r\n\r\n")

        self.assertTrue(peer.receive().endswith(b"XX"))

    def test_an_answered_request_leaves_its_connection_open_for_the_next(self) -> None:
        peer = self.connect()
        for _ in range(3):
            self.clock.advance(9)
            peer.send(b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(peer.receive().endswith(b"XX"))

        self.clock.advance(9)
        peer.pump()
        self.assertIsNone(peer.closed)
        self.clock.advance(1)
        peer.pump()

        self.assertIsNotNone(peer.closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_next_header_has_its_own_time(self) -> None:
        peer = self.connect()
        peer.send(b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        peer.receive()
        self.clock.advance(9)

        peer.send(b"GET /2 HTTP/1.1\r\n")
        self.clock.advance(9)
        self.assertIsNone(peer.closed)
        self.clock.advance(1)

        self.assert_told(peer, 408, "Try again", "limits.header_time")

    def test_an_answer_that_is_taken_has_more_time(self) -> None:
        peer = self.connect()
        peer.send(b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
        channel = self.root.requests[0].channel
        assert isinstance(channel, ConsoleChannel)
        for _ in range(3):
            self.clock.advance(RESPONSE_TIME - 1)
            channel.extend_response()
        peer.pump()
        self.assertIsNone(peer.closed)

        self.clock.advance(RESPONSE_TIME)
        peer.pump()
        self.assertIsNotNone(peer.closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_reset_leaves_nothing_behind(self) -> None:
        peer = self.connect()

        peer.reset()

        self.assertEqual(self.clock.getDelayedCalls(), [])


class SecrecyTests(ChannelTestCase):
    def test_nothing_that_is_logged_shows_a_token(self) -> None:
        with capturedLogs() as events:
            for request in (
                f"GET /2?token={TOKEN} HTTP/1.1\r\nHost: a\r\n\r\n",
                f"GET /2?token={TOKEN} HTTP/1.1\r\n" + "A: b\r\n" * 300,
                f"GET /?token={TOKEN}\r\n\r\n",
                f"GET /?token={TOKEN} HTTP/9\r\nno header\r\n\r\n",
                f"CONNECT ?token={TOKEN} HTTP/1.0\r\n\r\n",
            ):
                peer = self.connect()
                peer.send(request.encode())
                self.clock.advance(100)
                peer.reset()

        self.assertNotEqual(events, [])
        self.assertNotIn(TOKEN, str(events))

    def test_a_request_does_not_show_its_query(self) -> None:
        self.connect().send(f"GET /2?token={TOKEN} HTTP/1.1\r\nHost: a\r\n\r\n".encode())

        self.assertEqual(
            repr(self.root.requests[0]),
            "<GET request of IPv4Address(type='TCP', host='192.0.2.1', port=50000)>",
        )


class ClosingTests(ChannelTestCase):
    """No further requests are to come on the connections that there are."""

    def close(self) -> None:
        self.site.connections.close_served()

    def ask(self, peer: MemoryPeer) -> bytes:
        peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return peer.receive().lower()

    def test_a_connection_that_waits_for_another_request_is_closed(self) -> None:
        peer = self.connect()
        self.assertNotIn(b"connection: close", self.ask(peer))

        self.close()
        peer.pump()

        self.assertIsNotNone(peer.closed)

    def test_one_that_has_sent_no_request_yet_is_served_once(self) -> None:
        peer = self.connect()

        self.close()
        self.assertIsNone(peer.closed)
        answer = self.ask(peer)
        peer.pump()

        self.assertIn(b"connection: close", answer)
        self.assertIsNotNone(peer.closed)
