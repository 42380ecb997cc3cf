"""When listening sockets accept, and how many connections in one round."""

from __future__ import annotations

import struct
from typing import Any

from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from tests.doubles.native_viewers import BANNER, NativeCase
from vncproxy.downstream.accepting import AT_ONCE, TOO_LONG, Accepting
from vncproxy.downstream.http_site import ConsoleSite
from vncproxy.downstream.proxy_header import ProxyHeaderFactory
from vncproxy.model import Limits
from vncproxy.testing import MemoryPeer


class Port:
    """A listening socket with as many connections as are wanted."""

    def __init__(self, factory: Any) -> None:
        self.factory = factory
        self.connected, self.disconnecting = True, False
        self.numberAccepts = 100
        self.reading = True

    def startReading(self) -> None:
        self.reading = True

    def stopReading(self) -> None:
        self.reading = False

    def accept(self) -> int:
        """Accept as many as Twisted does in one round; returns how many."""
        if not self.reading:
            return 0
        for _ in range(self.numberAccepts):
            self.factory.buildProtocol(None)
        return self.numberAccepts


class AcceptingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.waiting = Clock(), False
        self.accepting = Accepting(lambda: self.waiting, self.clock)
        self.port = self.listen()

    def listen(self) -> Port:
        port = Port(Factory.forProtocol(Protocol))
        self.accepting.add(port)
        return port

    def test_as_many_are_accepted_as_twisted_does_while_none_waits(self) -> None:
        self.assertEqual([self.port.accept(), self.port.accept()], [100, 100])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_few_are_accepted_in_a_round_while_users_wait(self) -> None:
        self.waiting = True
        self.port.accept()
        self.assertEqual(self.port.accept(), 0)
        for _ in range(3):
            self.clock.advance(0)
            self.assertEqual((self.port.accept(), self.port.accept()), (AT_ONCE, 0))

    def test_nothing_is_accepted_while_paused(self) -> None:
        self.waiting = True
        self.port.accept()
        self.accepting.pause(True)
        self.clock.advance(0)
        self.assertEqual(self.port.accept(), 0)
        self.accepting.pause(False)
        self.assertEqual(self.port.accept(), AT_ONCE)

    def test_round_that_is_over_goes_on_in_the_next_when_the_pause_ends(self) -> None:
        self.waiting = True
        self.port.accept()
        self.accepting.pause(True)
        self.accepting.pause(False)
        self.assertEqual(self.port.accept(), 0)
        self.clock.advance(0)
        self.assertEqual(self.port.accept(), AT_ONCE)

    def test_listener_that_begins_in_a_pause_is_paused(self) -> None:
        self.accepting.pause(True)
        self.assertEqual(self.listen().accept(), 0)

    def test_listener_that_stopped_is_left_alone(self) -> None:
        self.accepting.pause(True)
        self.port.connected = False
        self.accepting.pause(False)
        self.assertFalse(self.port.reading)


class LatePeer(MemoryPeer):
    """A client whose connection has waited in the kernel, by its ``struct tcp_info``."""

    waited = TOO_LONG

    def getHandle(self) -> LatePeer:
        return self

    def getsockopt(self, *_: object) -> bytes:
        return struct.pack("B51xI", 1, int(self.waited * 1000))


class LateTests(NativeCase):
    """What clients read that have waited too long, by their listener."""

    def setUp(self) -> None:
        super().setUp()
        self.accepting = Accepting(lambda: True, self.reactor)

    def come(self, factory: Any, peer: type[MemoryPeer] = LatePeer) -> bytes:
        port = Port(factory)
        self.accepting.add(port)
        protocol: IProtocol = port.factory.buildProtocol(None)
        self.newest = peer(protocol)
        return self.newest.receive()

    def test_a_native_viewer_reads_the_reason_in_its_own_protocol(self) -> None:
        for factory in (self.factory, ProxyHeaderFactory(self.factory)):
            told = self.come(factory)

            reason = b"The console service is busy. Try again in a moment."
            self.assertEqual(told, BANNER + b"\0" + len(reason).to_bytes(4, "big") + reason)
            self.assertIsNotNone(self.newest.closed)
        self.assertEqual((self.accepting.refused_late, len(self.connections)), (2, 0))

    def test_a_browser_reads_it_in_http(self) -> None:
        site = ConsoleSite(Resource(), Limits(), self.reactor)
        for factory in (site, ProxyHeaderFactory(site)):
            told = self.come(factory)

            self.assertTrue(told.startswith(b"HTTP/1.1 503 The console service is busy."))
            self.assertRegex(told, rb"\r\nRetry-After: [1-8]\r\n")
            self.assertIsNotNone(self.newest.closed)

    def test_under_tls_the_connection_is_aborted(self) -> None:
        site = ConsoleSite(Resource(), Limits(), self.reactor)
        under = TLSMemoryBIOFactory(self.certificate, False, site)

        self.assertEqual(self.come(under), b"")

        self.assertIsNotNone(self.newest.closed)
        self.assertEqual(self.accepting.aborted_late, 1)

    def test_a_viewer_that_waited_less_is_served(self) -> None:
        class Early(LatePeer):
            waited = TOO_LONG / 2

        self.assertEqual(self.come(self.factory, Early), BANNER)
        self.newest.close()
