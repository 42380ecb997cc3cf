"""How often something is done for strangers."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.downstream.rate_limit import MOST_ADDRESSES, RateLimit


class AllowanceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.allowance = RateLimit(2, 4, 3, self.clock.seconds)

    def taken(self, address: str, times: int) -> int:
        return sum(self.allowance.take(address) for _ in range(times))

    def test_at_once_and_each_second(self) -> None:
        self.assertEqual(self.taken("a", 10), 4)
        self.clock.advance(1)
        self.assertEqual(self.taken("a", 10), 2)
        self.clock.advance(1000)
        self.assertEqual(self.taken("a", 10), 4)

    def test_one_address_leaves_something_for_others(self) -> None:
        self.taken("a", 1000)

        self.assertEqual(self.taken("b", 10), 4)

    def test_all_together_have_a_limit(self) -> None:
        self.assertEqual(sum(self.taken(str(n), 4) for n in range(10)), 12)
        self.clock.advance(1)
        self.assertEqual(sum(self.taken(str(n), 4) for n in range(10)), 6)

    def test_addresses_are_forgotten(self) -> None:
        for n in range(3 * MOST_ADDRESSES):
            self.allowance.take(str(n))

        self.assertLessEqual(len(self.allowance._of_address), MOST_ADDRESSES)
