"""Keys, rates and repeated requests in a real Redis, shared by several proxies."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.components.redis_case import RedisCase, at_once, documented, sleep
from tests.portals.store_contract import A, B, C, PortalStoreContract
from vncproxy.config.redis import RedisSettings
from vncproxy.errors import StoreUnavailable
from vncproxy.model import Rate
from vncproxy.portals.redis import RedisPortalStore


class RedisPortalStoreTests(PortalStoreContract, RedisCase):
    """The contract, with no more than the permissions of the documented ACL."""

    def setUp(self) -> None:
        acl = documented("", "user vncproxy on").splitlines()
        self.server_options = {"acl": [*acl, "user default on nopass ~* &* +@all"]}
        super().setUp()

    def settings(self, **changes: Any) -> RedisSettings:
        return super().settings(**{"username": "vncproxy", "password": "CHANGE-ME", **changes})

    def make_portals(self, **changes: Any) -> RedisPortalStore:
        store = RedisPortalStore(reactor, self.settings(**changes))
        self.addCleanup(lambda: Deferred.fromCoroutine(store.close()))
        return store

    async def pass_time(self, seconds: float) -> None:
        await sleep(seconds + 0.02)

    async def test_two_proxies_share_them(self) -> None:
        one, two = self.make_portals(), self.make_portals()
        await one.add_key(A, "portal", b"{}", 60)
        self.assertEqual(await two.find_key(A), b"{}")
        self.assertTrue(await two.remove_key(A, "portal"))
        self.assertIsNone(await one.find_key(A))

    async def test_two_revocations_at_once_revoke_once(self) -> None:
        stores = [self.make_portals() for _ in range(4)]
        await stores[0].add_key(A, "portal", b"{}", 60)
        removed = await at_once(*(each.remove_key(A, "portal") for each in stores))
        self.assertEqual(sorted(map(bool, removed)), [False, False, False, True])

    async def test_a_third_key_of_a_name_is_refused_also_at_once(self) -> None:
        stores = [self.make_portals() for _ in range(3)]
        ids = (A, B, C)
        added = await at_once(
            *(s.add_key(i, "portal", b"{}", 60) for s, i in zip(stores, ids, strict=True))
        )
        self.assertEqual(sorted(map(str, added)), ["added", "added", "two"])

    async def test_a_rate_is_that_of_all_proxies(self) -> None:
        stores, rate = [self.make_portals() for _ in range(4)], Rate("key:portal", 120)
        waits = await at_once(*(each.admit([rate]) for each in stores * 10))
        admitted = sum(wait == 0 for wait in waits)
        self.assertTrue(20 <= admitted <= 22, admitted)

    async def test_of_many_attempts_at_once_one_begins(self) -> None:
        stores = [self.make_portals() for _ in range(8)]
        begun = await at_once(*(s.begin("r", A, B, str(n)) for n, s in enumerate(stores)))
        self.assertEqual(sorted(map(str, begun)), [*["('begun', '')"], *["('pending', '')"] * 7])

    async def test_a_clock_that_was_set_back_locks_no_key_out(self) -> None:
        store, rate = self.make_portals(), Rate("key:portal", 60)
        ahead = (time.time() + 3600) * 1000
        self.server.cli("set", "vncproxy:rate:key:portal", str(ahead), "px", "60000")
        self.assertEqual(await store.admit([rate]), 0.0)

    async def test_last_uses_are_bounded(self) -> None:
        store = self.make_portals()
        for part in range(3):
            await store.note_uses({f"{part}-{n}": 3.0 - part for n in range(1000)})
        left = await store.last_uses()
        self.assertEqual(len(left), 1000)
        self.assertEqual({key.partition("-")[0] for key in left}, {"2"})

    async def test_without_redis_nothing_is_said(self) -> None:
        store = self.make_portals(timeout=0.5)
        self.server.stop()
        for work in (store.find_key(A), store.keys(), store.admit([Rate("x", 1)])):
            self.assertIn("refused", await self.failure(work))
        with self.assertRaises(StoreUnavailable):
            await store.begin("r", A, B, "1")
