"""Ends of sending, on transports in memory; the options of real sockets are in integration."""

from __future__ import annotations

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from vncproxy.relay.sockets import set_socket_options, shut_down_sending
from vncproxy.testing import MemoryPeer


class ShutDownSendingTests(SynchronousTestCase):
    def test_tcp_is_half_closed(self) -> None:
        peer = MemoryPeer(Protocol())

        shut_down_sending(peer)

        self.assertEqual((peer.half_closed, peer.disconnecting), (True, False))

    def test_tls_is_closed(self) -> None:
        peer = MemoryPeer(Protocol())
        directlyProvides(peer, ISSLTransport)

        shut_down_sending(peer)

        self.assertEqual((peer.half_closed, peer.disconnecting), (False, True))

    def test_what_cannot_be_half_closed_is_closed(self) -> None:
        transport = StringTransport()

        shut_down_sending(transport)

        self.assertTrue(transport.disconnecting)


class TuneTests(SynchronousTestCase):
    def test_what_is_not_a_socket_is_left_alone(self) -> None:
        set_socket_options(StringTransport())
        set_socket_options(MemoryPeer(Protocol()))
