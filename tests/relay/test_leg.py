"""One side of a session, on a connection in memory."""

from __future__ import annotations

import gc
import weakref

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import byte_by_byte
from tests.relay.relay_contract import BINARY, CLOSE, KEY, PING, frames, masked
from vncproxy.errors import (
    ClientGone,
    ConnectionLost,
    EndedByAdministrator,
    UpstreamUnreachable,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.handshake.steps import EndOfStream, Read, ReadAtMost, Steps, Write
from vncproxy.relay.frames import FrameError, Framing, RawFraming, WebSocketFraming
from vncproxy.relay.leg import DROP_LIMIT, UNREAD_LIMIT, Leg, TooSlow
from vncproxy.testing import MemoryPeer


def ask_name() -> Steps[bytes]:
    yield Write(b"name?")
    name = yield Read(3, "a name")
    yield Write(b"hello " + name)
    return name


def refuse() -> Steps[None]:
    yield Read(1)
    yield Write(b"no")
    raise UpstreamUnreachable("never")


def broken() -> Steps[None]:
    yield Read(1)
    yield Write(b"so far")
    raise KeyError("a defect")


def ask_twice() -> Steps[tuple[bytes, bytes]]:
    return (yield ReadAtMost(10, 2.0)), (yield ReadAtMost(10, 2.0))


class LegTestCase(SynchronousTestCase):
    def connect(self, framing: Framing | None = None, room: int = 65536) -> None:
        self.clock = Clock()
        self.leg = Leg(framing or RawFraming(), self.clock, ClientGone)
        self.peer = MemoryPeer(self.leg, room)

    def websocket(self, room: int = 65536) -> None:
        self.connect(WebSocketFraming(), room)

    def converse(self, steps: Steps[object], timeout: float = 10) -> Deferred[object]:
        return Deferred.fromCoroutine(self.leg.converse(steps, timeout))

    def why(self) -> VNCProxyError:
        why: VNCProxyError = self.successResultOf(self.leg.ended)
        return why


class ConverseTests(LegTestCase):
    def test_a_handshake_gets_its_answer_in_any_pieces(self) -> None:
        for pieces in ([b"Ada"], byte_by_byte(b"Ada")):
            self.connect()
            done = self.converse(ask_name())

            self.peer.send(*pieces)

            self.assertEqual(self.successResultOf(done), b"Ada")
            self.assertEqual(self.peer.receive(), b"name?hello Ada")

    def test_what_came_before_the_handshake_counts(self) -> None:
        self.connect()
        self.peer.send(b"Ada")

        self.assertEqual(self.successResultOf(self.converse(ask_name())), b"Ada")

    def test_what_a_handshake_leaves_is_the_next_ones(self) -> None:
        self.connect()
        first = self.converse(ask_name())
        self.peer.send(b"AdaBobrest")
        self.successResultOf(first)

        self.assertEqual(self.successResultOf(self.converse(ask_name())), b"Bob")
        got: list[bytes] = []
        self.leg.deliver(got.append)

        self.assertEqual(got, [b"rest"])

    def test_what_comes_after_a_handshake_is_kept_in_order(self) -> None:
        self.connect()
        done = self.converse(ask_name())
        self.peer.send(b"Ada1", b"2", b"3")
        self.successResultOf(done)
        got: list[bytes] = []

        self.leg.deliver(got.append)
        self.peer.send(b"4")

        self.assertEqual(b"".join(got), b"1234")

    def test_the_error_of_a_handshake_comes_out_after_its_words(self) -> None:
        self.connect()
        done = self.converse(refuse())

        self.peer.send(b"x")

        self.failureResultOf(done, UpstreamUnreachable)
        self.assertEqual(self.peer.receive(), b"no")

    def test_a_defect_of_a_handshake_ends_it_at_once(self) -> None:
        self.connect()
        done = self.converse(broken())

        self.peer.send(b"x")

        self.failureResultOf(done, KeyError)
        self.assertEqual(self.peer.receive(), b"so far")
        self.assertEqual((self.leg.over, self.clock.getDelayedCalls()), (False, []))

    def test_a_step_that_is_none_ends_it_at_once(self) -> None:
        def steps() -> Steps[None]:
            yield Read(1)
            yield None  # type: ignore[misc]

        self.connect()
        done = self.converse(steps())

        self.peer.send(b"x")

        self.failureResultOf(done, TypeError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_step_with_a_time_of_its_own_takes_what_has_come(self) -> None:
        self.connect()
        done = self.converse(ask_twice())
        self.peer.send(b"abcde")
        self.clock.advance(1.9)
        self.assertNoResult(done)

        self.clock.advance(0.1)
        self.assertNoResult(done)
        self.clock.advance(2.0)

        self.assertEqual(self.successResultOf(done), (b"abcde", b""))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_time_of_a_step_is_over_with_the_handshake(self) -> None:
        self.connect()
        done = self.converse(ask_twice(), timeout=1)
        self.clock.advance(1)
        self.failureResultOf(done, TooSlow)
        self.assertEqual(self.clock.getDelayedCalls(), [])

        done = self.converse(ask_twice())
        self.peer.send(b"x" * 20)
        self.assertEqual(self.successResultOf(done), (b"x" * 10, b"x" * 10))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_end_of_the_connection_ends_the_handshake(self) -> None:
        self.connect()
        done = self.converse(ask_name())

        self.peer.send(b"A")
        self.peer.close()

        self.failureResultOf(done, EndOfStream)

    def test_a_handshake_on_a_leg_that_is_over_fails_at_once(self) -> None:
        self.connect()
        self.peer.send(b"A")
        self.peer.close()

        self.failureResultOf(self.converse(ask_name()), EndOfStream)

    def test_a_handshake_takes_no_longer_than_its_limit(self) -> None:
        self.connect()
        done = self.converse(ask_name(), timeout=10)
        self.clock.advance(9.9)
        self.assertNoResult(done)

        self.peer.send(b"A")
        self.clock.advance(0.1)

        error = self.failureResultOf(done, TooSlow).value
        self.assertEqual(str(error), "handshake not over within 10 s, waiting for a name")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_cancelled_handshake_leaves_its_bytes_and_no_timer(self) -> None:
        self.connect()
        done = self.converse(ask_name())
        self.peer.send(b"Ad")

        done.cancel()
        self.failureResultOf(done)

        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.successResultOf(self.converse(iter_read(2))), b"Ad")

    def test_bytes_that_nobody_reads_stop_the_peer(self) -> None:
        self.connect()

        self.peer.send(*[bytes(1000)] * 200)

        self.assertFalse(self.peer.reading)
        self.assertLessEqual(self.leg.received, UNREAD_LIMIT + 1000)


def iter_read(size: int) -> Steps[bytes]:
    return (yield Read(size))


class EndTests(LegTestCase):
    def test_a_close_by_the_peer_is_its_leaving(self) -> None:
        self.connect()

        self.peer.close()

        self.assertIsInstance(self.why(), ClientGone)
        self.successResultOf(self.leg.closed)

    def test_a_reset_is_a_lost_connection(self) -> None:
        self.connect()

        self.peer.reset()

        self.assertIsInstance(self.why(), ConnectionLost)

    def test_a_close_sends_what_was_sent_and_half_closes(self) -> None:
        self.connect()
        self.leg.send(b"last")

        self.leg.close(EndedByAdministrator(), 5)

        self.assertEqual(self.peer.receive(), b"last")
        self.assertTrue(self.peer.half_closed)
        self.assertIsNone(self.peer.closed)

    def test_what_the_peer_still_sends_is_read_and_dropped(self) -> None:
        self.connect()
        got: list[bytes] = []
        self.leg.deliver(got.append)
        self.leg.pause()

        self.leg.close(EndedByAdministrator(), 5)
        self.peer.send(b"late")
        self.peer.close()

        self.assertEqual(got, [])
        self.successResultOf(self.leg.closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_peer_that_does_not_close_is_cut(self) -> None:
        self.connect()

        self.leg.close(EndedByAdministrator(), 5)
        self.clock.advance(4.9)
        self.assertIsNone(self.peer.closed)
        self.clock.advance(0.1)

        self.assertTrue(self.peer.closed and self.peer.closed.check(ConnectionAborted))
        self.successResultOf(self.leg.closed)

    def test_a_peer_that_goes_on_sending_is_cut_before_its_time(self) -> None:
        self.connect()
        self.leg.close(EndedByAdministrator(), 5)
        flood = [bytes(1 << 20)] * (DROP_LIMIT >> 20)

        self.peer.send(*flood)
        self.assertIsNone(self.peer.closed)
        self.peer.send(b"one more")

        self.assertTrue(self.peer.closed and self.peer.closed.check(ConnectionAborted))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_first_close_counts(self) -> None:
        self.connect()
        first = EndedByAdministrator()

        self.leg.close(first, 5)
        self.leg.close(ClientGone(), 5)
        self.peer.close()

        self.assertIs(self.why(), first)

    def test_a_close_after_the_end_starts_no_timer(self) -> None:
        self.connect()
        self.peer.close()

        self.leg.close(EndedByAdministrator(), 5)

        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_close_in_answer_to_the_end_leaves_no_timer(self) -> None:
        self.connect()
        self.leg.ended.addCallback(lambda why: self.leg.close(why, 5))

        self.peer.close()

        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_is_sent_once_it_is_over(self) -> None:
        self.connect()
        self.leg.close(EndedByAdministrator(), 5)

        self.leg.send(b"late")

        self.assertEqual(self.peer.receive(), b"")

    def test_a_leg_that_is_over_is_not_kept_alive(self) -> None:
        self.websocket()
        self.peer.send(masked(BINARY, b"x"), masked(CLOSE))
        self.leg.close(EndedByAdministrator(), 5)
        self.peer.receive()
        gone = weakref.ref(self.leg)

        del self.leg, self.peer
        gc.collect()

        self.assertIsNone(gone())


class WebSocketTests(LegTestCase):
    def test_a_close_is_a_close_frame_with_code_and_words(self) -> None:
        self.websocket()

        self.leg.close(EndedByAdministrator(), 5)

        self.assertEqual(
            frames(self.peer.receive()), [(CLOSE, b"\x0f\xaaAn administrator ended this console.")]
        )
        self.assertIsNone(self.peer.closed)

    def test_the_echo_of_a_close_frame_closes_the_connection(self) -> None:
        self.websocket()
        self.leg.close(EndedByAdministrator(), 5)
        self.peer.receive()

        self.peer.send(masked(CLOSE, b"\x0f\xaa"))

        self.assertEqual(self.peer.receive(), b"")
        self.successResultOf(self.leg.closed)

    def test_a_close_frame_behind_what_ends_the_connection_is_not_answered(self) -> None:
        self.websocket()
        self.leg.deliver(lambda _: self.peer.reset())

        self.peer.send(masked(BINARY, b"key") + masked(CLOSE))

        self.assertIsInstance(self.why(), ConnectionLost)

    def test_a_farewell_names_the_session_that_it_is_given(self) -> None:
        self.websocket()

        self.leg.close(UpstreamUnreachable(), 5, "7f3a0001")

        self.assertIn(b"Ask your administrator, id 7f3a0001.", self.peer.receive())

    def test_a_farewell_that_is_too_long_keeps_the_id(self) -> None:
        self.websocket()

        self.leg.close(VMNotFound(public="x" * 200), 5, "7f3a0001")

        ((_, farewell),) = frames(self.peer.receive())
        self.assertEqual(len(farewell), 125)
        self.assertTrue(farewell.endswith(b"x (id 7f3a0001)"))

    def test_no_pong_follows_a_close_frame(self) -> None:
        self.websocket()
        self.leg.close(EndedByAdministrator(), 5)
        self.peer.receive()

        self.peer.send(masked(PING, b"x"))

        self.assertEqual(self.peer.receive(), b"")

    def test_a_ping_asks_and_a_full_buffer_forbids_it(self) -> None:
        self.websocket(room=100)
        self.assertTrue(self.leg.ping())
        self.assertEqual(frames(self.peer.receive()), [(PING, b"")])

        self.leg.send(bytes(200))

        self.assertFalse(self.leg.ping())

    def test_a_raw_leg_has_no_ping(self) -> None:
        self.connect()

        self.assertFalse(self.leg.ping())

    def test_a_pong_is_heard_and_not_payload(self) -> None:
        self.websocket()
        self.clock.advance(7)

        self.peer.send(masked(0x8A))

        self.assertEqual((self.leg.heard, self.leg.received), (7, 0))

    def test_a_peer_that_says_close_and_reads_nothing_is_cut(self) -> None:
        self.websocket()
        self.leg.send(bytes(1000))
        self.peer.send(masked(CLOSE))
        self.assertIsNone(self.peer.closed)

        self.leg.close(self.why(), 5)
        self.clock.advance(5)

        self.assertIsNotNone(self.peer.closed)

    def test_a_violation_is_answered_once_and_read_no_more(self) -> None:
        self.websocket()
        self.leg.send(b"before")

        self.peer.send(b"\x82\x01x", b"\x82\x01x")

        self.assertIsInstance(self.why(), FrameError)
        kinds = [kind for kind, _ in frames(self.peer.receive())]
        self.assertEqual(kinds, [BINARY, CLOSE])

    def test_a_violation_ends_a_handshake_with_its_own_reason(self) -> None:
        self.websocket()
        seen: list[VNCProxyError] = []
        self.leg.ended.addCallback(seen.append)
        done = self.converse(ask_name())
        done.addErrback(lambda f: self.assertEqual(len(seen), 1))

        self.peer.send(b"\x82\x01x")

        self.successResultOf(done)

    def test_what_is_sent_is_one_unmasked_frame(self) -> None:
        self.websocket()

        self.leg.send(b"pixels")
        self.leg.send(b"")

        self.assertEqual(self.peer.receive(), b"\x82\x06pixels")

    def test_the_key_of_a_frame_is_used_from_its_first_byte(self) -> None:
        self.websocket()
        got: list[bytes] = []
        self.leg.deliver(got.append)

        self.peer.send(b"\x82\x85" + KEY + b"\x7f\x9f\x4d\x51\x58")

        self.assertEqual(got, [b"Hello"])
