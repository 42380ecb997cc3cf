"""The PROXY protocol, in versions 1 and 2, and what is none."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import Request
from twisted.web.resource import Resource

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.downstream.http_site import ConsoleSite
from vncproxy.downstream.proxy_header import ProxyHeaderFactory, read_proxy_header
from vncproxy.errors import DownstreamViolation, VNCProxyError
from vncproxy.handshake.dialogue import Dialogue
from vncproxy.handshake.steps import TooLong
from vncproxy.model import Limits
from vncproxy.testing import MemoryPeer

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def version_2(command: int = 0x21, family: int = 0x11, block: bytes = b"") -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(block)) + block


def addresses(source: str, destination: str, port: int) -> bytes:
    packed = ip_address(source).packed + ip_address(destination).packed
    return packed + struct.pack("!HH", port, 443)


IPV4 = addresses("192.0.2.7", "10.0.0.1", 54321)
IPV6 = addresses("2001:db8::7", "fd00::1", 54321)

GOOD: list[tuple[bytes, str | None]] = [
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 54321 443\r\n", "192.0.2.7"),
    (b"PROXY TCP6 2001:db8::7 fd00::1 54321 443\r\n", "2001:db8::7"),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
    (version_2(block=IPV4), "192.0.2.7"),
    (version_2(block=IPV4 + b"\x04\x00\x01x"), "192.0.2.7"),
    (version_2(family=0x21, block=IPV6), "2001:db8::7"),
    (version_2(0x20, 0x00), None),
    (version_2(0x20, 0x11, IPV4), None),
    (version_2(family=0x00), None),
]

BAD = [
    b"GET / HTTP/1.1\r\n",
    b"PROXY TCP4 a b 1 2\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 x 443\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 99999 443\r\n",
    b"PROXY TCP4 192.0.2.7 10.0.0.1 \xb2 443\r\n",
    b"PROXY TCP4 2001:db8::7 fd00::1 54321 443\r\n",
    b"PROXY TCP6 192.0.2.7 10.0.0.1 54321 443\r\n",
    b"PROXY TCP4 \xff\xfe 10.0.0.1 54321 443\r\n",
    b"PROXY TCP4 192.0.2.7\r\n",
    b"PROXY UDP4 192.0.2.7 10.0.0.1 54321 443\r\n",
    b"PROXY TCP4 " + b"1" * 200,
    version_2(0x11),
    version_2(0x22, block=IPV4),
    version_2(block=IPV4[:11]),
    version_2(family=0x21, block=IPV4),
    version_2(block=bytes(5000)),
]


def read(*pieces: bytes) -> Dialogue[Any]:
    dialogue = Dialogue(read_proxy_header())
    for piece in pieces:
        dialogue.receive(piece)
    return dialogue


class HeaderTests(SynchronousTestCase):
    def test_who_the_client_is(self) -> None:
        for header, host in GOOD:
            for pieces in ([header + b"more"], [bytes((byte,)) for byte in header + b"more"]):
                dialogue = read(*pieces)

                self.assertTrue(dialogue.done, header)
                self.assertEqual(getattr(dialogue.result, "host", None), host, header)
                self.assertEqual(dialogue.leftover(), b"more")

    def test_a_unix_socket(self) -> None:
        self.assertEqual(read(version_2(family=0x31, block=bytes(216))).result, UNIXAddress(None))

    def test_what_is_none(self) -> None:
        for header in BAD:
            with self.assertRaises((DownstreamViolation, TooLong)):
                read(header)

    @given(st.binary(max_size=200))
    def test_random_bytes(self, data: bytes) -> None:
        for start in (b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11\x00"):
            try:
                read(start + data)
            except Exception as e:  # noqa: BLE001
                self.assertIsInstance(e, VNCProxyError)


class _Noting(Resource):
    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.clients: list[object] = []

    def render(self, request: Request) -> bytes:
        self.clients.append(getattr(request.getClientAddress(), "host", None))
        return b"XX"


class ConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.root = _Noting()
        self.site = ConsoleSite(self.root, Limits(connections_per_address=2), self.clock)

    def connect(self) -> MemoryPeer:
        return MemoryPeer(ProxyHeaderFactory(self.site).buildProtocol(None))

    def test_requests_are_the_clients(self) -> None:
        for header, host in GOOD:
            self.setUp()
            peer = self.connect()

            peer.send(header + REQUEST, REQUEST)

            self.assertEqual(peer.receive().count(b"\r\n\r\nXX"), 2)
            self.assertEqual(self.root.clients, [host or "192.0.2.1"] * 2)

    def test_what_is_none_is_cut_and_logged_once(self) -> None:
        with capturedLogs() as events:
            factory = ProxyHeaderFactory(self.site)
            for header in BAD:
                peer = MemoryPeer(factory.buildProtocol(None))
                peer.send(header, REQUEST)
                self.assertIsNotNone(peer.closed)

        self.assertEqual(self.root.clients, [])
        (line,) = [formatEvent(event) for event in events]
        self.assertIn("begins with no PROXY header", line)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_header_that_does_not_come_is_waited_for_like_a_request(self) -> None:
        peer = self.connect()
        peer.send(b"PROXY TCP4 ")

        self.clock.advance(10)

        self.assertIsNotNone(peer.closed)

    def test_connections_count_for_the_client_and_not_for_the_balancer(self) -> None:
        start = b"PROXY TCP4 192.0.2.7 10.0.0.1 54321 443\r\nGET / HT"
        peers = [self.connect() for _ in range(4)]
        for peer in peers[:3]:
            peer.send(start)
        peers[3].send(start.replace(b"2.7", b"2.8"))

        answers = [peer.receive()[9:12] for peer in peers]

        self.assertEqual(answers, [b"", b"", b"503", b""])
