"""The reactor's clock does not follow the wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.internet.base import ReactorBase
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.service.monotonic import use_monotonic_clock


class FakeReactor:
    """As much of a reactor as has to do with time."""

    def __init__(self, *pending: object) -> None:
        self.seconds: Callable[[], float] = ReactorBase.seconds
        self._pending = pending

    def getDelayedCalls(self) -> tuple[object, ...]:
        return self._pending


class MonotonicTests(SynchronousTestCase):
    def test_twisted_takes_the_wall_clock(self) -> None:
        self.assertIs(FakeReactor().seconds, time.time)

    def test_a_reactor_gets_the_monotonic_clock_itself(self) -> None:
        reactor = FakeReactor()

        use_monotonic_clock(reactor)
        use_monotonic_clock(reactor)

        self.assertIs(reactor.seconds, time.monotonic)

    def test_what_is_to_be_called_later_already_stays_due(self) -> None:
        reactor = FakeReactor("call")
        self.patch(time, "monotonic", lambda: 100.0)
        before = reactor.seconds()

        use_monotonic_clock(reactor)
        self.assertLess(abs(reactor.seconds() - before), 5)
        self.patch(time, "time", lambda: 0.0)

        self.assertLess(abs(reactor.seconds() - before), 5)

    def test_a_clock_of_a_test_is_left_alone(self) -> None:
        clock = Clock()

        use_monotonic_clock(clock)
        clock.advance(5)

        self.assertEqual(clock.seconds(), 5)
