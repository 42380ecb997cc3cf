"""Many sessions leave nothing behind in a real proxy, on every reactor; `make soak` runs more."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.soak import Outcome, soak
from bench.world import World


class SoakTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(scheduling=False)
        self.addCleanup(self.world.stop)
        self.told: list[str] = []

    def soak(self, sessions: int, block: int, tls: bool = False, reactor: str = "") -> Outcome:
        return soak(self.world, sessions, self.told.append, block=block, tls=tls, reactor=reactor)

    def assert_nothing_left(self, outcome: Outcome, growth: float) -> None:
        self.assertEqual(outcome.leaked_descriptors, 0, self.told)
        self.assertLess(outcome.growth, growth, self.told)

    def test_a_thousand_sessions(self) -> None:
        self.assert_nothing_left(self.soak(1000, 100), growth=0.05)

    def test_five_hundred_sessions_with_tls(self) -> None:
        self.assert_nothing_left(self.soak(500, 50, tls=True), growth=0.05)

    def test_other_reactors(self) -> None:
        for reactor in ("epoll", "poll", "select", "asyncio"):
            with self.subTest(reactor):
                self.assert_nothing_left(self.soak(120, 24, reactor=reactor), growth=0.2)
