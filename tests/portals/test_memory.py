"""The store of one process keeps the contract; what ends is forgotten."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.portals.store_contract import A, B, PortalStoreContract
from vncproxy.model import Rate
from vncproxy.portals import limits
from vncproxy.portals.gcra import admits
from vncproxy.portals.memory import MemoryPortalStore


class MemoryPortalStoreTests(PortalStoreContract, TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)

    def make_portals(self) -> MemoryPortalStore:
        return MemoryPortalStore(self.clock.seconds)

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def test_an_attempt_that_says_nothing_more_is_given_up(self) -> None:
        store = self.make_portals()
        await store.begin("r", A, B, "1")
        await self.pass_time(limits.PENDING)
        self.assertEqual(await store.begin("r", A, B, "2"), ("begun", ""))

    async def test_an_attempt_that_goes_on_is_not_given_up(self) -> None:
        store = self.make_portals()
        await store.begin("r", A, B, "1")
        for _ in range(3):
            await self.pass_time(limits.PENDING - 1)
            await store.keep("r", B, "1")
        self.assertEqual(await store.begin("r", A, B, "2"), ("pending", ""))
        await store.finish("r", B, "1", "x")
        self.assertEqual(await store.begin("r", A, B, "2"), ("done", "x"))

    async def test_answers_are_kept_for_an_hour_and_not_too_many(self) -> None:
        self.patch(limits, "MOST_ANSWERS", 2)
        store = self.make_portals()
        for name in ("r", "s"):
            await store.begin(name, A, B, "1")
            await store.finish(name, B, "1", "x")
        self.assertEqual(await store.begin("t", A, B, "1"), ("full", ""))
        self.assertEqual(await store.begin("r", A, B, "1"), ("done", "x"))
        self.assertEqual(await store.begin("t", B, B, "1"), ("begun", ""))
        await self.pass_time(limits.ANSWERS_KEPT)
        self.assertEqual(await store.begin("r", A, B, "1"), ("begun", ""))

    async def test_nothing_is_kept_of_callers_that_are_gone(self) -> None:
        store = self.make_portals()
        for number in range(20):
            await store.begin(f"r{number}", f"owner {number}", B, "1")
            await store.admit([Rate(f"key:{number}", 60)])
        await self.pass_time(limits.ANSWERS_KEPT)
        await store.begin("r", A, B, "1")
        await store.admit([Rate("key:a", 60)])
        self.assertEqual((list(store._counts), list(store._due)), ([A], ["key:a"]))

    async def test_uses_of_removed_keys_and_of_too_many_are_forgotten(self) -> None:
        self.patch(limits, "MOST_KEYS", 2)
        store = self.make_portals()
        await store.add_key(A, "portal", b"{}", 60)
        await store.note_uses({A: 0.0})
        await store.remove_key(A, "portal")
        self.assertEqual(await store.last_uses(), {})
        await store.note_uses({str(age): float(age) for age in range(5)})
        self.assertEqual(await store.last_uses(), {"0": 0.0, "1": 1.0})

    def test_a_clock_that_was_set_back_locks_no_key_out(self) -> None:
        rate = Rate("key:portal", 60)
        _, due = admits(0.0, 3_600_000.0, rate)
        wait, _ = admits(due, 0.0, rate)
        self.assertEqual(wait, 0.0)
