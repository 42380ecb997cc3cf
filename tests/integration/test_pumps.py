"""Pumps under adverse conditions: sockets that take nothing, peers that vanish, defects."""

from __future__ import annotations

import gc
from typing import ClassVar

from OpenSSL.SSL import Connection as TLSConnection
from twisted.internet.tcp import Connection
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from tests.doubles import wire
from tests.doubles.dialogues import sized_bytes
from tests.doubles.pumps import PIXELS, CountingLeg, PumpTestCase, ReluctantSocket
from tests.doubles.wire import SocketPeer, Way
from tests.properties import HealthCheck, given, settings
from tests.properties import strategies as st
from tests.relay.relay_contract import User, Words
from vncproxy.errors import (
    ClientGone,
    ConnectionLost,
    ConsoleEnded,
    SessionEnded,
)
from vncproxy.interfaces import IStage
from vncproxy.model import Direction
from vncproxy.relay import fast
from vncproxy.relay.fast.dispatcher import (
    READABLE,
    SHARED_QUANTUM,
    WRITABLE,
    dispatcher_of,
)
from vncproxy.relay.fast.pump import BULK, INTERACTIVE, FramingType, Pump
from vncproxy.relay.framing import Framing
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.websocket_framing import WebSocketFraming

plans = st.lists(st.none() | st.integers(1, 40), max_size=60)


class ReluctanceTests(PumpTestCase):
    user_way = console_way = Way.UNIX

    @settings(
        deadline=None,
        max_examples=60,
        suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
    )
    @given(sized_bytes(2000), sized_bytes(500), plans, plans)
    def test_any_eagain_and_partial_write_gives_the_same_bytes(
        self, pixels: bytes, keys: bytes, down: list[int | None], up: list[int | None]
    ) -> None:
        self.hang_up_all()
        pair = self.pair()
        for leg, plan in ((pair.down, down), (pair.up, up)):
            leg.transport._socket = ReluctantSocket(leg.transport._socket, plan)

        pair.console.send(pixels)
        pair.user.send(keys)
        self.loop.settle()

        self.assertEqual(pair.hear_all(), pixels)
        self.assertEqual(pair.console.receive(), keys)
        self.assertFalse(pair.down.full or pair.up.full or pair.down.paused or pair.up.paused)


class EncryptedReluctanceTests(ReluctanceTests):
    user_way = console_way = Way.TLS


class LargeBufferTests(PumpTestCase):
    user_way = console_way = Way.UNIX

    def setUp(self) -> None:
        super().setUp()
        self.patch(wire, "SMALL_BUFFER", 1 << 20)

    def test_every_size_of_a_read(self) -> None:
        pair = self.pair()
        pumps = pair.up.transport, pair.down.transport
        for size, bulk in (
            *((125, False), (126, False), (BULK - 1, False), (BULK, True), (65535, True)),
            *((65536, True), (150_000, True), (INTERACTIVE, True), (INTERACTIVE - 1, False)),
        ):
            pair.console.send(PIXELS[:size])

            self.assertEqual(pair.user.receive(), PIXELS[:size])
            self.assertEqual([pump._bulk for pump in pumps], [bulk, False], size)

    def test_a_flow_ends_as_bulk(self) -> None:
        pair = self.pair()
        pair.console.send(PIXELS[:BULK])
        window = len(dispatcher_of(self.loop).window)

        pair.console.vanish()
        pair.user.receive()

        self.assertIsInstance(self.successResultOf(pair.over), ConsoleEnded)
        self.assertEqual(dispatcher_of(self.loop)._bulk_flows, 0)
        self.assertEqual(len(dispatcher_of(self.loop).window), window)


@implementer(IStage)
class Measured:
    """Notes the sizes of the pieces that it gets."""

    direction = Direction.TO_CLIENT

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def process(self, data: bytes) -> bytes:
        self.sizes.append(len(data))
        return data


class SmallPiecesTests(PumpTestCase):
    """What a stage parses is read in small pieces, so that other sessions wait for one of them."""

    user_way = console_way = Way.UNIX

    def setUp(self) -> None:
        super().setUp()
        self.patch(wire, "SMALL_BUFFER", 1 << 20)

    def assert_small(self, framing: Framing, wire_bytes: bytes) -> None:
        down, stage = Leg(RawFraming(), self.loop, ClientGone), Measured()
        up = Leg(framing, self.loop, ConsoleEnded)
        user = User(self.peer(down, self.user_way, accepted=True), False)
        console = self.peer(up, self.console_way, accepted=False)
        fast.join(down, up, [stage], reactor=self.loop)
        self.loop.settle()

        console.send(wire_bytes)

        self.assertEqual(user.receive(), PIXELS[:200_000])
        self.assertLessEqual(max(stage.sizes), SHARED_QUANTUM)

    def test_of_a_console(self) -> None:
        self.assert_small(RawFraming(), PIXELS[:200_000])

    def test_of_a_console_behind_a_websocket(self) -> None:
        head = b"\x82\x7f" + (200_000).to_bytes(8, "big")
        self.assert_small(WebSocketFraming(client=True), head + PIXELS[:200_000])


class DefectTests(PumpTestCase):
    def test_a_defect_ends_its_own_session_only(self) -> None:
        broken, sound = self.pair(), self.pair()

        def fail(_: bytes) -> bytes:
            raise RuntimeError("a defect")

        broken.down.framing = type("Broken", (), {"receive": staticmethod(fail)})()
        broken.down.transport._framing_type = FramingType.OTHER
        broken.user.send(b"key")
        sound.user.send(b"key")
        self.loop.settle()

        self.assertEqual(sound.console.receive(), b"key")
        self.assertIsInstance(self.successResultOf(broken.over), ConnectionLost)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertNoResult(sound.over)

    def test_events_that_are_out_of_date_do_nothing(self) -> None:
        pair = self.pair()
        pump = pair.down.transport

        pump.ready(READABLE | WRITABLE)
        pump.ready(WRITABLE)
        self.assertNoResult(pair.over)

        pump.pauseProducing()
        pair.user.send(b"key")
        pump.ready(READABLE)
        self.assertEqual(pair.console.receive(), b"")
        pump.resumeProducing()
        self.assertEqual(pair.console.receive(), b"key")


class WebSocketConsoleTests(PumpTestCase):
    end: ClassVar[type[SessionEnded]] = ConsoleEnded

    def test_a_console_behind_a_websocket(self) -> None:
        pair = self.pair(upstream=WebSocketFraming(client=True))

        pair.console.send(b"\x82\x06pix", b"els", b"\x89\x00\x82\x00\x82\x01!")
        pair.user.send(b"keys")

        self.assertEqual(pair.user.receive(), b"pixels!")
        server = WebSocketFraming()
        self.assertEqual(server.receive(pair.console.receive()), b"keys")

    def test_large_frames_both_ways(self) -> None:
        for size in (125, 126, 65535, 65536, 300_000):
            pair = self.pair(upstream=WebSocketFraming(client=True))
            server = WebSocketFraming()

            pair.user.send(PIXELS[:size])
            heard = b""
            while piece := pair.console.receive():
                heard += server.receive(piece)
            pair.console.send(server.encode(PIXELS[:size]))

            self.assertEqual(heard, PIXELS[:size])
            self.assertEqual(pair.hear_all(), PIXELS[:size])

    def test_whole_frames_take_the_short_way(self) -> None:
        pair = self.pair(upstream=WebSocketFraming(client=True))
        server, calls = WebSocketFraming(), list[bytes]()
        receive = pair.up.dataReceived

        def count(data: bytes) -> None:
            calls.append(data)
            receive(data)

        self.patch(pair.up, "dataReceived", count)

        pair.console.send(server.encode(PIXELS[:70_000]), server.encode(b"pix"))
        self.assertEqual(pair.hear_all(), PIXELS[:70_000] + b"pix")
        pair.console.send(server.ping())
        self.assertEqual(calls, [b"\x89\x00"])
        self.assertEqual(pair.up.bytes_received, 70_003)

    def test_the_end_within_a_frame(self) -> None:
        pair = self.pair(upstream=WebSocketFraming(client=True))
        pair.console.send(b"\x82\x7e\x01\x00pixels")
        self.assertEqual(pair.user.receive(), b"pixels")
        pair.console.vanish()
        self.loop.settle()
        self.assertIsInstance(self.successResultOf(pair.over), self.end)

    @settings(
        deadline=None,
        max_examples=40,
        suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
    )
    @given(sized_bytes(2000), sized_bytes(500), plans, plans)
    def test_any_eagain_and_partial_write_gives_the_same_bytes(
        self, pixels: bytes, keys: bytes, down: list[int | None], up: list[int | None]
    ) -> None:
        self.hang_up_all()
        pair = self.pair(upstream=WebSocketFraming(client=True))
        for leg, plan in ((pair.down, down), (pair.up, up)):
            leg.transport._socket = ReluctantSocket(leg.transport._socket, plan)
        server = WebSocketFraming()

        pair.console.send(server.encode(pixels), server.ping(), server.encode(keys))
        pair.user.send(keys)
        self.loop.settle()

        self.assertEqual(pair.hear_all(), pixels + keys)
        self.assertEqual(server.receive(pair.console.receive()), keys)


class EncryptedWebSocketConsoleTests(WebSocketConsoleTests):
    end = ConnectionLost  # without a TLS close alert
    user_way = console_way = Way.TLS


class LeftoverTests(PumpTestCase):
    def leftovers(self) -> int:
        kinds = (Leg, Pump, Connection, TLSConnection, TLSMemoryBIOProtocol, SocketPeer)
        return sum(isinstance(thing, kinds) for thing in gc.get_objects())

    def visit(self, way: Way, number: int) -> None:
        """Have a session with an end of its own."""
        self.user_way = self.console_way = way  # type: ignore[misc]
        pair = self.pair()
        pair.console.send(PIXELS if number % 2 else b"pixels")
        pair.user.send(b"keys")
        end = (pair.peer.close, pair.peer.reset, pair.console.vanish, pair.user.receive)[number % 4]
        end()
        pair.end(SessionEnded())
        self.hang_up_all()
        self.assertTrue(pair.down.closed.called and pair.up.closed.called)

    def test_nothing_is_left_of_sessions_that_are_over(self) -> None:
        """Nor for the garbage collector, which would let memory grow until it comes."""
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        before = self.leftovers()

        for way in Way:
            for number in range(8):
                self.visit(way, number)
                self.assertEqual(self.leftovers(), before, (way, number))

        self.assertEqual(dispatcher_of(self.loop)._flows, {})
        self.assertEqual(self.loop.getDelayedCalls(), [])


class StageTests(PumpTestCase):
    """A direction with a stage goes through the legs; the other one keeps its short cut."""

    def calls(self, *directions: Direction) -> tuple[int, int]:
        down = CountingLeg(WebSocketFraming(), self.loop, ClientGone)
        up = CountingLeg(RawFraming(), self.loop, ConsoleEnded)
        user = User(self.peer(down, self.user_way, accepted=True), True)
        console = self.peer(up, self.console_way, accepted=False)
        stages = [Words(direction) for direction in directions]
        fast.join(down, up, stages, reactor=self.loop)
        self.loop.settle()
        self.assertIsInstance(down.transport, Pump)
        user.send(b"keys")
        console.send(b"pixs")
        self.loop.settle()
        self.assertEqual(console.receive().upper(), b"KEYS")
        self.assertEqual(user.receive().upper(), b"PIXS")
        return down.calls, up.calls

    def test_without_stages_no_byte_takes_the_long_way(self) -> None:
        self.assertEqual(self.calls(), (0, 0))

    def test_only_a_direction_with_stages_takes_the_long_way(self) -> None:
        self.assertEqual(self.calls(Direction.TO_SERVER), (1, 0))
        self.assertEqual(self.calls(Direction.TO_CLIENT), (0, 1))
