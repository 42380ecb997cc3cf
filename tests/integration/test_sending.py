"""Bytes that are sent without a turn of the reactor, on every kind of connection.

When one of these fails after an upgrade of Twisted, the proxy works on and sends in turns;
`vncproxy.relay.sending` is the module to adapt.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Any

from zope.interface import implementer

from tests.doubles.wire import SocketPeer, Way, WireTestCase, forget_certificates, unsent
from vncproxy.errors import ClientGone, ConnectionLost
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.sending import idle_connection, send_at_once
from vncproxy.relay.sockets import IHeaderLayer

PLAIN = (Way.TCP, Way.UNIX, Way.PROXY)
ENCRYPTED = (Way.TLS, Way.START_TLS)


@implementer(IHeaderLayer)
class HeaderLayer:
    """A layer that has read its header."""

    peer_known = True
    factory = wrappedProtocol = None

    def __init__(self, transport: Any) -> None:
        self.transport = transport


class SendAtOnceTests(WireTestCase):
    @classmethod
    def tearDownClass(cls) -> None:
        forget_certificates()

    def connected(self, way: Way, accepted: bool = True) -> tuple[Leg, SocketPeer]:
        leg = Leg(RawFraming(), self.loop, ClientGone)
        return leg, self.peer(leg, way, accepted)

    def arrived(self, peer: SocketPeer) -> bytes:
        """Return what has come without a turn of the reactor."""
        with contextlib.suppress(BlockingIOError):
            return peer.socket.recv(65536)
        return b""

    def reset(self, peer: SocketPeer) -> None:
        """Break a connection without a turn of the reactor."""
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.socket.close()

    def test_a_connection_without_tls_needs_no_turn_of_the_reactor(self) -> None:
        for way in PLAIN:
            for accepted in (True, False):
                with self.subTest(way=way, accepted=accepted):
                    leg, peer = self.connected(way, accepted)

                    send_at_once(leg.transport, b"RFB 003.008\n")

                    self.assertEqual(self.arrived(peer), b"RFB 003.008\n")
                    self.assertEqual(unsent(leg.transport), 0)

    def test_a_leg_sends_at_once(self) -> None:
        leg, peer = self.connected(Way.TCP)

        leg.send(b"RFB 003.008\n")

        self.assertEqual(self.arrived(peer), b"RFB 003.008\n")

    def test_tls_is_left_to_its_layer(self) -> None:
        for way in ENCRYPTED:
            with self.subTest(way):
                leg, peer = self.connected(way)
                self.assertIsNone(idle_connection(leg.transport))

                send_at_once(leg.transport, b"RFB 003.008\n")

                self.assertEqual(peer.receive(), b"RFB 003.008\n")

    def test_bytes_stay_behind_those_that_wait(self) -> None:
        for way in (*PLAIN, *ENCRYPTED):
            with self.subTest(way):
                leg, peer = self.connected(way)

                leg.transport.write(b"first ")
                send_at_once(leg.transport, b"second ")
                leg.transport.write(b"third")

                self.assertEqual(peer.receive(), b"first second third")

    def test_what_the_kernel_does_not_accept_waits_and_comes_in_order(self) -> None:
        for way in (*PLAIN, *ENCRYPTED):
            with self.subTest(way):
                leg, peer = self.connected(way)
                sent = b"".join(bytes([number]) * 50_000 for number in range(20))

                for at in range(0, len(sent), 50_000):
                    send_at_once(leg.transport, sent[at : at + 50_000])

                self.assertTrue(leg.full)
                self.assertEqual(peer.receive(), sent)
                self.assertFalse(leg.full)

    def test_what_is_sent_before_the_end_arrives_before_it(self) -> None:
        for end in ("loseConnection", "loseWriteConnection"):
            with self.subTest(end):
                leg, peer = self.connected(Way.TCP)

                send_at_once(leg.transport, b"last")
                getattr(leg.transport, end)()

                self.assertIsNone(idle_connection(leg.transport))
                self.assertEqual(peer.receive(), b"last")
                self.assertTrue(peer.ended)

    def test_a_reset_is_reported_later_as_one(self) -> None:
        leg, peer = self.connected(Way.TCP)
        reasons: list[Any] = []
        leg.close_reason.addCallback(reasons.append)
        self.reset(peer)

        send_at_once(leg.transport, b"RFB")

        self.assertEqual(reasons, [])
        self.loop.settle()
        self.assertEqual([type(reason) for reason in reasons], [ConnectionLost])

    def test_what_came_before_a_reset_is_received(self) -> None:
        leg, peer = self.connected(Way.TCP)
        received: list[bytes] = []
        leg.deliver(received.append)
        peer.socket.send(b"too many connections")
        self.reset(peer)

        send_at_once(leg.transport, b"RFB")
        self.loop.settle()

        self.assertEqual(received, [b"too many connections"])
        self.assertIsInstance(self.successResultOf(leg.close_reason), ConnectionLost)

    def test_tls_below_a_header_layer_is_not_passed_by(self) -> None:
        leg, _ = self.connected(Way.TLS)

        self.assertIsNone(idle_connection(HeaderLayer(leg.transport)))

    def test_a_lost_connection_takes_nothing(self) -> None:
        leg, peer = self.connected(Way.TCP)
        transport = leg.transport
        peer.vanish()

        self.assertIsNone(idle_connection(transport))
        send_at_once(transport, b"too late")
