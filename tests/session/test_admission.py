"""Turns to begin a session: the queue, its limits, and its order."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import Busy
from vncproxy.model import Limits, Timeouts
from vncproxy.session.admission import Admission


class AdmissionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.limits = Limits(openings=2, waiting=4)
        self.crowded: list[bool] = []
        self.begun: list[str] = []
        self.refused: list[tuple[str, str]] = []
        self.admission = Admission(
            lambda: self.limits, lambda: Timeouts(waiting=5), self.clock, self.crowded.append
        )

    def come(self, *names: str, address: str = "") -> list[Deferred[None]]:
        """Let sessions request their turn, each from an address of its own unless one is given."""
        return [self._come(name, address or name) for name in names]

    def _come(self, name: str, address: str) -> Deferred[None]:
        def failed(failure: Failure) -> None:
            if failure.check(Busy):
                self.refused.append((name, str(failure.value)))

        turn = self.admission.wait_for_turn(address)
        turn.addCallbacks(lambda _: self.begun.append(name), failed)
        return turn

    def done(self, times: int = 1) -> None:
        for _ in range(times):
            self.admission.end_turn()

    def test_as_many_begin_at_once_as_are_allowed(self) -> None:
        self.come("a", "b", "c")
        self.assertEqual(self.begun, ["a", "b"])

    def test_next_begins_when_one_is_done_in_the_order_of_their_coming(self) -> None:
        self.come("a", "b", "c", "d")
        self.done()
        self.assertEqual(self.begun, ["a", "b", "c"])
        self.done()
        self.assertEqual(self.begun, ["a", "b", "c", "d"])

    def test_a_long_queue_of_sessions_that_fail_at_once_is_served_whole(self) -> None:
        self.limits = Limits(openings=1, waiting=1000)
        self.come("first")
        failed = []

        def fail(_: None, number: int) -> None:
            failed.append(number)
            self.admission.end_turn()

        for number in range(500):
            self.admission.wait_for_turn(str(number)).addCallback(fail, number)

        self.done()

        self.assertEqual(failed, [*range(500)])
        self.come("last")
        self.assertEqual(self.begun, ["first", "last"])

    def test_nothing_is_left_when_all_are_done(self) -> None:
        self.come("a", "b", "c", "d")
        self.done(4)
        self.assertEqual((self.admission.waiting, self.clock.getDelayedCalls()), (0, []))
        self.come("e", "f")
        self.assertEqual(self.begun[-2:], ["e", "f"])

    def test_one_that_comes_does_not_overtake_those_who_wait(self) -> None:
        self.limits = Limits(openings=1, waiting=4)
        self.come("a", "b")
        self.limits = Limits(openings=2, waiting=4)
        self.come("c")
        self.done()
        self.assertEqual(self.begun, ["a", "b", "c"])

    def test_full_queue_refuses_in_words_for_the_log(self) -> None:
        self.come("a", "b", "c", "d", "e", "f", "g")
        ((name, why),) = self.refused
        self.assertEqual((name, why), ("g", "2 sessions begin and 4 users wait, limits.waiting"))

    def test_without_places_none_waits(self) -> None:
        self.limits = Limits(openings=1, waiting=0)
        self.come("a", "b")
        self.assertEqual([name for name, _ in self.refused], ["b"])

    def test_wait_ends_after_its_time(self) -> None:
        self.come("a", "b", "c")
        self.clock.advance(4.9)
        self.assertEqual(self.refused, [])
        self.clock.advance(0.2)
        self.assertEqual(self.refused, [("c", "2 sessions begin and no turn in 5 s")])
        self.done(2)
        self.assertEqual(self.begun, ["a", "b"])

    def test_addresses_take_turns(self) -> None:
        self.limits = Limits(openings=1, waiting=10)
        self.come("a")
        self.come("x1", "x2", "x3", address="x")
        self.come("y1", "y2", address="y")
        self.come("z")
        self.done(6)
        self.assertEqual(self.begun, ["a", "x1", "y1", "z", "x2", "y2", "x3"])

    def test_full_queue_refuses_the_newest_of_the_address_that_has_most(self) -> None:
        self.come("a", "b")
        self.come("x1", "x2", "x3", "x4", address="x")
        self.come("y")
        self.assertEqual([name for name, _ in self.refused], ["x4"])
        self.done(5)
        self.assertEqual(self.begun, ["a", "b", "x1", "y", "x2", "x3"])

    def test_address_that_has_most_gets_no_place_from_others(self) -> None:
        self.come("a", "b")
        self.come("x1", "x2", address="x")
        self.come("y1", "y2", address="y")
        self.come("x3", address="x")
        self.assertEqual([name for name, _ in self.refused], ["x3"])

    def test_viewer_that_left_loses_its_place(self) -> None:
        *_, c, _ = self.come("a", "b", "c", "d")
        c.cancel()
        self.done()
        self.assertEqual(self.begun, ["a", "b", "d"])
        self.assertEqual(self.refused, [])

    def test_place_of_one_that_left_is_free(self) -> None:
        turns = self.come("a", "b", "c", "d", "e", "f")
        turns[3].cancel()
        self.come("g")
        self.assertEqual(self.refused, [])

    def test_cancelling_a_turn_that_came_takes_no_other(self) -> None:
        (a, *_) = self.come("a", "b", "c")
        a.cancel()
        self.assertEqual(self.begun, ["a", "b"])
        self.done()
        self.assertEqual(self.begun, ["a", "b", "c"])

    def test_crowd_is_told_at_three_quarters_and_its_end_at_a_half(self) -> None:
        self.come("a", "b", "c", "d")
        self.assertEqual(self.crowded, [])
        self.come("e")
        self.assertEqual(self.crowded, [True])
        self.come("f")
        self.done(2)
        self.assertEqual(self.crowded, [True])
        self.done()
        self.assertEqual(self.crowded, [True, False])

    def test_queue_that_is_slow_is_a_crowd_until_it_is_quick_again(self) -> None:
        self.limits = Limits(openings=1, waiting=100)
        self.come(*"abcdefgh")
        self.clock.advance(1)
        self.done()
        self.assertEqual(self.crowded, [True])
        self.come("i")
        self.done(4)
        self.clock.advance(0.6)
        self.come("j", "k")
        self.done(3)
        self.assertEqual((self.begun[-1], self.crowded), ("i", [True]))
        self.done()
        self.assertEqual((self.begun[-1], self.crowded), ("j", [True, False]))

    def test_crowd_ends_with_the_queue(self) -> None:
        self.come("a", "b", "c")
        self.clock.advance(1)
        self.come("d")
        self.done()
        self.assertEqual(self.crowded, [True])
        self.done()
        self.assertEqual(self.crowded, [True, False])

    def test_turn_that_is_kept_ends_once(self) -> None:
        self.come("a", "b", "c", "d")
        end_turn = self.admission.limit_turn()
        end_turn()
        end_turn()
        self.clock.advance(1)
        self.assertEqual(self.begun, ["a", "b", "c"])

    def test_turn_that_is_kept_ends_by_itself_after_a_second(self) -> None:
        self.come("a", "b", "c", "d")
        end_turn = self.admission.limit_turn()
        self.clock.advance(0.9)
        self.assertEqual(self.begun, ["a", "b"])
        self.clock.advance(0.2)
        end_turn()
        self.assertEqual(self.begun, ["a", "b", "c"])

    def test_limits_that_are_read_again_hold_from_then_on(self) -> None:
        self.come("a", "b", "c", "d")
        self.limits = Limits(openings=4, waiting=4)
        self.done()
        self.assertEqual(self.begun, ["a", "b", "c", "d"])
