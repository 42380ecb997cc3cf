"""When a subscription tries again, on a clock."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.subscriber import RecordingSubscriber
from vncproxy.config.redis import RedisSettings
from vncproxy.errors import StoreUnavailable
from vncproxy.redis.subscription import LONGEST_PAUSE, SHORTEST_PAUSE, Subscription


class PauseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.tries: list[float] = []

    async def locate(self) -> IStreamClientEndpoint:
        self.tries.append(self.reactor.seconds())
        raise StoreUnavailable("there is no primary")

    def subscription(self, spread: float) -> Subscription:
        made = Subscription(
            self.reactor,
            RedisSettings(),
            ("x",),
            RecordingSubscriber(),
            locate=self.locate,
            spread=lambda: spread,
        )
        made.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(made.close()))
        return made

    def pauses(self, spread: float) -> list[float]:
        self.subscription(spread)
        for _ in range(12):
            (call,) = self.reactor.getDelayedCalls()
            self.reactor.advance(call.getTime() - self.reactor.seconds())
        return [round(b - a, 3) for a, b in zip(self.tries, self.tries[1:], strict=False)]

    def test_pauses_double_up_to_the_longest(self) -> None:
        pauses = self.pauses(1.0)

        self.assertEqual(pauses[:4], [SHORTEST_PAUSE, 0.2, 0.4, 0.8])
        self.assertEqual(max(pauses), LONGEST_PAUSE)
        self.assertEqual(pauses[-1], LONGEST_PAUSE)

    def test_half_of_a_pause_is_left_to_chance(self) -> None:
        self.assertEqual(self.pauses(0.0)[1:4], [0.1, 0.2, 0.4])

    def test_a_closed_one_tries_no_more(self) -> None:
        made = self.subscription(1.0)
        self.successResultOf(Deferred.fromCoroutine(made.close()))
        tries = len(self.tries)

        self.reactor.advance(60)

        self.assertEqual(len(self.tries), tries)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
