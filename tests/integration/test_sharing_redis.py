"""What sharing costs in Redis, and machines that are held again after Redis has lost that."""

from __future__ import annotations

from dataclasses import replace

from tests.integration.test_leases import RedisLeaseCase
from tests.tokens.sharing_contract import EXCLUSIVE
from vncproxy.errors import ConsoleOccupied
from vncproxy.model import VMAddress


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
