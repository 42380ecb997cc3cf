"""Sessions that are unresponsive, idle or past their maximum duration are ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.frames import BINARY, PING, PONG, frames, masked
from vncproxy.errors import (
    ClientGone,
    ConnectionLost,
    ConsoleEnded,
    IdleLimit,
    SessionEnded,
    TimeLimit,
)
from vncproxy.model import Timeouts
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.websocket_framing import WebSocketFraming
from vncproxy.session.ends import Ends
from vncproxy.session.timer import SharedTimer
from vncproxy.session.watchdog import Watchdog, ZoneWatchdog
from vncproxy.testing import MemoryPeer


class WatchdogCase(SynchronousTestCase):
    def watch(
        self,
        *,
        idle_timeout: float | None = None,
        timeouts: Timeouts | None = None,
        seconds_left: float | None = None,
        websocket: bool = True,
        console: RawFraming | WebSocketFraming | None = None,
        kind: type[Watchdog] = Watchdog,
    ) -> None:
        self.clock = Clock()
        framing = WebSocketFraming() if websocket else RawFraming()
        self.down = Leg(framing, self.clock, ClientGone)
        self.up = Leg(console or RawFraming(), self.clock, ConsoleEnded)
        self.user, self.console = MemoryPeer(self.down, 1000), MemoryPeer(self.up)
        for leg in (self.down, self.up):
            leg.deliver(lambda _: None)
        self.ended: list[SessionEnded] = []
        self.watchdog = kind(
            self.down,
            self.up,
            idle_timeout,
            timeouts or Timeouts(),
            None if seconds_left is None else Ends(seconds_left, seconds_left, None, float),
            self.ended.append,
            SharedTimer(self.clock),
        )
        self.watchdog.start()

    def wait(self, seconds: int) -> None:
        self.clock.pump([1] * seconds)

    def answer(self) -> int:
        """Answer the pings that came; returns how many."""
        pings = frames(self.user.receive()).count((PING, b""))
        for _ in range(pings):
            self.user.send(masked(PONG))
        return pings

    def wait_answering(self, seconds: int) -> int:
        pings = 0
        for _ in range(seconds):
            self.wait(1)
            pings += self.answer()
        return pings

    def why(self) -> SessionEnded:
        self.assertEqual(len(self.ended), 1)
        return self.ended[0]


class WatchdogTests(WatchdogCase):
    def test_a_browser_is_pinged_every_25_seconds(self) -> None:
        self.watch()

        self.wait(24)
        self.assertEqual(self.user.receive(), b"")
        self.wait(1)

        self.assertEqual(frames(self.user.receive()), [(PING, b"")])
        self.assertEqual(self.wait_answering(250), 10)
        self.assertEqual(self.ended, [])

    def test_a_console_behind_a_web_socket_is_pinged_too_and_need_not_answer(self) -> None:
        self.watch(console=WebSocketFraming(client=True))

        self.wait_answering(250)

        asked = self.console.receive()
        # RFC 6455 section 5.5.2: opcode 9, masked by the client, no payload
        self.assertEqual([asked[at : at + 2] for at in range(0, len(asked), 6)], [b"\x89\x80"] * 10)
        self.assertEqual(self.ended, [])

    def test_one_that_is_not_is_sent_nothing(self) -> None:
        self.watch()
        self.wait_answering(250)
        self.assertEqual(self.console.receive(), b"")

    def test_no_interval_means_no_pings(self) -> None:
        self.watch(timeouts=replace(Timeouts(), ping_interval=0))

        self.wait(200)

        self.assertEqual((self.user.receive(), self.ended), (b"", []))

    def test_a_browser_that_does_not_answer_is_lost_after_the_ping_timeout(self) -> None:
        self.watch()

        self.wait(25 + 59)
        self.assertEqual(self.ended, [])
        self.wait(1)

        self.assertIsInstance(self.why(), ConnectionLost)
        self.assertEqual(str(self.why()), "no answer to a ping for 60 s")

    def test_it_ends_the_session_once(self) -> None:
        self.watch()

        self.wait(500)

        self.assertEqual(len(self.ended), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_any_byte_counts_as_an_answer(self) -> None:
        self.watch()
        self.wait(25)

        self.wait(30)
        self.user.send(masked(BINARY, b"key"))
        self.wait(40)

        self.assertEqual(self.ended, [])

    def test_what_the_console_says_is_no_answer_of_the_browser(self) -> None:
        self.watch()

        for _ in range(90):
            self.wait(1)
            self.console.send(b"pixels")

        self.assertIsInstance(self.why(), ConnectionLost)

    def test_a_viewer_without_pings_is_not_lost_by_being_silent(self) -> None:
        self.watch(websocket=False)

        self.wait(10_000)

        self.assertEqual(self.ended, [])

    def test_a_leg_that_is_not_read_cannot_answer(self) -> None:
        self.watch()
        self.wait(25)
        self.down.pause()

        self.wait(300)

        self.assertEqual(self.ended, [])

    def test_a_browser_with_a_full_buffer_is_not_asked(self) -> None:
        self.watch()
        self.down.send(bytes(2000))

        self.wait(300)

        self.assertEqual([kind for kind, _ in frames(self.user.receive())], [BINARY])
        self.assertEqual(self.ended, [])

    def test_no_byte_for_the_idle_limit_ends_it(self) -> None:
        self.watch(idle_timeout=300, websocket=False)

        self.wait(299)
        self.assertEqual(self.ended, [])
        self.wait(1)

        self.assertIsInstance(self.why(), IdleLimit)
        self.assertEqual(str(self.why()), "no byte for 300 s")

    def test_bytes_of_either_side_keep_it_open(self) -> None:
        for side in ("user", "console"):
            self.watch(idle_timeout=20, websocket=False)
            for _ in range(10):
                self.wait(15)
                (self.user if side == "user" else self.console).send(b"x")

            self.assertEqual(self.ended, [])

    def test_answers_to_pings_do_not_keep_an_idle_session_open(self) -> None:
        self.watch(idle_timeout=100)

        self.assertEqual(self.wait_answering(110), 3)

        self.assertIsInstance(self.why(), IdleLimit)

    def test_the_longest_duration_ends_it_however_busy(self) -> None:
        self.watch(seconds_left=60, websocket=False)
        for _ in range(59):
            self.wait(1)
            self.user.send(b"key")
        self.assertEqual(self.ended, [])

        self.wait(1)

        self.assertIsInstance(self.why(), TimeLimit)

    def test_time_that_is_over_already_ends_it_at_the_first_look(self) -> None:
        self.watch(seconds_left=-5)

        self.wait(1)

        self.assertIsInstance(self.why(), TimeLimit)

    def test_a_stopped_watchdog_leaves_no_timer(self) -> None:
        self.watch(seconds_left=10)

        self.watchdog.stop()
        self.watchdog.stop()

        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_session_that_a_ping_ends_is_looked_after_no_more(self) -> None:
        self.watch()
        self.patch(self.down, "ping", self.watchdog.stop)

        self.wait(25)

        self.assertEqual(self.clock.getDelayedCalls(), [])


class ZoneWatchdogTests(WatchdogCase):
    """The console is another zone's proxy; everything else is as with any console."""

    def watch_zone(self, **more: Any) -> None:
        self.watch(console=WebSocketFraming(client=True), kind=ZoneWatchdog, **more)

    def test_a_zone_that_answers_is_not_lost(self) -> None:
        self.watch_zone()
        for _ in range(250):
            self.wait_answering(1)
            if self.console.receive():
                self.console.send(bytes((PONG, 0)))
        self.assertEqual(self.ended, [])

    def test_a_zone_that_does_not_answer_is_lost_after_the_ping_timeout(self) -> None:
        self.watch_zone()
        self.wait_answering(25 + 59)
        self.assertEqual(self.ended, [])
        self.wait_answering(2)
        self.assertEqual(self.why().detail, "no answer of the zone to a ping for 60 s")
        self.assertIsInstance(self.why(), ConnectionLost)

    def test_its_pixels_count_as_an_answer(self) -> None:
        self.watch_zone()
        self.wait_answering(26)
        self.console.send(b"\x82\x03pix")
        self.wait_answering(59)
        self.assertEqual(self.ended, [])

    def test_a_zone_whose_user_does_not_read_cannot_answer(self) -> None:
        self.watch_zone(websocket=False)
        self.wait(25)
        self.up.pause()
        self.wait(300)
        self.assertEqual(self.ended, [])

    def test_a_zone_is_missed_in_time_where_pings_are_rare(self) -> None:
        self.watch_zone(timeouts=replace(Timeouts(), ping_interval=3600.0))
        self.wait_answering(3600 + 59)
        self.assertEqual(self.ended, [])
        self.wait_answering(2)
        self.assertIsInstance(self.why(), ConnectionLost)
