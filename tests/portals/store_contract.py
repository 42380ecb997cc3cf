"""What every store for portals promises."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from zope.interface.verify import verifyObject

from vncproxy.interfaces import IPortalStore
from vncproxy.model import Rate
from vncproxy.portals.limits import ANSWERS_KEPT, PENDING

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object

A, B, C = "a" * 64, "b" * 64, "c" * 64


class PortalStoreContract(TestCase):
    """A mixin for a store of one kind."""

    def make_portals(self) -> Any:
        raise NotImplementedError

    def pass_time(self, seconds: float) -> Coroutine[Any, Any, None]:
        raise NotImplementedError

    def test_it_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IPortalStore, self.make_portals()))

    async def test_a_key_is_found_until_it_is_removed(self) -> None:
        store = self.make_portals()
        self.assertIsNone(await store.find_key(A))
        self.assertEqual(await store.add_key(A, "portal", b'{"x": "*[a]?"}', 60), "added")
        self.assertEqual(await store.find_key(A), b'{"x": "*[a]?"}')
        self.assertEqual(await store.keys(), [(A, b'{"x": "*[a]?"}')])

        self.assertIs(await store.remove_key(A, "portal"), True)
        self.assertIs(await store.remove_key(A, "portal"), False)
        self.assertIsNone(await store.find_key(A))
        self.assertEqual(await store.keys(), [])

    async def test_a_key_ends(self) -> None:
        store = self.make_portals()
        await store.add_key(A, "portal", b"{}", 0.2)
        await store.add_key(B, "portal", b"{}", 60)
        await self.pass_time(0.3)
        self.assertIsNone(await store.find_key(A))
        self.assertEqual(await store.keys(), [(B, b"{}")])
        self.assertEqual(await store.add_key(C, "portal", b"{}", 60), "added")

    async def test_a_name_has_two_keys_at_most(self) -> None:
        store = self.make_portals()
        for key_id in (A, B):
            self.assertEqual(await store.add_key(key_id, "portal", b"{}", 60), "added")
        self.assertEqual(await store.add_key(C, "portal", b"{}", 60), "two")
        self.assertEqual(await store.add_key(C, "desk", b"{}", 60), "added")
        await store.remove_key(A, "portal")
        self.assertEqual(await store.add_key("d" * 64, "portal", b"{}", 60), "added")

    async def test_last_uses(self) -> None:
        store = self.make_portals()
        await store.note_uses({A: 100.0, B: 1.0})
        await store.note_uses({B: 0.0})
        uses = await store.last_uses()
        self.assertEqual(set(uses), {A, B})
        self.assertTrue(100 <= uses[A] < 130)
        self.assertTrue(0 <= uses[B] < 30)

    async def test_a_rate_admits_its_burst_and_then_waits(self) -> None:
        store, rate = self.make_portals(), Rate("key:portal", 12)
        self.assertEqual([await store.admit([rate]) for _ in range(2)], [0.0, 0.0])
        wait = await store.admit([rate])
        self.assertTrue(0 < wait <= 5, wait)

    async def test_a_rate_admits_again_in_time(self) -> None:
        store, rate = self.make_portals(), Rate("key:portal", 600)
        admitted = 0
        while not await store.admit([rate]):
            admitted += 1
        self.assertGreaterEqual(admitted, 100)
        await self.pass_time(0.12)
        self.assertEqual(await store.admit([rate]), 0.0)

    async def test_all_rates_have_to_admit(self) -> None:
        store, own, others = self.make_portals(), Rate("key:a", 600), Rate("key:b", 6)
        self.assertEqual(await store.admit([own, others]), 0.0)
        self.assertGreater(await store.admit([own, others]), 5)
        self.assertEqual([await store.admit([own]) for _ in range(98)], [0.0] * 98)

    async def test_a_request_has_one_answer(self) -> None:
        store = self.make_portals()
        self.assertEqual(await store.begin("r", A, B, "1"), ("begun", ""))
        self.assertEqual(await store.begin("r", A, B, "2"), ("pending", ""))
        self.assertEqual(await store.begin("r", A, C, "2"), ("other", ""))
        await store.finish("r", B, "2", "of another attempt")
        await store.finish("r", B, "1", "the answer")
        self.assertEqual(await store.begin("r", A, B, "3"), ("done", "the answer"))
        self.assertEqual(await store.begin("r", A, C, "3"), ("other", ""))
        self.assertEqual(await store.begin("s", A, B, "3"), ("begun", ""))

    async def test_a_name_is_held_by_one_claim(self) -> None:
        store = self.make_portals()
        self.assertEqual(await store.hold("picture:kvm/a", "1", 30), 0)
        left = await store.hold("picture:kvm/a", "2", 30)
        self.assertTrue(25 < left <= 30, left)
        self.assertEqual(await store.hold("picture:kvm/b", "2", 30), 0)
        await store.let_go("picture:kvm/a", "2")
        self.assertGreater(await store.hold("picture:kvm/a", "2", 30), 0)
        await store.let_go("picture:kvm/a", "1")
        self.assertEqual(await store.hold("picture:kvm/a", "2", 0.5), 0)
        await self.pass_time(0.6)
        self.assertEqual(await store.hold("picture:kvm/a", "3", 30), 0)
        await store.let_go("picture:kvm/never", "1")

    async def test_an_abandoned_request_begins_again(self) -> None:
        store = self.make_portals()
        await store.begin("r", A, B, "1")
        await store.abandon("r", B, "2")
        self.assertEqual(await store.begin("r", A, B, "2"), ("pending", ""))
        await store.abandon("r", B, "1")
        self.assertEqual(await store.begin("r", A, C, "2"), ("begun", ""))

    async def test_only_an_attempt_that_has_no_answer_is_kept(self) -> None:
        store = self.make_portals()
        await store.begin("r", A, B, "1")
        await store.keep("r", B, "2")
        await store.keep("r", B, "1")
        self.assertEqual(await store.begin("r", A, B, "2"), ("pending", ""))
        await store.finish("r", B, "1", "the answer")
        await store.keep("r", B, "1")
        self.assertEqual(await store.begin("r", A, B, "2"), ("done", "the answer"))

    def test_times_are_sane(self) -> None:
        self.assertLess(PENDING, ANSWERS_KEPT)
