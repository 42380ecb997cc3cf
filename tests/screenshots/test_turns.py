"""Some work goes on at a time; the rest waits, or is refused."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import Busy
from vncproxy.screenshots.turns import LONGEST_WAIT, MOST_WAITING, Turns


class TurnsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.turns = Turns("pictures", 2, self.clock)
        self.works: list[Deferred[str]] = []

    def tearDown(self) -> None:
        """End what goes on: a coroutine that is dropped would begin the turns of others."""
        for each in self.works:
            if not each.called:
                each.callback("")

    def work(self) -> Deferred[str]:
        self.works.append(Deferred())
        return self.works[-1]

    def run_one(self) -> Deferred[str]:
        return Deferred.fromCoroutine(self.turns.run(self.work))

    def test_the_rest_waits_in_order(self) -> None:
        asked = [self.run_one() for _ in range(4)]
        self.assertEqual(len(self.works), 2)
        self.works[1].callback("done")
        self.assertEqual(self.successResultOf(asked[1]), "done")
        self.assertEqual(len(self.works), 3)
        self.works[2].callback("next")
        self.assertEqual(self.successResultOf(asked[2]), "next")
        self.assertNoResult(asked[0])
        self.assertNoResult(asked[3])

    def test_one_that_waits_too_long_is_refused(self) -> None:
        asked = [self.run_one() for _ in range(3)]
        self.clock.advance(LONGEST_WAIT)
        self.failureResultOf(asked[2], Busy)
        self.works[0].callback("late")
        self.works[1].callback("late")
        self.assertEqual(len(self.works), 2)
        self.run_one()
        self.assertEqual(len(self.works), 3)

    def test_too_many_wait(self) -> None:
        asked = [self.run_one() for _ in range(2 + MOST_WAITING)]
        self.failureResultOf(self.run_one(), Busy)
        self.assertNoResult(asked[-1])

    def test_a_failure_makes_room(self) -> None:
        asked = [self.run_one() for _ in range(3)]
        self.works[0].errback(ValueError("no picture"))
        self.failureResultOf(asked[0], ValueError)
        self.assertEqual(len(self.works), 3)
