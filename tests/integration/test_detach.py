"""Twisted's private names that the fast relay uses still exist.

When one of these fails after an upgrade of Twisted, the proxy works on, with the plain relay or
with short turns; `vncproxy.relay.fast.detach` is the module to adapt.
"""

from __future__ import annotations

import gc
import os
import socket
import weakref
from typing import Any

from OpenSSL.SSL import Connection as TLSConnection
from twisted.internet.pollreactor import PollReactor
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol

from tests.doubles.wire import SocketPeer, Way, WireTestCase, forget_certificates
from vncproxy.errors import ClientGone, ConnectionLost, ConsoleEnded
from vncproxy.relay import fast
from vncproxy.relay.fast import detach as module
from vncproxy.relay.fast.detach import TLS_NAMES, TRANSPORT_NAMES, detach, detachable, epoll_set_of
from vncproxy.relay.fast.dispatcher import Dispatcher
from vncproxy.relay.fast.pump import Pump
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.sockets import IHeaderLayer
from vncproxy.testing import MemoryPeer

ENCRYPTED = (Way.TLS, Way.START_TLS)


class DetachTestCase(WireTestCase):
    @classmethod
    def tearDownClass(cls) -> None:
        forget_certificates()

    def leg(self, gone: Any = ClientGone) -> Leg:
        return Leg(RawFraming(), self.loop, gone)

    def connected(self, way: Way, accepted: bool = True) -> tuple[Leg, SocketPeer]:
        leg = self.leg()
        return leg, self.peer(leg, way, accepted)

    def each_transport(self) -> list[tuple[Way, Any, Any]]:
        """Return every kind of connection: its TLS layer or None, and what has the socket."""
        found = []
        for way in Way:
            for accepted in (True, False):
                leg, _ = self.connected(way, accepted)
                tls, raw = module._layers(leg.transport)
                self.assertEqual(tls is not None, way in ENCRYPTED)
                found.append((way, tls, raw))
        return found


class PrivateNamesTests(DetachTestCase):
    def test_a_transport_has_all_that_is_used(self) -> None:
        for way, _, raw in self.each_transport():
            with self.subTest(way):
                self.assertIsInstance(raw, Connection)
                self.assertEqual([name for name in TRANSPORT_NAMES if not hasattr(raw, name)], [])
                self.assertIsInstance(raw.socket, socket.socket)
                self.assertEqual((raw.connected, raw.disconnected, raw.disconnecting), (1, 0, 0))
                self.assertIs(raw._writeDisconnecting, False)

    def test_what_is_taken_away_is_the_transports_own(self) -> None:
        for way, _, raw in self.each_transport():
            with self.subTest(way):
                self.assertLessEqual({"fileno", "protocol", "socket"}, set(vars(raw)))

    def test_what_is_written_waits_where_it_is_looked_for(self) -> None:
        leg, peer = self.connected(Way.TCP)

        leg.transport.write(b"first ")
        leg.transport.write(b"second")
        raw: Any = leg.transport

        self.assertEqual(
            (raw.dataBuffer, raw.offset, raw._tempDataBuffer, raw._tempDataLen),
            (b"", 0, [b"first ", b"second"], 12),
        )
        leg.transport.write(bytes(200_000))
        self.loop.settle()
        self.assertGreater(raw.offset, 0)
        self.assertGreater(len(raw.dataBuffer), raw.offset)
        self.assertTrue(peer.receive().startswith(b"first second"))

    def test_a_tls_layer_has_all_that_is_used(self) -> None:
        for way, tls, _ in self.each_transport():
            if way in ENCRYPTED:
                with self.subTest(way):
                    self.assertIsInstance(tls, TLSMemoryBIOProtocol)
                    self.assertEqual([name for name in TLS_NAMES if not hasattr(tls, name)], [])
                    self.assertIsInstance(tls._tlsConnection, TLSConnection)
                    self.assertIs(tls._handshakeDone, True)
                    self.assertIs(tls._lostTLSConnection, False)
                    self.assertEqual(tls._appSendBuffer, [])
                    self.assertIn(tls, tls.factory.protocols)

    def test_the_layer_of_the_proxy_protocol_is_called_as_expected(self) -> None:
        layer: Any = self.connected(Way.PROXY)[0].transport

        self.assertTrue(IHeaderLayer.providedBy(layer))
        self.assertEqual(layer.getPeer().host, "192.0.2.1")
        self.assertTrue(layer.peer_known)
        self.assertEqual(type(layer.wrappedProtocol), Leg)

    def test_small_writes_are_held_back_where_it_is_looked_for(self) -> None:
        leg, _ = self.connected(Way.TLS)
        tls: Any = leg.transport

        leg.transport.write(b"key")

        self.assertEqual(tls._aggregator._buffer, [b"key"])
        tls._aggregator.close()
        self.assertEqual(tls._aggregator._buffer, [])
        self.assertEqual(tls._aggregator._scheduled, None)

    def test_the_epoll_reactor_has_an_epoll_set(self) -> None:
        self.assertGreater(epoll_set_of(self.loop), 0)

    def test_other_reactors_have_none(self) -> None:
        reactor: Any = PollReactor()
        self.addCleanup(lambda: [one.connectionLost(None) for one in reactor._internalReaders])

        self.assertEqual(epoll_set_of(reactor), -1)
        self.assertEqual(epoll_set_of(Clock()), -1)


class DetachTests(DetachTestCase):
    def test_every_kind_can_be_detached(self) -> None:
        for way in Way:
            for accepted in (True, False):
                with self.subTest((way, accepted)):
                    transport = self.connected(way, accepted)[0].transport
                    connection = module._layers(transport)[1].socket
                    self.assertTrue(detachable(transport))

                    detached = detach(transport)

                    self.assertIs(detached.socket, connection)
                    self.assertEqual(detached.tls is not None, way in ENCRYPTED)
                    self.assertFalse(connection.getblocking())
                    connection.close()
        self.assertEqual(self.loop.removeAll(), [])

    def test_tls_that_holds_nothing_back_can_be_detached(self) -> None:
        self.patch(TLSMemoryBIOFactory, "protocol", TLSMemoryBIOProtocol)
        leg, peer = self.connected(Way.TLS)
        leg.transport.write(b"pixels")
        self.assertTrue(detachable(leg.transport))

        with (detached := detach(leg.transport)).socket:
            detached.socket.send(detached.pending)
            self.assertEqual(peer.receive(), b"pixels")

    def test_what_has_not_left_is_handed_on_in_order(self) -> None:
        leg, peer = self.connected(Way.UNIX)
        leg.transport.write(b"a" * 100_000)
        self.loop.settle()
        leg.transport.write(b"b" * 1000)

        detached = detach(leg.transport)
        with detached.socket:
            left = peer.receive()

            self.assertTrue(0 < len(left) < 100_000)
            self.assertEqual(left + detached.pending, b"a" * 100_000 + b"b" * 1000)

    def test_the_old_transport_is_dead_and_silent(self) -> None:
        for way in Way:
            with self.subTest(way):
                leg, peer = self.connected(way)
                _, raw = module._layers(leg.transport)
                detached = detach(leg.transport)

                raw.write(b"late")
                raw.pauseProducing()
                raw.resumeProducing()
                raw.loseConnection()
                raw.abortConnection()
                raw.connectionLost(None)
                self.loop.settle()

                self.assertEqual((detached.socket.fileno() < 0, leg.is_closing), (False, False))
                self.assertEqual(self.loop.removeAll(), [])
                self.assertFalse(detachable(leg.transport))
                detached.socket.send(b"alive")
                self.loop.settle()
                peer.socket.close()
                detached.socket.close()

    def test_nothing_of_the_handshake_stays(self) -> None:
        for way in Way:
            with self.subTest(way):
                leg, peer = self.connected(way)
                kept = [weakref.ref(layer) for layer in module._layers(leg.transport) if layer]
                detached = detach(leg.transport)
                leg.transport = StringTransport()

                gc.collect()

                self.assertEqual([layer() for layer in kept], [None] * len(kept))
                detached.socket.close()
                peer.vanish()
                self.peers.remove(peer)

    def test_a_listener_forgets_its_layers(self) -> None:
        for way in (Way.TLS, Way.PROXY):
            leg, _ = self.connected(way)
            factory = leg.transport.factory
            self.assertEqual(len(factory.protocols), 1)

            detach(leg.transport).socket.close()

            self.assertEqual(factory.protocols, {})


class FallbackTests(DetachTestCase):
    def test_strange_transports_are_left_alone(self) -> None:
        class Strange(Connection):
            pass

        ours, theirs = socket.socketpair()
        with ours, theirs:
            for transport in (
                object(),
                StringTransport(),
                MemoryPeer(Protocol()),
                Strange(ours, Protocol(), self.loop),
            ):
                self.assertFalse(detachable(transport))

    def test_a_transport_whose_names_have_changed_is_left_alone(self) -> None:
        plain, encrypted = self.connected(Way.TCP)[0], self.connected(Way.TLS)[0]
        for names in ("TRANSPORT_NAMES", "TLS_NAMES"):
            self.patch(module, names, (*getattr(module, names), "_moved"))

        self.assertFalse(detachable(plain.transport))
        self.patch(module, "TRANSPORT_NAMES", TRANSPORT_NAMES)
        self.assertTrue(detachable(plain.transport))
        self.assertFalse(detachable(encrypted.transport))

    def test_a_proxy_layer_that_has_read_nothing_is_left_alone(self) -> None:
        layer: Any = self.connected(Way.PROXY)[0].transport
        layer.peer_known = False

        self.assertFalse(detachable(layer))

    def test_a_connection_that_ends_is_left_alone(self) -> None:
        for way in (Way.TCP, Way.UNIX):
            closing, half = self.connected(way)[0], self.connected(way)[0]
            for leg in (closing, half):
                leg.transport.unregisterProducer()
                leg.transport.write(bytes(500_000))
            closing.transport.loseConnection()
            half.transport.loseWriteConnection()

            self.assertFalse(detachable(closing.transport))
            self.assertFalse(detachable(half.transport))

    def test_a_connection_that_is_lost_is_left_alone(self) -> None:
        for way in Way:
            leg, peer = self.connected(way)
            peer.reset()

            self.assertFalse(detachable(leg.transport))

    def test_a_unix_socket_that_passes_a_descriptor_is_left_alone(self) -> None:
        leg, _ = self.connected(Way.UNIX)
        leg.transport.sendFileDescriptor(0)

        self.assertFalse(detachable(leg.transport))
        leg.transport._sendmsgQueue.clear()

    def test_tls_that_shakes_hands_or_ends_is_left_alone(self) -> None:
        for spoiled in (
            {"_handshakeDone": False},
            {"_lostTLSConnection": True},
            {"_aborted": True},
            {"_appSendBuffer": [b"held back by a renegotiation"]},
        ):
            with self.subTest(spoiled):
                tls = self.connected(Way.TLS)[0].transport
                vars(tls).update(spoiled)
                self.assertFalse(detachable(tls))
                tls.transport.abortConnection()
                self.loop.settle()

    def test_a_strange_transport_is_relayed_as_by_the_plain_relay(self) -> None:
        down, up = self.leg(), self.leg(ConsoleEnded)
        user = self.peer(down, Way.TCP, accepted=True)
        console = MemoryPeer(up)
        over = fast.join(down, up, reactor=self.loop)
        self.loop.settle()
        self.assertNotIsInstance(down.transport, Pump)

        user.send(b"keys")
        console.send(b"pixels")
        self.loop.settle()

        self.assertEqual((console.receive(), user.receive()), (b"keys", b"pixels"))
        console.close()
        self.assertIsInstance(self.successResultOf(over), ConsoleEnded)

    def test_a_relay_that_cannot_begin_ends_the_session(self) -> None:
        down, up = self.leg(), self.leg(ConsoleEnded)
        self.peer(down, Way.TCP, accepted=True)
        self.peer(up, Way.UNIX, accepted=False)

        def fail(*_: object) -> None:
            raise OSError(28, os.strerror(28))

        self.patch(Dispatcher, "change", fail)
        over = fast.join(down, up, reactor=self.loop)
        self.loop.settle()

        self.assertIsInstance(self.successResultOf(over), ConnectionLost)
        self.assertTrue(down.closed.called and up.closed.called)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
