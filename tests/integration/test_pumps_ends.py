"""Pumps whose peers vanish, reset or close."""

from __future__ import annotations

import socket
import struct

from tests.doubles.frames import BINARY, CLOSE, PING, PONG, masked
from tests.doubles.pumps import PIXELS, Pair, PumpTestCase, ReluctantSocket
from tests.doubles.wire import Way, unsent
from vncproxy.errors import (
    ConnectionLost,
    ConsoleEnded,
    EndedByAdministrator,
    SessionEnded,
)
from vncproxy.relay.raw_framing import RawFraming


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
        relayed = pair.up.bytes_received

        pair.end(EndedByAdministrator())
        heard = pair.hear_all()

        self.assertEqual(heard, PIXELS[:relayed])
        code = EndedByAdministrator.close_code.to_bytes(2, "big")
        self.assertEqual([(kind, text[:2]) for kind, text in pair.user.control], [(CLOSE, code)])

    def test_a_close_frame_that_is_not_sent_at_once_resumes_no_side(self) -> None:
        pair = self.pair()
        pump = pair.down.transport
        pump._socket = ReluctantSocket(pump._socket, [None])

        pair.down.close(SessionEnded(), 5)

        self.assertFalse(pair.down.full or pair.up.paused)
        pair.user.receive()
        self.assertEqual([kind for kind, _ in pair.user.control], [CLOSE])

    def test_the_answer_to_a_farewell_closes_the_connection(self) -> None:
        pair = self.pair()
        pair.end(SessionEnded())

        pair.peer.send(masked(CLOSE, b"\x03\xe8"))

        self.assertTrue(pair.down.closed.called)
        self.assertEqual(len(self.loop.getDelayedCalls()), 1)  # the console's linger time

    def test_an_answer_after_the_peer_has_gone(self) -> None:
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
        before = pair.down.bytes_received

        pair.user.send(b"late keys")
        pair.console.send(b"late pixels")

        self.assertEqual((pair.console.receive(), pair.user.receive()), (b"", b""))
        self.assertEqual(pair.down.bytes_received, before)

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
        relayed = pair.up.bytes_received
        self.assertGreater(unsent(pair.down.transport), 0)

        pair.down.transport.loseConnection()

        self.assertFalse(pair.down.closed.called)
        self.assertEqual(pair.user.receive(), PIXELS[:relayed])
        self.assertTrue(pair.down.closed.called and pair.peer.ended)

    def test_half_a_close_waits_for_what_is_pending(self) -> None:
        pair = self.pair(RawFraming())
        pair.console.send(PIXELS)
        relayed = pair.up.bytes_received

        pair.end(SessionEnded())

        self.assertEqual(pair.user.receive(), PIXELS[:relayed])
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
