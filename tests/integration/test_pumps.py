"""Pumps under adverse conditions: sockets that take nothing, peers that vanish, defects."""

from __future__ import annotations

import gc
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from typing import Any, ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from OpenSSL.SSL import Connection as TLSConnection
from OpenSSL.SSL import Error
from twisted.internet.defer import Deferred
from twisted.internet.tcp import Connection
from twisted.protocols.tls import TLSMemoryBIOProtocol

from tests.doubles import wire
from tests.doubles.dialogues import sized_bytes
from tests.doubles.wire import SocketPeer, Way, WireTestCase, forget_certificates, unsent
from tests.relay.relay_contract import BINARY, CLOSE, PING, PONG, User, Words, masked
from vncproxy.errors import (
    ClientGone,
    ConnectionLost,
    ConsoleEnded,
    EndedByAdministrator,
    IdleLimit,
    SessionEnded,
    VNCProxyError,
)
from vncproxy.model import Direction, Policy, Timeouts
from vncproxy.relay.fast import join as fast
from vncproxy.relay.fast.dispatcher import READABLE, WRITABLE, dispatcher_of
from vncproxy.relay.fast.pump import BULK, INTERACTIVE, Pump, Shape
from vncproxy.relay.fast.tls_pump import TLSPump
from vncproxy.relay.frames import Framing, RawFraming, WebSocketFraming
from vncproxy.relay.leg import Leg
from vncproxy.session.timer import Rounds
from vncproxy.session.watchdog import Watchdog

PIXELS = bytes(range(256)) * 2000


class ReluctantSocket:
    """A socket that takes and gives only as many bytes as its plan says; None is EAGAIN."""

    def __init__(self, real: socket.socket, plan: list[int | None]) -> None:
        self._real = real
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def send(self, data: memoryview) -> int:
        return self._real.send(data[: self._allowed()])

    def recv_into(self, window: memoryview) -> int:
        return self._real.recv_into(window[: self._allowed()])

    def _allowed(self) -> int:
        size = self._plan.pop() if self._plan else 1 << 20
        if size is None:
            raise BlockingIOError
        return size


class Pair:
    """Two joined legs and their peers."""

    def __init__(self, test: PumpTestCase, framing: Framing, upstream: Framing | None) -> None:
        self.loop = test.loop
        self.down = Leg(framing, self.loop, ClientGone)
        self.up = Leg(upstream or RawFraming(), self.loop, ConsoleEnded)
        websocket = isinstance(framing, WebSocketFraming)
        self.user = User(test.peer(self.down, test.user_way, accepted=True), websocket)
        self.console = test.peer(self.up, test.console_way, accepted=False)
        self.over: Deferred[VNCProxyError] = fast.join(self.down, self.up, reactor=self.loop)
        self.loop.settle()
        test.assertIsInstance(self.down.transport, Pump)

    @property
    def peer(self) -> SocketPeer:
        assert isinstance(self.user.peer, SocketPeer)
        return self.user.peer

    def hear_all(self) -> bytes:
        heard = b""
        while piece := self.user.hear():
            heard += piece
        return heard

    def end(self, why: VNCProxyError, linger: float = 5.0) -> None:
        """Close both legs, as a session does."""
        self.down.close(why, linger, "7f3a")
        self.up.close(why, linger)
        self.loop.settle()


class CountingLeg(Leg):
    """A leg that counts how often its bytes take the long way."""

    calls = 0

    def dataReceived(self, data: bytes) -> None:
        self.calls += 1
        super().dataReceived(data)


class PumpTestCase(WireTestCase):
    user_way: ClassVar[Way] = Way.TCP
    console_way: ClassVar[Way] = Way.TCP

    @classmethod
    def tearDownClass(cls) -> None:
        forget_certificates()

    def pair(self, framing: Framing | None = None, upstream: Framing | None = None) -> Pair:
        return Pair(self, framing or WebSocketFraming(), upstream)

    def assert_idle(self) -> None:
        """Check that turns find nothing to do; TCP may still have had a few bytes on their way."""
        self.loop.settle()
        before = self.loop.events
        for _ in range(100):
            self.loop.turn()
        self.assertLess(self.loop.events - before, 10)


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
        pair.user.say(keys)
        self.loop.settle()

        self.assertEqual(pair.hear_all(), pixels)
        self.assertEqual(pair.console.receive(), keys)
        self.assertFalse(pair.down.full or pair.up.full or pair.down.paused or pair.up.paused)


class EncryptedReluctanceTests(ReluctanceTests):
    user_way = console_way = Way.TLS


class VanishingPeerTests(PumpTestCase):
    def stuck(self) -> Pair:
        """Return a pair whose user reads nothing, so that the console is not read."""
        pair = self.pair()
        pair.console.send(PIXELS)
        self.assertTrue(pair.up.paused and pair.down.full)
        return pair

    def test_a_console_that_vanishes_while_it_is_not_read_costs_nothing(self) -> None:
        for reset in (False, True):
            pair = self.stuck()

            pair.console.reset() if reset else pair.console.vanish()

            self.assert_idle()
            self.assertNoResult(pair.over)

    def test_its_last_pixels_still_arrive(self) -> None:
        pair = self.stuck()
        pair.console._coming.clear()
        pair.console.hang_up()

        heard = pair.hear_all()

        self.assertTrue(heard and PIXELS.startswith(heard))
        self.assertIsInstance(self.successResultOf(pair.over), ConsoleEnded)

    def test_a_console_that_vanishes_while_both_sides_are_full_costs_nothing(self) -> None:
        pair = self.stuck()
        pair.peer.send(*[masked(BINARY, bytes(1000))] * 1000)
        self.assertTrue(pair.down.paused and pair.up.full)

        pair.console.reset()

        self.assert_idle()
        self.assertIsInstance(self.successResultOf(pair.over), ConnectionLost)

    def test_a_user_who_resets_while_stuck_ends_it(self) -> None:
        pair = self.stuck()

        pair.peer.reset()

        self.assert_idle()
        self.assertIsInstance(self.successResultOf(pair.over), ConnectionLost)

    def test_waiting_for_a_stuck_user_costs_nothing(self) -> None:
        self.stuck()

        self.assert_idle()


class VanishingUNIXPeerTests(VanishingPeerTests):
    user_way = console_way = Way.UNIX


class VanishingTLSPeerTests(VanishingPeerTests):
    user_way = console_way = Way.TLS

    def test_its_last_pixels_still_arrive(self) -> None:
        """The end comes without an alert, which is no proper one."""
        pair = self.stuck()
        pair.console._coming.clear()
        pair.console.hang_up()

        heard = pair.hear_all()

        self.assertTrue(heard and PIXELS.startswith(heard))
        self.assertIsInstance(self.successResultOf(pair.over), ConnectionLost)


class LastWordsTests(PumpTestCase):
    def test_an_end_is_not_noticed_by_writing_before_all_was_read(self) -> None:
        pair = self.pair()
        up = pair.up.transport
        pair.console.send(b"last pixels")
        up._socket = ReluctantSocket(up._socket, [None])
        up.write(bytes(100))
        pair.console.send(b", really")
        pair.console.reset()

        self.assertEqual(pair.hear_all(), b"last pixels, really")


class FarewellTests(PumpTestCase):
    user_way = console_way = Way.UNIX

    def test_a_farewell_arrives_behind_what_is_pending(self) -> None:
        pair = self.pair()
        pair.console.send(PIXELS)
        relayed = pair.up.received

        pair.end(EndedByAdministrator())
        heard = pair.hear_all()

        self.assertEqual(heard, PIXELS[:relayed])
        code = EndedByAdministrator.close_code.to_bytes(2, "big")
        self.assertEqual([(kind, text[:2]) for kind, text in pair.user.control], [(CLOSE, code)])

    def test_a_farewell_that_does_not_leave_at_once_tells_nobody(self) -> None:
        pair = self.pair()
        pump = pair.down.transport
        pump._socket = ReluctantSocket(pump._socket, [None])

        pair.down.close(SessionEnded(), 5)

        self.assertFalse(pair.down.full or pair.up.paused)
        pair.user.hear()
        self.assertEqual([kind for kind, _ in pair.user.control], [CLOSE])

    def test_the_answer_to_a_farewell_closes_the_connection(self) -> None:
        pair = self.pair()
        pair.end(SessionEnded())

        pair.peer.send(masked(CLOSE, b"\x03\xe8"))

        self.assertTrue(pair.down.closed.called)
        self.assertEqual(len(self.loop.getDelayedCalls()), 1)  # the console's linger time

    def test_an_answer_that_nobody_is_left_to_take(self) -> None:
        for violation in (masked(CLOSE, b"\x03\xe8"), b"\x82\x01x"):
            pair = self.pair()
            pair.peer.socket.sendall(violation)
            pair.peer.socket.close()

            self.loop.settle()

            self.assertTrue(pair.down.closed.called)

    def test_no_pong_follows_a_farewell(self) -> None:
        pair = self.pair()
        pair.console.send(PIXELS)
        pair.peer.send(masked(PING, b"owed"))

        pair.end(SessionEnded())
        pair.hear_all()
        pair.peer.send(masked(PING, b"late"))
        pair.hear_all()

        self.assertEqual([kind for kind, _ in pair.user.control], [CLOSE])

    def test_an_owed_pong_is_sent_when_there_is_room(self) -> None:
        pair = self.pair()
        pair.console.send(PIXELS)
        pair.peer.send(masked(PING, b"old"), masked(PING, b"new"))

        pair.hear_all()

        self.assertEqual(pair.user.control, [(PONG, b"new")])

    def test_who_takes_nothing_is_cut_when_time_is_up(self) -> None:
        pair = self.pair()
        pair.console.send(PIXELS)
        pair.peer.send(*[masked(BINARY, bytes(1000))] * 1000)
        pump = pair.down.transport
        pair.end(SessionEnded(), linger=5)
        self.loop.advance(4.9)
        self.assertFalse(pair.down.closed.called or pair.up.closed.called)

        self.loop.advance(0.2)

        self.assertTrue(pair.down.closed.called and pair.up.closed.called)
        self.assertEqual(unsent(pump), 0)
        with self.assertRaises((ConnectionResetError, BrokenPipeError)):
            for _ in range(1000):
                pair.peer.socket.recv(65536)
                pair.peer.socket.send(b"x")

    def test_what_comes_after_the_end_is_dropped(self) -> None:
        pair = self.pair()
        pair.end(SessionEnded())
        before = pair.down.received

        pair.user.say(b"late keys")
        pair.console.send(b"late pixels")

        self.assertEqual((pair.console.receive(), pair.user.hear()), (b"", b""))
        self.assertEqual(pair.down.received, before)

    def test_a_closed_transport_takes_any_call(self) -> None:
        pair = self.pair()
        pump = pair.down.transport
        pump.abortConnection()

        pump.write(b"late")
        pump.pauseProducing()
        pump.resumeProducing()
        pump.finish_sending()
        pump.loseConnection()
        pump.abortConnection()
        pump.registerProducer(pair.down, True)

        self.assertLess(pump.getHandle().fileno(), 0)
        self.assertEqual(unsent(pump), 0)

    def test_closing_waits_for_what_is_pending(self) -> None:
        pair = self.pair(RawFraming())
        pair.console.send(PIXELS)
        relayed = pair.up.received
        self.assertGreater(unsent(pair.down.transport), 0)

        pair.down.transport.loseConnection()

        self.assertFalse(pair.down.closed.called)
        self.assertEqual(pair.user.hear(), PIXELS[:relayed])
        self.assertTrue(pair.down.closed.called and pair.peer.ended)

    def test_half_a_close_waits_for_what_is_pending(self) -> None:
        pair = self.pair(RawFraming())
        pair.console.send(PIXELS)
        relayed = pair.up.received

        pair.end(SessionEnded())

        self.assertEqual(pair.user.hear(), PIXELS[:relayed])
        self.assertTrue(pair.peer.half_closed)

    def test_a_write_to_a_peer_that_is_gone_is_a_loss(self) -> None:
        pair = self.pair()
        pair.peer.socket.close()

        pair.down.transport.write(b"late")

        self.assertIsInstance(self.successResultOf(pair.over), ConnectionLost)


class UnnoticedResetTests(PumpTestCase):
    def test_half_a_close_of_what_was_reset_is_a_loss(self) -> None:
        pair = self.pair(RawFraming())
        linger = struct.pack("ii", 1, 0)
        pair.peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        pair.peer.socket.close()

        pair.down.transport.finish_sending()

        self.assertIsInstance(self.successResultOf(pair.over), ConnectionLost)


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

            self.assertEqual(pair.user.hear(), PIXELS[:size])
            self.assertEqual([pump._bulk for pump in pumps], [bulk, False], size)

    def test_a_flow_ends_as_bulk(self) -> None:
        pair = self.pair()
        pair.console.send(PIXELS[:BULK])
        window = len(dispatcher_of(self.loop).window)

        pair.console.vanish()
        pair.user.hear()

        self.assertIsInstance(self.successResultOf(pair.over), ConsoleEnded)
        self.assertEqual(dispatcher_of(self.loop)._bulk_flows, 0)
        self.assertEqual(len(dispatcher_of(self.loop).window), window)


class DefectTests(PumpTestCase):
    def test_a_defect_ends_its_own_session_only(self) -> None:
        broken, sound = self.pair(), self.pair()

        def fail(_: bytes) -> bytes:
            raise RuntimeError("a defect")

        broken.down.framing = type("Broken", (), {"receive": staticmethod(fail)})()
        broken.down.transport._shape = Shape.OTHER
        broken.user.say(b"key")
        sound.user.say(b"key")
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
        pair.user.say(b"key")
        pump.ready(READABLE)
        self.assertEqual(pair.console.receive(), b"")
        pump.resumeProducing()
        self.assertEqual(pair.console.receive(), b"key")


class SilenceTests(PumpTestCase):
    def watchdog(self, pair: Pair, policy: Policy, timeouts: Timeouts) -> list[SessionEnded]:
        barks: list[SessionEnded] = []
        dog = Watchdog(pair.down, pair.up, policy, timeouts, None, barks.append, Rounds(self.loop))
        dog.start()
        self.addCleanup(self.hang_up_all)
        self.addCleanup(dog.stop)
        return barks

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.loop.advance(1)

    def test_payload_through_the_short_cuts_counts_as_life(self) -> None:
        pair = self.pair()
        barks = self.watchdog(pair, Policy(idle_timeout=60), Timeouts(ping_interval=0))
        for speak in (lambda: pair.user.say(b"key"), lambda: pair.console.send(b"pixel")):
            self.wait(50)
            speak()
        self.wait(58)
        self.assertEqual(barks, [])

        self.wait(5)

        self.assertIsInstance(barks[0], IdleLimit)

    def test_a_user_who_answers_no_ping_is_gone(self) -> None:
        pair = self.pair()
        barks = self.watchdog(pair, Policy(), Timeouts(ping_interval=10, ping_timeout=30))
        self.wait(12)
        pair.user.hear()
        self.assertEqual(pair.user.control, [(PING, b"")])
        pair.peer.send(masked(PONG))
        self.wait(20)
        self.assertEqual(barks, [])

        self.wait(40)

        self.assertIsInstance(barks[0], ConnectionLost)


class OtherFramingTests(PumpTestCase):
    def test_a_console_behind_a_websocket(self) -> None:
        pair = self.pair(upstream=WebSocketFraming(client=True))

        pair.console.send(b"\x82\x06pix", b"els", b"\x89\x00\x82\x00\x82\x01!")
        pair.user.say(b"keys")

        self.assertEqual(pair.user.hear(), b"pixels!")
        server = WebSocketFraming()
        self.assertEqual(server.receive(pair.console.receive()), b"keys")

    def test_large_frames_both_ways(self) -> None:
        for size in (125, 126, 65535, 65536, 300_000):
            pair = self.pair(upstream=WebSocketFraming(client=True))
            server = WebSocketFraming()

            pair.user.say(PIXELS[:size])
            heard = b""
            while piece := pair.console.receive():
                heard += server.receive(piece)
            pair.console.send(server.encode(PIXELS[:size]))

            self.assertEqual(heard, PIXELS[:size])
            self.assertEqual(pair.hear_all(), PIXELS[:size])


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
        pair.user.say(PIXELS)

        self.assertEqual(pair.hear_all(), PIXELS)
        self.assertEqual(pair.console.receive(), PIXELS)

    def test_raw_users_are_closed_with_an_alert(self) -> None:
        pair = self.pair(RawFraming())

        pair.end(SessionEnded())

        self.assertEqual(pair.user.hear(), b"")
        self.assertTrue(pair.peer.ended)


class StoppedProcessTests(PumpTestCase):
    """A peer that is a process of its own, and is stopped for a while."""

    user_way = console_way = Way.UNIX
    COPY = "import os\nwhile data := os.read(0, 65536):\n    os.write(1, data)"

    def test_everything_arrives_when_it_goes_on(self) -> None:
        pair = self.pair(RawFraming())
        pair.console.socket.setblocking(True)
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        process = subprocess.Popen(
            [sys.executable, "-c", self.COPY], stdin=pair.console.socket.fileno(), stdout=writer
        )
        self.addCleanup(os.close, reader)
        os.close(writer)
        try:
            process.send_signal(signal.SIGSTOP)
            pair.user.say(PIXELS)
            self.assertTrue(pair.down.paused)
            self.assert_idle()

            process.send_signal(signal.SIGCONT)
            copied = self.copied(reader, pair)
        finally:
            process.kill()
            process.wait()

        self.assertEqual(copied, PIXELS)

    def copied(self, reader: int, pair: Pair) -> bytes:
        copied = bytearray()
        give_up = time.monotonic() + 60
        while len(copied) < len(PIXELS) and time.monotonic() < give_up:
            pair.peer.pump()
            self.loop.turn(0.001)
            try:
                copied += os.read(reader, 65536)
            except BlockingIOError:
                continue
        return bytes(copied)


class StuckUsersTests(PumpTestCase):
    def test_many_stuck_users_share_little_memory(self) -> None:
        pairs = [self.pair() for _ in range(40)]
        for pair in pairs:
            pair.console.send(PIXELS)

        waiting = [unsent(pair.down.transport) for pair in pairs]

        self.assertLess(max(waiting), 40_000)
        self.assert_idle()
        self.assertEqual(len(dispatcher_of(self.loop)._flows), 80)


class LeftoverTests(PumpTestCase):
    def leftovers(self) -> int:
        kinds = (Leg, Pump, Connection, TLSConnection, TLSMemoryBIOProtocol, SocketPeer)
        return sum(isinstance(thing, kinds) for thing in gc.get_objects())

    def visit(self, way: Way, number: int) -> None:
        """Have a session with an end of its own."""
        self.user_way = self.console_way = way  # type: ignore[misc]
        pair = self.pair()
        pair.console.send(PIXELS if number % 2 else b"pixels")
        pair.user.say(b"keys")
        end = (pair.peer.close, pair.peer.reset, pair.console.vanish, pair.user.hear)[number % 4]
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
        user.say(b"keys")
        console.send(b"pixs")
        self.loop.settle()
        self.assertEqual(console.receive().upper(), b"KEYS")
        self.assertEqual(user.hear().upper(), b"PIXS")
        return down.calls, up.calls

    def test_without_stages_no_byte_takes_the_long_way(self) -> None:
        self.assertEqual(self.calls(), (0, 0))

    def test_only_a_direction_with_stages_takes_the_long_way(self) -> None:
        self.assertEqual(self.calls(Direction.TO_SERVER), (1, 0))
        self.assertEqual(self.calls(Direction.TO_CLIENT), (0, 1))
