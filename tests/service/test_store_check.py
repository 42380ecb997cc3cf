"""The store is asked when the proxy starts, until it answers."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import StoreUnavailable
from vncproxy.service.store_check import StoreCheck


class Store:
    """A store that is away for so many questions."""

    def __init__(self, away: int, error: Exception | None = None) -> None:
        self.away = away
        self.asked = 0
        self.error = error or StoreUnavailable("redis is away")

    async def check(self) -> None:
        self.asked += 1
        if self.asked <= self.away:
            raise self.error


class StoreCheckTests(SynchronousTestCase):
    def start(self, store: Any) -> StoreCheck:
        self.clock = Clock()
        check = StoreCheck(lambda: store, self.clock)
        check.start()
        return check

    def test_store_that_answers_is_asked_once(self) -> None:
        store = Store(away=0)
        self.start(store)
        self.assertEqual((store.asked, self.clock.getDelayedCalls()), (1, []))

    def test_store_that_is_away_is_asked_until_it_answers_more_and_more_seldom(self) -> None:
        store = Store(away=7)
        self.start(store)
        for pause in (1, 2, 4, 8, 16, 30):
            self.clock.advance(pause - 0.01)
            before = store.asked
            self.clock.advance(0.01)
            self.assertEqual(store.asked, before + 1)
        self.clock.advance(30)
        self.assertEqual((store.asked, self.clock.getDelayedCalls()), (8, []))

    def test_it_ends_with_the_proxy(self) -> None:
        self.start(Store(away=100)).stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_defect_is_told(self) -> None:
        self.start(Store(away=1, error=ValueError("a defect")))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
