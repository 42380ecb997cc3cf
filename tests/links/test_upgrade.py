"""An HTTP request after which the connection carries something else."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from vncproxy.links.upgrade import UpgradeFactory, UpgradeRefused, upgrade

GRANTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: vncproxy-zone\r\n\r\n"
)


class Recorder(Protocol):
    """Records what it receives."""

    def __init__(self) -> None:
        self.received = b""
        self.lost = False

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: object = None) -> None:
        self.lost = True


class UpgradeTests(SynchronousTestCase):
    def setUp(self) -> None:
        steps = upgrade("console.example.com", 443, "/zones/tunnel", "s1gned")
        self.factory = UpgradeFactory(Factory.forProtocol(Recorder), steps, "2001:db8::1")
        self.layer: Any = self.factory.buildProtocol(None)
        self.inner: Recorder = self.layer.wrappedProtocol
        self.wire = StringTransportWithDisconnection()
        directlyProvides(self.wire, ISSLTransport)
        self.wire.protocol = self.layer
        self.layer.makeConnection(self.wire)

    def failure(self, kind: type[Exception]) -> Any:
        return self.failureResultOf(self.factory.done, kind).value

    def test_the_request(self) -> None:
        self.assertEqual(
            self.wire.value(),
            b"GET /zones/tunnel HTTP/1.1\r\nHost: console.example.com:443\r\n"
            b"Connection: Upgrade\r\nUpgrade: vncproxy-zone\r\n"
            b"Authorization: Bearer s1gned\r\n\r\n",
        )

    def test_bytes_follow_the_answer_in_any_pieces(self) -> None:
        for byte in GRANTED + b"GET /":
            self.layer.dataReceived(bytes([byte]))
        self.assertIs(self.successResultOf(self.factory.done), self.inner)
        self.assertEqual(self.inner.received, b"GET /")

    def test_nothing_has_the_connection_before_the_answer(self) -> None:
        self.assertIsNone(self.inner.transport)
        self.layer.dataReceived(GRANTED)
        self.assertIs(self.inner.transport, self.layer)

    def test_the_user_is_the_peer(self) -> None:
        self.layer.dataReceived(GRANTED)
        self.assertEqual(self.layer.getPeer().host, "2001:db8::1")

    def test_a_refusal_of_another_zone(self) -> None:
        why = b"zone-key-expired: key 1a2b was accepted until 2020"
        self.layer.dataReceived(b"HTTP/1.1 403 Forbidden\r\nVNCProxy-Refusal: " + why + b"\r\n\r\n")
        error = self.failure(UpgradeRefused)
        self.assertEqual((error.http_status, error.error_code), (403, "zone-key-expired"))
        self.assertIn("until 2020", error.detail)
        self.assertFalse(self.wire.connected)

    def test_servers_that_are_no_proxy_of_ours(self) -> None:
        for answer, words in (
            (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway"),
            (b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n", "101 Switching"),
            (b"SSH-2.0-OpenSSH_9.6\n", "not an HTTP reply"),
        ):
            with self.subTest(answer=answer):
                self.setUp()
                self.layer.dataReceived(answer)
                self.assertIn(words, self.failure(UpgradeRefused).detail)

    def test_an_answer_without_an_end(self) -> None:
        self.layer.dataReceived(b"HTTP/1.1 101 Switching\r\n" + b"x" * 9000)
        self.failure(Exception)
        self.assertFalse(self.wire.connected)

    def test_a_connection_that_is_lost_before_and_after(self) -> None:
        self.wire.loseConnection()
        self.assertFalse(self.inner.lost)
        self.failure(Exception)
        self.setUp()
        self.layer.dataReceived(GRANTED)
        self.wire.loseConnection()
        self.assertTrue(self.inner.lost)
