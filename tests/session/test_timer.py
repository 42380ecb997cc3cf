"""One timer for all periodic checks."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.session.timer import Rounds


class Looker:
    """Records when it was called, and calls a function of its own then."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.looks: list[float] = []

    def look(self) -> None:
        self.looks.append(self.clock.seconds())


class RoundsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.rounds = Rounds(self.clock)

    def looker(self, *times: float) -> Looker:
        looker = Looker(self.clock)
        for when in times:
            self.rounds.book(looker, when)
        return looker

    def test_a_caller_looks_once_when_its_second_has_come(self) -> None:
        looker = self.looker(2.5)

        self.clock.pump([0.5] * 20)

        self.assertEqual(looker.looks, [3.0])

    def test_many_share_one_timer(self) -> None:
        lookers = [self.looker(when) for when in (30, 10, 20, 10)]
        self.assertEqual([call.getTime() for call in self.clock.getDelayedCalls()], [10])

        self.clock.pump([1] * 40)

        self.assertEqual([looker.looks for looker in lookers], [[30], [10], [20], [10]])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_comes_late_still_goes_round_in_order(self) -> None:
        order: list[str] = []
        for name, when in (("second", 2), ("first", 1)):
            looker = self.looker(when)
            looker.look = lambda name=name: order.append(name)  # type: ignore[method-assign, misc]

        self.clock.advance(60)

        self.assertEqual(order, ["first", "second"])

    def test_what_is_due_already_is_done_at_once(self) -> None:
        self.clock.advance(100)
        looker = self.looker(3)

        self.clock.advance(0)

        self.assertEqual(looker.looks, [100])

    def test_a_caller_books_the_next_time_while_it_looks(self) -> None:
        looker = self.looker(1)
        looker.look = lambda: self.rounds.book(again, self.clock.seconds() + 5)  # type: ignore
        again = Looker(self.clock)

        self.clock.pump([1] * 10)

        self.assertEqual(again.looks, [6])

    def test_what_is_cancelled_does_not_happen(self) -> None:
        looker, other = self.looker(), self.looker(5)
        second = self.rounds.book(looker, 4.2)
        self.rounds.cancel(looker, second)

        self.clock.pump([1] * 10)

        self.assertEqual((looker.looks, other.looks), ([], [5]))

    def test_nothing_is_left_when_all_is_cancelled(self) -> None:
        looker = self.looker()
        second = self.rounds.book(looker, 4)

        self.rounds.cancel(looker, second)
        self.rounds.cancel(looker, second)

        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_defect_of_one_check_delays_no_other(self) -> None:
        def fail() -> None:
            raise RuntimeError("a defect")

        for looker in (self.looker(1), self.looker(2)):
            looker.look = fail  # type: ignore[method-assign]
        others = [self.looker(1), self.looker(2), self.looker(3)]

        self.clock.pump([1] * 5)

        self.assertEqual([looker.looks for looker in others], [[1], [2], [3]])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_a_check_that_is_cancelled_in_a_late_round_delays_no_other(self) -> None:
        canceller, cancelled = self.looker(1), self.looker(2)
        canceller.look = lambda: self.rounds.cancel(cancelled, 2)  # type: ignore[method-assign]
        other = self.looker(3)

        self.clock.advance(5)

        self.assertEqual((cancelled.looks, other.looks), ([], [5]))
