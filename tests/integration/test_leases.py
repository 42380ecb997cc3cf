"""Limits of sessions in Redis, for any number of processes."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.defer import Deferred

from tests.components.redis_case import RedisCase, at_once, sleep
from tests.tokens.lease_contract import HOSTILE, WORKER, LeaseContract
from tests.tokens.sharing_contract import SharingCase, SharingContract
from tests.tokens.store_contract import good_once
from vncproxy.errors import OverLimit, StoreUnavailable, TokenUsed
from vncproxy.model import Grant, SessionLease, Token
from vncproxy.tokens.redis import RedisTokenStore

OTHER = "2" * 16


class RedisLeaseCase(SharingCase, RedisCase):
    def announce(self, worker: str = WORKER, seconds: float = 600) -> None:
        self.server.cli("set", f"vncproxy:worker:{worker}", "{}", "px", str(int(seconds * 1000)))

    def make_store(
        self, resume: float = 60, kind: type[RedisTokenStore] = RedisTokenStore, **changes: Any
    ) -> RedisTokenStore:
        self.announce()
        return RedisCase.make_store(self, resume, kind, **changes)

    def token(self, **changes: Any) -> Token:
        return RedisCase.token(self, **changes)

    async def settle(self, store: RedisTokenStore) -> None:
        await store.leases.flush()

    def calls(self) -> int:
        """Return how many scripts have run since the statistics began."""
        return sum(count for name, count in self.commands().items() if name.startswith("eval"))

    def commands(self) -> dict[str, int]:
        """Return how often each command was called, by scripts too."""
        lines = self.server.cli("info", "commandstats").splitlines()
        found = (re.match(r"cmdstat_(\w+):calls=(\d+)", line) for line in lines)
        return {each[1]: int(each[2]) for each in found if each}

    def live(self, place: str = "vm:kvm/web-01") -> set[str]:
        """Return the names in a set."""
        return set(self.server.cli("smembers", f"vncproxy:live:{place}").split())


class RedisLeaseTests(RedisLeaseCase, LeaseContract, SharingContract):
    """The contracts, and what they look like in Redis."""

    async def pass_time(self, seconds: float) -> None:
        await sleep(seconds)

    async def test_a_session_is_in_three_sets_until_it_leaves(self) -> None:
        store, lease = self.make_store(), self.lease()
        grant = await self.begin(store, lease)
        for place in ("vm:kvm/web-01", "user:alice", "address:192.0.2.1"):
            self.assertEqual(self.live(place), {lease.name})
            ttl = int(self.server.cli("pttl", f"vncproxy:live:{place}"))
            self.assertTrue(14 * 60_000 < ttl <= 15 * 60_000, ttl)
        store.leave(lease, grant.token)
        await store.leases.flush()
        self.assertEqual(self.server.cli("--scan", "--pattern", "vncproxy:live:*"), "")

    async def test_names_change_no_other_key(self) -> None:
        store = self.make_store()
        for name in HOSTILE:
            await self.begin(store, self.lease(), user=name)
        count = 'return #redis.call("keys", "vncproxy:live:*")'
        kinds = 'return #redis.call("keys", "vncproxy:*")'
        self.assertEqual(int(self.server.cli("eval", count, "0")), len(HOSTILE) + 2)
        # with the two keys of each token, its indexes, and the announcement
        self.assertEqual(int(self.server.cli("eval", kinds, "0")), 4 * len(HOSTILE) + 4)


class ProcessTests(RedisLeaseCase):
    """Sessions count as long as their process is announced."""

    def elsewhere(self, **limits: int) -> SessionLease:
        mine = self.lease(**limits)
        return SessionLease(mine.session_id, OTHER, mine.client, mine.limits)

    async def test_sessions_of_a_process_that_died_count_no_more(self) -> None:
        store = self.make_store()
        self.announce(OTHER, 0.5)
        for _ in range(3):
            await self.begin(store, self.elsewhere())
        mine = self.lease()
        await self.begin(store, mine)
        await self.refused(self.begin(store, self.lease(sessions_per_vm=3)), "4 sessions")
        self.assertEqual(len(self.live()), 4)
        await sleep(0.6)
        await self.begin(store, self.lease(sessions_per_vm=3))
        self.assertEqual(len(self.live()), 2)  # those of the dead one were removed
        await self.begin(store, self.lease(sessions_per_vm=3))
        await self.refused(self.begin(store, self.lease(sessions_per_vm=3)), "3 sessions")

    async def test_a_large_set_is_read_once_a_second_however_many_are_refused(self) -> None:
        store, most = self.make_store(), 1000
        self.announce(OTHER)
        names = [f"{WORKER if n % 2 else OTHER}/{n}" for n in range(most)]
        self.server.cli("sadd", "vncproxy:live:user:alice", *names)
        secrets = [await store.issue(self.token()) for _ in range(100)]
        self.server.cli("config", "resetstat")
        for secret in secrets:
            lease = self.lease(sessions_per_user=most)
            await self.refused(store.redeem(secret, lease=lease), "1000 sessions of user alice")
        self.assertLess(self.calls_of("smembers"), 20)
        self.assertLess(self.calls_of("exists"), 300)  # one for each process, not each session
        # there is room again as soon as one leaves, and soon after a process has died
        self.server.cli("srem", "vncproxy:live:user:alice", names[1])
        await store.redeem(secrets[0], lease=self.lease(sessions_per_user=most))
        self.server.cli("del", f"vncproxy:worker:{OTHER}")
        await sleep(1.1)
        await store.redeem(secrets[1], lease=self.lease(sessions_per_user=most))
        self.assertEqual(len(self.live("user:alice")), most // 2 + 1)

    def calls_of(self, command: str) -> int:
        return self.commands()[command]

    async def test_below_the_limit_nothing_is_looked_for(self) -> None:
        store = self.make_store()
        self.announce(OTHER, 0.2)
        await self.begin(store, self.elsewhere())
        await sleep(0.3)
        await self.begin(store, self.lease(sessions_per_vm=2))
        self.assertEqual(len(self.live()), 2)

    async def test_a_dead_session_gives_its_place_to_nobody(self) -> None:
        store, older = self.make_store(), self.elsewhere()
        self.announce(OTHER, 0.3)
        secret = await store.issue(self.token())
        grant = await store.redeem(secret, lease=older)
        await store.confirm(grant)
        await self.begin(store, self.lease())
        await sleep(0.4)
        again = store.redeem(secret, grant.resume_secret, lease=self.lease(sessions_per_vm=1))
        await self.refused(again, "1 sessions")

    async def test_a_process_that_is_not_announced_is_refused_unless_it_can_be(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        self.assertIn(
            "no announcement", await self.failure(store.redeem(secret, lease=self.elsewhere()))
        )
        announced: list[str] = []

        async def announce() -> None:
            announced.append(OTHER)
            self.announce(OTHER)

        store.announce_by(announce)
        grant = await store.redeem(secret, lease=self.elsewhere())
        self.assertEqual((announced, grant.resumed), ([OTHER], False))

    async def test_one_that_replaces_a_session_of_another_process_names_it(self) -> None:
        one, other, older = self.make_store(), self.make_store(), self.elsewhere()
        self.announce(OTHER)
        secret = await one.issue(self.token())
        grant = await one.redeem(secret, lease=older)
        await one.confirm(grant)
        again = await other.redeem(secret, grant.resume_secret, lease=self.lease(sessions_per_vm=1))
        self.assertEqual(again.replaced, older.name)
        self.assertEqual(len(self.live()), 1)

    async def test_sessions_that_just_left_are_not_counted_by_their_own_process(self) -> None:
        store = self.make_store()
        for _ in range(5):
            lease = self.lease(sessions_per_vm=1)
            grant = await self.begin(store, lease)
            store.leave(lease, grant.token)

    async def test_sessions_that_end_are_removed_soon_and_in_few_calls(self) -> None:
        store = self.make_store()
        leases = [self.lease() for _ in range(200)]
        grants = await at_once(*(self.begin(store, lease) for lease in leases))
        before = self.calls()
        for lease, grant in zip(leases, grants, strict=True):
            assert isinstance(grant, Grant)
            store.leave(lease, grant.token)
            await sleep(0)
        while self.live():
            await sleep(0.05)
        self.assertLess(self.calls() - before, 15)


class OutageTests(RedisLeaseCase):
    """Redis that is away, that has forgotten everything, or that is another one by now."""

    call_limit = 1.0

    async def heartbeat(self, store: RedisTokenStore, announced: bool = True) -> None:
        await store.leases.flush()
        await store.leases.renew(announced)

    async def test_what_ended_while_redis_was_away_is_removed_when_it_is_back(self) -> None:
        store, lease = self.make_store(), self.lease()
        grant = await self.begin(store, lease)
        self.server.pause()
        store.leave(lease, grant.token)
        with self.assertRaises(StoreUnavailable):
            await self.heartbeat(store)
        self.server.resume()
        await self.until_works(store)
        await self.heartbeat(store)
        self.assertEqual(self.live(), set())

    async def until_works(self, store: RedisTokenStore) -> None:
        while True:
            try:
                return await store.check()
            except StoreUnavailable:
                await sleep(0.1)

    async def test_live_sessions_register_again_after_redis_was_emptied(self) -> None:
        store, leases = self.make_store(), [self.lease() for _ in range(350)]
        await self.heartbeat(store)
        token = self.token()
        store.leases.held = lambda: ((lease, token) for lease in leases)
        self.server.cli("flushall")
        await self.heartbeat(store)
        self.assertEqual(self.live(), set())  # nothing has said that it was emptied
        await self.heartbeat(store, announced=False)
        self.announce()
        self.assertEqual(self.live(), {lease.name for lease in leases})
        await self.refused(self.begin(store, self.lease(sessions_per_vm=350)), "350 sessions")
        for place in ("vm:kvm/web-01", "user:alice", "address:192.0.2.1"):
            self.assertGreater(int(self.server.cli("pttl", f"vncproxy:live:{place}")), 14 * 60_000)

    async def test_live_sessions_register_again_on_each_new_connection(self) -> None:
        store, lease = self.make_store(), self.lease()
        grant = await self.begin(store, lease)
        store.leases.held = lambda: [(lease, grant.token)]
        await self.heartbeat(store)
        self.server.cli("del", "vncproxy:live:user:alice")
        await self.heartbeat(store)
        self.assertEqual(self.live("user:alice"), set())
        self.server.cli("client", "kill", "type", "normal", "skipme", "yes")
        await sleep(0.1)
        await self.heartbeat(store)
        self.assertEqual(self.live("user:alice"), {lease.name})

    async def test_one_that_ends_while_it_is_registered_is_not_left_behind(self) -> None:
        store, leases = self.make_store(), [self.lease() for _ in range(350)]
        token = self.token()
        store.leases.held = lambda: ((lease, token) for lease in leases)
        registering = Deferred.fromCoroutine(store.leases.renew(False))
        for lease in leases:
            store.leave(lease, token)
        leaving = Deferred.fromCoroutine(store.leases.flush())
        await registering
        await leaving
        store.leases.held = lambda: ()
        for _ in range(3):
            await self.heartbeat(store)
        self.assertEqual(self.live(), set())

    async def test_sessions_of_the_dead_are_removed_at_the_next_renewal(self) -> None:
        store, lease = self.make_store(), self.lease()
        grant = await self.begin(store, lease)
        self.server.cli("sadd", "vncproxy:live:user:alice", f"{OTHER}/1", f"{OTHER}/2")
        store.leases.held = lambda: [(lease, grant.token)]
        await self.heartbeat(store)
        self.assertEqual(self.live("user:alice"), {lease.name})

    async def test_a_session_that_may_have_begun_is_removed(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        await self.heartbeat(store)
        self.server.pause()
        with self.assertRaises(StoreUnavailable):
            await store.redeem(secret, lease=self.lease())
        self.server.resume()
        await self.until_works(store)
        for _ in range(3):
            await self.heartbeat(store)
        self.assertEqual(self.live(), set())

    async def test_what_is_good_once_is_good_again_when_its_answer_was_lost(self) -> None:
        store, lease = self.make_store(), self.lease()
        await store.check()
        self.server.pause()
        with self.assertRaises(StoreUnavailable):
            await store.enter(good_once("a"), lease)
        self.server.resume()
        await self.until_works(store)
        await sleep(self.call_limit)
        await store.enter(good_once("a"), lease)
        with self.assertRaises(TokenUsed):
            await store.enter(good_once("a"), self.lease())

    async def test_another_kind_of_key_takes_no_use(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        self.server.cli("set", "vncproxy:live:user:alice", "x")
        failed = await self.failure(store.redeem(secret, lease=self.lease()))
        self.assertIn("WRONGTYPE", failed)
        self.server.cli("del", "vncproxy:live:user:alice")
        await store.redeem(secret, lease=self.lease())

    async def test_a_store_that_closes_removes_what_has_ended(self) -> None:
        store, lease = self.make_store(), self.lease()
        grant = await self.begin(store, lease)
        await self.begin(store, self.lease())
        store.leave(lease, grant.token)
        await store.close()
        self.assertEqual(len(self.live()), 1)


class RaceTests(RedisLeaseCase):
    async def test_exactly_the_limit_begins_of_many_at_once_through_two_proxies(self) -> None:
        stores = [self.make_store(), self.make_store()]
        for limit in ("sessions_per_vm", "sessions_per_user", "sessions_per_address"):
            self.server.cli("flushall")
            self.announce()
            work = [self.begin(stores[n % 2], self.lease(**{limit: 7})) for n in range(60)]
            outcomes = await at_once(*work)
            self.assertEqual(sum(isinstance(o, Grant) for o in outcomes), 7, limit)
            self.assertEqual(sum(isinstance(o, OverLimit) for o in outcomes), 53, limit)
