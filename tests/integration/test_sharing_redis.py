"""What sharing costs in Redis, and machines that are held again after Redis has lost that."""

from __future__ import annotations

from dataclasses import replace

from tests.integration.test_leases import OTHER, RedisLeaseCase
from tests.tokens.sharing_contract import EXCLUSIVE, TAKE_OVER
from vncproxy.errors import ConsoleOccupied, StoreUnavailable, TokenRevoked
from vncproxy.model import SessionLease, SignedLink, VMAddress
from vncproxy.redis.link import Operation
from vncproxy.tokens.redis import RedisTokenStore


class CostTests(RedisLeaseCase):
    async def test_a_shared_session_costs_three_calls_and_reads_no_set(self) -> None:
        store, count = self.make_store(), 20
        await store.check()
        self.server.cli("config", "resetstat")
        held = []
        for n in range(count):
            lease, vm = self.lease(), VMAddress("kvm", str(n))
            grant = await self.begin(store, lease, vm=vm)
            await store.confirm(grant)
            held.append((lease, grant.token))
        self.assertEqual(self.calls(), 3 * count)  # issued, redeemed, confirmed
        for lease, token in held:
            store.leave(lease, token)
        await store.leases.flush()
        self.assertLessEqual(self.calls(), 3 * count + 2)
        used = self.commands()
        self.assertEqual(used["hget"], 6 * count)  # the last is whether the machine is held
        self.assertEqual(used.keys() & {"smembers", "publish"}, set())

    async def test_an_exclusive_session_is_one_key_more_and_one_call_more_at_its_end(self) -> None:
        store, lease = self.make_store(), self.lease()
        grant = await self.begin(store, lease, policy=EXCLUSIVE)
        key = "vncproxy:exclusive:kvm/web-01"
        fields = self.server.cli("hgetall", key).split("\n")
        found = dict(zip(fields[::2], fields[1::2], strict=False))
        self.assertEqual((found["session"], found["user"]), (lease.name, "alice"))
        self.assertEqual(found["of"], grant.cookie_id)
        self.assertLess(int(self.server.cli("memory", "usage", key)), 500)
        self.server.cli("config", "resetstat")
        await self.leave(store, lease, grant, keep=10)
        self.assertEqual(self.calls(), 2)
        self.assertTrue(0 < int(self.server.cli("pttl", key)) <= 10_000)


class HoldTests(RedisLeaseCase):
    """Machines that are held again after Redis was emptied, or a failover."""

    async def test_a_live_exclusive_session_holds_its_machine_again(self) -> None:
        store, mine = self.make_store(), self.lease()
        lease = replace(mine, cookie_id="c" * 64, age=60.0)
        token = self.token(policy=EXCLUSIVE)
        store.leases.held = lambda: [(lease, token)]
        await store.leases.renew(was_announced=False)
        with self.assertRaises(ConsoleOccupied) as caught:
            await self.begin(store, self.lease())
        assert caught.exception.age is not None
        self.assertTrue(60 <= caught.exception.age < 120, caught.exception.age)

        other = replace(self.lease(), cookie_id="d" * 64)
        store.leases.held = lambda: [(other, token)]  # takes nothing from one that lives
        await store.leases.renew(was_announced=False)
        key = "vncproxy:exclusive:kvm/web-01"
        self.assertEqual(self.server.cli("hget", key, "session").strip(), lease.name)
        self.server.cli("srem", "vncproxy:live:vm:kvm/web-01", lease.name)
        await store.leases.renew(was_announced=False)
        self.assertEqual(self.server.cli("hget", key, "session").strip(), other.name)

    async def test_who_was_away_learns_that_another_session_has_the_machine(self) -> None:
        store, there, token = self.make_store(), self.elsewhere(), self.token(policy=EXCLUSIVE)
        lost: list[tuple[str, ...]] = []
        store.leases.on_lost = lambda *each: lost.append(each)
        away = replace(self.lease(), cookie_id="c" * 64)
        taker = await self.begin(store, there, policy=EXCLUSIVE, user="bob")
        store.leases.held = lambda: [(away, token)]  # it was announced no more, and is again
        await store.leases.renew(was_announced=False)
        self.assertEqual(lost, [(away.session_id, there.name, "bob", "taken-over")])

        again = replace(away, cookie_id=taker.cookie_id)
        store.leases.held = lambda: [(again, token)]
        await store.leases.renew(was_announced=False)
        self.assertEqual(lost[1:], [(away.session_id, there.name, "bob", "superseded")])

    def elsewhere(self) -> SessionLease:
        self.announce(OTHER)
        mine = self.lease()
        return SessionLease(mine.session_id, OTHER, mine.client, mine.limits)


class FailedTests(RedisLeaseCase):
    """Sessions whose beginning fails after Redis has let them in."""

    async def fail_to_take(self, store: RedisTokenStore) -> None:
        """Take the machine over by a call whose answer is lost."""
        secret = await store.issue(self.token(policy=TAKE_OVER, user="bob"))

        async def lose(redis: Operation) -> None:
            raise StoreUnavailable("the answer is lost")

        self.patch(Operation, "replicate", lose)
        with self.assertRaises(StoreUnavailable):
            await store.redeem(secret, lease=self.lease())

    async def test_a_take_over_gives_the_machine_back_to_the_session_that_lives(self) -> None:
        store, key = self.make_store(), "vncproxy:exclusive:kvm/web-01"
        _, lease, grant = await self.open_by(store, user="alice")
        before = self.server.cli("hget", key, "since")
        await self.fail_to_take(store)
        await store.leases.flush()
        self.assertEqual(self.live(), {lease.name})
        self.assertEqual(self.server.cli("hget", key, "session").strip(), lease.name)
        self.assertEqual(self.server.cli("hget", key, "of").strip(), grant.cookie_id)
        self.assertEqual(self.server.cli("hget", key, "since"), before)
        self.assertGreater(int(self.server.cli("pttl", key)), 60_000)
        error = await self.occupied(self.begin(store, self.lease(), user="carol"))
        self.assertEqual(error.by, "alice")

    async def test_one_whose_former_session_is_gone_keeps_the_machine_as_before(self) -> None:
        store, key = self.make_store(), "vncproxy:exclusive:kvm/web-01"
        _, lease, _ = await self.open_by(store)
        await self.fail_to_take(store)
        self.server.cli("srem", "vncproxy:live:vm:kvm/web-01", lease.name)
        await store.leases.flush()
        self.assertTrue(0 < int(self.server.cli("pttl", key)) <= 10_000)

    async def test_a_link_that_is_revoked_meanwhile_counts_no_session(self) -> None:
        store, adopted = self.make_store(), iter((None, TokenRevoked("meanwhile")))

        async def adopt(redis: Operation, link: SignedLink) -> None:
            if error := next(adopted):
                raise error
            await RedisTokenStore._adopt(store, redis, link)

        self.patch(store, "_adopt", adopt)
        link = SignedLink("a" * 64, self.token(), store._time(), is_over=False)
        with self.assertRaises(TokenRevoked):
            await store.redeem_link(link, lease=self.lease())
        await store.leases.flush()
        self.assertEqual(self.live(), set())
