"""One side of a session, on a connection in memory."""

from __future__ import annotations

import gc
import weakref

from twisted.internet.error import ConnectionAborted

from tests.doubles.frames import BINARY, CLOSE, KEY, PING, frames, masked
from tests.doubles.leg_in_memory import LegTestCase, ask_name
from vncproxy.errors import (
    ClientGone,
    ConnectionLost,
    EndedByAdministrator,
    UpstreamUnreachable,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.relay.framing import FrameError
from vncproxy.relay.leg import DROP_LIMIT, UNREAD_LIMIT


class UnreadTests(LegTestCase):
    def test_unread_bytes_stop_the_peer(self) -> None:
        self.connect()

        self.peer.send(*[bytes(1000)] * 200)

        self.assertFalse(self.peer.reading)
        self.assertLessEqual(self.leg.bytes_received, UNREAD_LIMIT + 1000)


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
        self.leg.close_reason.addCallback(lambda why: self.leg.close(why, 5))

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

        self.assertEqual((self.leg.last_received_at, self.leg.bytes_received), (7, 0))

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
        self.leg.close_reason.addCallback(seen.append)
        done = self.run_handshake(ask_name())
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
