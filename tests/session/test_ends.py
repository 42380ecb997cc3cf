"""The ends of sessions, and what their pages are told before."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import (
    ClientGone,
    ConsoleEnded,
    IdleLimit,
    OutsideHours,
    SessionEnded,
    TimeLimit,
)
from vncproxy.model import OpenTimes, Policy, Timeouts
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.session.ends import Ends, warned_ahead, warned_idle
from vncproxy.session.timer import SharedTimer
from vncproxy.session.watchdog import Watchdog
from vncproxy.testing import MemoryPeer

MONDAY = 1_795_996_800.0
"""Mon, 30 Nov 2026, 00:00 UTC."""


class EndsCase(SynchronousTestCase):
    def watch(
        self,
        *,
        left: float | None = None,
        duration: float | None = None,
        idle_timeout: float | None = None,
        allowed: OpenTimes | None = None,
        wall: float = MONDAY,
        talks: bool = True,
    ) -> None:
        self.clock = Clock()
        self.wall = wall
        down, up = (Leg(RawFraming(), self.clock, why) for why in (ClientGone, ConsoleEnded))
        self.user, _ = MemoryPeer(down), MemoryPeer(up)
        for leg in (down, up):
            leg.deliver(lambda _: None)
        self.told: list[dict[str, Any]] = []
        self.ended: list[SessionEnded] = []
        limited = left is not None or allowed is not None
        self.watchdog = Watchdog(
            down,
            up,
            idle_timeout,
            Timeouts(ping_interval=0),
            Ends(left, duration or left, allowed, self.time) if limited else None,
            self.ended.append,
            SharedTimer(self.clock),
            self.tell if talks else None,
        )
        self.watchdog.start()
        self.addCleanup(self.watchdog.stop)

    def time(self) -> float:
        """The wall clock; its steps are added to `wall`."""
        return self.wall + float(self.clock.seconds())

    def tell(self, event: str, **members: Any) -> None:
        self.assertEqual(event, "time")
        self.told.append({"at": self.clock.seconds(), **members})

    def wait(self, seconds: int) -> None:
        self.clock.pump([1] * seconds)

    def news(self) -> list[tuple[float, float | None, str]]:
        """Return when the page was told how much is left of what, and forget it."""
        told, self.told = self.told, []
        return [(each["at"], each["left"], each["why"]) for each in told]


class DurationTests(EndsCase):
    def test_a_page_is_told_five_minutes_and_one_before_the_end(self) -> None:
        self.watch(left=3600)

        self.wait(3599)

        why = "max_duration"
        self.assertEqual(self.news(), [(3300, 300, why), (3540, 60, why)])
        self.assertEqual(self.ended, [])
        self.wait(1)
        self.assertEqual([type(why) for why in self.ended], [TimeLimit])

    def test_of_a_short_session_earlier_parts(self) -> None:
        self.watch(left=300)

        self.wait(299)

        self.assertEqual([(at, left) for at, left, _ in self.news()], [(240, 60), (285, 15)])

    def test_one_that_was_entered_again_is_told_at_once_what_is_left(self) -> None:
        self.watch(left=200, duration=3600)

        self.wait(150)

        self.assertEqual([(at, left) for at, left, _ in self.news()], [(1, 199), (140, 60)])

    def test_how_long_before(self) -> None:
        self.assertEqual(warned_ahead(86_400), (300, 60))
        self.assertEqual(warned_ahead(600), (120, 30))
        self.assertEqual(warned_ahead(60), (12, 10))
        self.assertEqual(warned_idle(60), (12,))
        self.assertEqual(warned_idle(3600), (120,))
        self.assertEqual(warned_idle(30), (10,))
        self.assertEqual(warned_idle(10), (5,))

    def test_without_a_page_nothing_is_told_and_it_ends_all_the_same(self) -> None:
        self.watch(left=100, idle_timeout=200, talks=False)

        self.wait(100)

        self.assertEqual([type(why) for why in self.ended], [TimeLimit])

    def test_a_session_without_limits_has_no_timer(self) -> None:
        self.watch()
        self.wait(7200)
        self.assertEqual((self.news(), self.ended), ([], []))


class IdleTests(EndsCase):
    def test_a_byte_makes_the_warning_go_away(self) -> None:
        self.watch(idle_timeout=60)
        self.wait(50)
        self.assertEqual(self.news(), [(48, 12, "idle_timeout")])

        self.user.send(b"key")
        self.wait(1)

        self.assertEqual(self.news(), [(51, None, "idle_timeout")])
        self.wait(59)
        self.assertEqual(self.news(), [(99, 12, "idle_timeout")])
        self.wait(2)
        self.assertEqual([type(why) for why in self.ended], [IdleLimit])

    def test_both_limits_are_told_of(self) -> None:
        self.watch(left=60, idle_timeout=60)

        self.wait(49)

        self.assertEqual({why for _, _, why in self.news()}, {"max_duration", "idle_timeout"})


class HoursTests(EndsCase):
    def office(self, **more: Any) -> OpenTimes:
        policy = Policy(hours=("mon-fri 08:00-18:00 UTC",), **more)
        assert policy.open_times is not None
        return policy.open_times

    def hour(self, hour: float) -> float:
        return MONDAY + 3600 * hour

    def test_a_session_ends_with_its_window_and_its_page_is_told_before(self) -> None:
        self.assertEqual(self.office().in_words(MONDAY), "Mon, 30 Nov 2026, 00:00 UTC")
        self.watch(allowed=self.office(), wall=self.hour(17.9))

        self.wait(359)
        self.assertEqual(self.news(), [(60, 300, "hours"), (300, 60, "hours")])
        self.assertEqual(self.ended, [])
        self.wait(1)

        [why] = self.ended
        self.assertIsInstance(why, OutsideHours)
        words = "This console may be opened from Tue, 1 Dec 2026, 08:00 UTC."
        self.assertEqual(why.sentence(), words)

    def test_not_after_is_named_and_final(self) -> None:
        allowed = self.office(not_after=self.hour(17))
        self.watch(allowed=allowed, wall=self.hour(17) - 30)
        self.wait(30)

        self.assertEqual({why for _, _, why in self.news()}, {"not_after"})
        [why] = self.ended
        self.assertIsInstance(why, TimeLimit)
        self.assertEqual(why.sentence(), "This console was open until Mon, 30 Nov 2026, 17:00 UTC.")

    def test_the_nearest_end_counts(self) -> None:
        self.watch(left=1800, allowed=self.office(), wall=self.hour(17.75))
        self.wait(900)

        self.assertEqual({why for _, _, why in self.news()}, {"hours"})
        self.assertEqual([type(why) for why in self.ended], [OutsideHours])

    def test_a_clock_that_jumps_past_the_end_ends_it_within_a_minute(self) -> None:
        self.watch(allowed=self.office(), wall=self.hour(9))
        self.wait(100)

        self.wall += 12 * 3600
        self.wait(60)

        self.assertEqual([type(why) for why in self.ended], [OutsideHours])

    def test_a_clock_that_jumps_back_takes_the_warning_back(self) -> None:
        self.watch(allowed=self.office(), wall=self.hour(18) - 200)
        self.wait(10)
        self.assertEqual(self.news(), [(1, 199, "hours")])

        self.wall -= 3600
        self.wait(60 + 3600 - 200)

        self.assertEqual(self.news()[0][1:], (None, "hours"))
        self.assertEqual(self.ended, [])

    def test_a_small_step_of_the_clock_corrects_what_was_told(self) -> None:
        self.watch(allowed=self.office(), wall=self.hour(18) - 250)
        self.wait(10)
        self.news()

        self.wall += 40
        self.wait(60)

        [(at, left, _)] = self.news()
        self.assertEqual(left, 250 - 40 - at)

    def test_a_clock_that_jumps_over_a_whole_night_goes_on(self) -> None:
        self.watch(allowed=self.office(), wall=self.hour(9))
        self.wall += 86_400
        self.wait(120)
        self.assertEqual(self.ended, [])

    def test_the_clocks_of_a_zone_that_change_move_the_end(self) -> None:
        # Berlin's clocks go back at 03:00 on this Sunday: 5 hours from 00:00 to 04:00
        policy = Policy(hours=("sun 00:00-04:00 Europe/Berlin",))
        self.watch(allowed=policy.open_times, wall=1_792_879_200.0)

        self.wait(5 * 3600 - 1)
        self.assertEqual(self.ended, [])
        self.wait(1)
        self.assertEqual([type(why) for why in self.ended], [OutsideHours])
