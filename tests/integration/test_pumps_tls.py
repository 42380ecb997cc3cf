"""Pumps of encrypted connections."""

from __future__ import annotations

import os
import socket
import ssl

from OpenSSL.SSL import Error

from tests.doubles.pumps import PIXELS, PumpTestCase
from tests.doubles.wire import SocketPeer, Way
from vncproxy.errors import (
    ClientGone,
    ConnectionLost,
    ConsoleEnded,
    SessionEnded,
)
from vncproxy.relay import fast
from vncproxy.relay.fast.tls_pump import TLSPump
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming


class TLSTests(PumpTestCase):
    user_way = console_way = Way.TLS

    def raw(self, peer: SocketPeer, data: bytes) -> None:
        """Send below TLS."""
        socket.socket.send(peer.socket, data)
        self.loop.settle()

    def test_a_record_that_was_cut_by_the_take_over(self) -> None:
        down = Leg(RawFraming(), self.loop, ClientGone)
        up = Leg(RawFraming(), self.loop, ConsoleEnded)
        user = self.peer(down, Way.TLS, accepted=True)
        console = self.peer(up, Way.TLS, accepted=False)
        wire = self.encrypt(user, b"keys")
        self.raw(user, wire[:9])

        fast.join(down, up, reactor=self.loop)
        self.loop.settle()
        self.raw(user, wire[9:])

        self.assertIsInstance(down.transport, TLSPump)
        self.assertEqual(console.receive(), b"keys")

    def encrypt(self, peer: SocketPeer, payload: bytes) -> bytes:
        """Return what a peer would send, by letting it send into a pair of its own."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            kept = os.dup(peer.socket.fileno())
            os.dup2(ours.fileno(), peer.socket.fileno())
            peer.socket.send(payload)
            os.dup2(kept, peer.socket.fileno())
            os.close(kept)
            return theirs.recv(65536)

    def test_the_end_without_an_alert_is_a_loss(self) -> None:
        pair = self.pair()

        pair.console.hang_up()

        self.assertIsInstance(self.successResultOf(pair.over), ConnectionLost)

    def test_an_alert_is_answered(self) -> None:
        pair = self.pair()
        assert isinstance(pair.console.socket, ssl.SSLSocket)
        with self.assertRaises(ssl.SSLWantReadError):
            pair.console.socket.unwrap()

        self.loop.settle()

        pair.console.socket.unwrap()
        self.assertIsInstance(self.successResultOf(pair.over), ConsoleEnded)

    def test_what_is_not_tls_is_a_loss(self) -> None:
        pair = self.pair()

        self.raw(pair.console, b"\x17\x03\x03\x00\x20" + bytes(32))

        why = self.successResultOf(pair.over)
        self.assertIsInstance(why, ConnectionLost)
        self.assertIn("TLS failed", why.detail)

    def test_a_failure_to_encrypt_ends_the_side_that_fails(self) -> None:
        pair = self.pair()

        class Broken:
            def sendall(self, _: object) -> None:
                raise Error([("SSL routines", "", "a failure")])

        real, pair.down.transport._tls = pair.down.transport._tls, Broken()
        pair.console.send(b"pixels")

        self.assertIsInstance(self.successResultOf(pair.over), ConnectionLost)
        self.assertTrue(pair.down.closed.called)
        self.assertFalse(pair.up.closed.called)
        del real

    def test_large_payload(self) -> None:
        pair = self.pair()

        pair.console.send(PIXELS)
        pair.user.send(PIXELS)

        self.assertEqual(pair.hear_all(), PIXELS)
        self.assertEqual(pair.console.receive(), PIXELS)

    def test_raw_users_are_closed_with_an_alert(self) -> None:
        pair = self.pair(RawFraming())

        pair.end(SessionEnded())

        self.assertEqual(pair.user.receive(), b"")
        self.assertTrue(pair.peer.ended)
