"""Handshakes over a leg on a connection in memory; its TLS is only recorded."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import byte_by_byte
from tests.doubles.leg_in_memory import LegTestCase, ask_name, broken
from vncproxy.errors import (
    ConsoleEnded,
    UpstreamUnreachable,
)
from vncproxy.handshake.steps import EndOfStream, Read, ReadAtMost, Steps, Write
from vncproxy.relay.handshaking import HandshakeTimeout
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.websocket_framing import WebSocketFraming
from vncproxy.testing import MemoryPeer


def refuse() -> Steps[None]:
    yield Read(1)
    yield Write(b"no")
    raise UpstreamUnreachable("never")


def ask_twice() -> Steps[tuple[bytes, bytes]]:
    return (yield ReadAtMost(10, 2.0)), (yield ReadAtMost(10, 2.0))


def iter_read(size: int) -> Steps[bytes]:
    return (yield Read(size))


class RunHandshakeTests(LegTestCase):
    def test_a_handshake_gets_its_answer_in_any_pieces(self) -> None:
        for pieces in ([b"Ada"], byte_by_byte(b"Ada")):
            self.connect()
            done = self.run_handshake(ask_name())

            self.peer.send(*pieces)

            self.assertEqual(self.successResultOf(done), b"Ada")
            self.assertEqual(self.peer.receive(), b"name?hello Ada")

    def test_what_came_before_the_handshake_counts(self) -> None:
        self.connect()
        self.peer.send(b"Ada")

        self.assertEqual(self.successResultOf(self.run_handshake(ask_name())), b"Ada")

    def test_what_a_handshake_leaves_is_the_next_ones(self) -> None:
        self.connect()
        first = self.run_handshake(ask_name())
        self.peer.send(b"AdaBobrest")
        self.successResultOf(first)

        self.assertEqual(self.successResultOf(self.run_handshake(ask_name())), b"Bob")
        got: list[bytes] = []
        self.leg.deliver(got.append)

        self.assertEqual(got, [b"rest"])

    def test_what_comes_after_a_handshake_is_kept_in_order(self) -> None:
        self.connect()
        done = self.run_handshake(ask_name())
        self.peer.send(b"Ada1", b"2", b"3")
        self.successResultOf(done)
        got: list[bytes] = []

        self.leg.deliver(got.append)
        self.peer.send(b"4")

        self.assertEqual(b"".join(got), b"1234")

    def test_the_error_of_a_handshake_comes_out_after_its_words(self) -> None:
        self.connect()
        done = self.run_handshake(refuse())

        self.peer.send(b"x")

        self.failureResultOf(done, UpstreamUnreachable)
        self.assertEqual(self.peer.receive(), b"no")

    def test_a_defect_of_a_handshake_ends_it_at_once(self) -> None:
        self.connect()
        done = self.run_handshake(broken())

        self.peer.send(b"x")

        self.failureResultOf(done, KeyError)
        self.assertEqual(self.peer.receive(), b"so far")
        self.assertEqual((self.leg.is_closing, self.clock.getDelayedCalls()), (False, []))

    def test_a_step_that_is_none_ends_it_at_once(self) -> None:
        def steps() -> Steps[None]:
            yield Read(1)
            yield None  # type: ignore[misc]

        self.connect()
        done = self.run_handshake(steps())

        self.peer.send(b"x")

        self.failureResultOf(done, TypeError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_step_with_a_time_of_its_own_takes_what_has_come(self) -> None:
        self.connect()
        done = self.run_handshake(ask_twice())
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
        done = self.run_handshake(ask_twice(), timeout=1)
        self.clock.advance(1)
        self.failureResultOf(done, HandshakeTimeout)
        self.assertEqual(self.clock.getDelayedCalls(), [])

        done = self.run_handshake(ask_twice())
        self.peer.send(b"x" * 20)
        self.assertEqual(self.successResultOf(done), (b"x" * 10, b"x" * 10))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_end_of_the_connection_ends_the_handshake(self) -> None:
        self.connect()
        done = self.run_handshake(ask_name())

        self.peer.send(b"A")
        self.peer.close()

        self.failureResultOf(done, EndOfStream)

    def test_a_handshake_on_a_leg_that_is_over_fails_at_once(self) -> None:
        self.connect()
        self.peer.send(b"A")
        self.peer.close()

        self.failureResultOf(self.run_handshake(ask_name()), EndOfStream)

    def test_a_handshake_takes_no_longer_than_its_limit(self) -> None:
        self.connect()
        done = self.run_handshake(ask_name(), timeout=10)
        self.clock.advance(9.9)
        self.assertNoResult(done)

        self.peer.send(b"A")
        self.clock.advance(0.1)

        error = self.failureResultOf(done, HandshakeTimeout).value
        self.assertEqual(str(error), "handshake not over within 10 s, waiting for a name")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_cancelled_handshake_leaves_its_bytes_and_no_timer(self) -> None:
        self.connect()
        done = self.run_handshake(ask_name())
        self.peer.send(b"Ad")

        done.cancel()
        self.failureResultOf(done)

        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.successResultOf(self.run_handshake(iter_read(2))), b"Ad")


class SetFramingTests(SynchronousTestCase):
    def test_what_was_kept_is_received_anew(self) -> None:
        leg = Leg(RawFraming(), Clock(), ConsoleEnded)
        peer = MemoryPeer(leg)
        peer.send(b"\x82\x05he")

        leg.set_framing(WebSocketFraming(client=True))

        self.assertEqual(leg.bytes_received, 2)
        peer.send(b"llo")
        got: list[bytes] = []
        leg.deliver(got.append)
        self.assertEqual((b"".join(got), leg.bytes_received), (b"hello", 5))

    def test_nothing_was_kept(self) -> None:
        leg = Leg(RawFraming(), Clock(), ConsoleEnded)
        MemoryPeer(leg)
        leg.set_framing(WebSocketFraming(client=True))
        self.assertEqual(leg.bytes_received, 0)
