"""When a subscription tries again, on a clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.doubles.subscriber import RecordingSubscriber
from vncproxy.config.redis import RedisSettings
from vncproxy.errors import StoreUnavailable
from vncproxy.redis.channels import LONGEST_PAUSE, SHORTEST_PAUSE
from vncproxy.redis.endpoint import IPrimary, Server
from vncproxy.redis.subscription import Subscription


@implementer(IPrimary)
class NoPrimary:
    """Knows no primary, and when it was asked."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self.tries: list[float] = []
        self.moved: Callable[[], None]

    async def servers(self) -> AsyncIterator[Server]:
        self.tries.append(self._seconds())
        for server in await self._servers():
            yield server

    async def _servers(self) -> list[Server]:
        raise StoreUnavailable("there is no primary")

    async def reports(self) -> Sequence[tuple[str, str, str]]:
        return ()

    def follow(self, moved: Callable[[], None]) -> Callable[[], Deferred[object]]:
        self.moved = moved
        return lambda: succeed(None)


class PauseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.primary = NoPrimary(self.reactor.seconds)
        self.tries = self.primary.tries

    def subscription(self, spread: float) -> Subscription:
        made = Subscription(
            self.reactor,
            RedisSettings(),
            ("x",),
            RecordingSubscriber(),
            primary=self.primary,
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

    def test_another_primary_ends_the_pause(self) -> None:
        self.subscription(1.0)
        self.reactor.advance(SHORTEST_PAUSE)
        before = len(self.tries)

        self.primary.moved()

        self.assertEqual(len(self.tries), before + 1)
        self.reactor.advance(2 * SHORTEST_PAUSE)
        self.assertEqual(len(self.tries), before + 2)

    def test_a_closed_one_tries_no_more(self) -> None:
        made = self.subscription(1.0)
        self.successResultOf(Deferred.fromCoroutine(made.close()))
        tries = len(self.tries)

        self.reactor.advance(60)

        self.assertEqual(len(self.tries), tries)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
