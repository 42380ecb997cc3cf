"""Who may be at a machine alone, among four real processes and one real Redis."""

from __future__ import annotations

from collections import Counter

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from tests.components.redeeming_process import OUSTED, RedeemingProcess
from tests.components.redis_case import RedisCase, at_once, sleep
from vncproxy.errors import ConsoleOccupied
from vncproxy.model import Grant, Limits, Policy, SessionLease, Sharing, VMAddress, new_id

PROCESSES = 4
RACES = 500
LEASE = 3.0
"""Seconds for which a process is announced in this test."""

HIGH = {"sessions_per_vm": 10**6, "sessions_per_user": 0, "sessions_per_address": 10**6}
ME = "f" * 16
OCCUPIED = ConsoleOccupied.__name__


class SharingRaceTests(RedisCase):
    """One start of the processes serves all races, each at machines of its own."""

    async def start(self) -> None:
        port = self.server.port
        starting = [
            deferToThread(RedeemingProcess, port, f"{n:016x}", LEASE, HIGH)
            for n in range(PROCESSES)
        ]
        self.processes = await gatherResults(starting)
        for process in self.processes:
            self.addCleanup(process.kill)
        self.store = self.make_store()
        self.server.cli("set", f"vncproxy:worker:{ME}", "{}", "px", "600000")

    async def issue(self, count: int, sharing: Sharing, *vms: str, user: str = "") -> list[str]:
        """Return new links to machines by turns, each with the address that it is used from."""
        policy = Policy(sharing=sharing)
        tokens = (
            self.token(vm=VMAddress("kvm", vms[n % len(vms)]), user=f"{user}{n}", policy=policy)
            for n in range(count)
        )
        secrets = await at_once(*map(self.store.issue, tokens))
        return [f"{secret}@{n}" for n, secret in enumerate(secrets)]

    async def race(self, secrets: list[str]) -> Counter[str]:
        """Redeem links at the same time in all processes; returns how many had each outcome."""
        count = len(self.processes)
        work: list[Deferred[list[str]]] = [
            deferToThread(process.redeem, *secrets[n::count])
            for n, process in enumerate(self.processes)
        ]
        found = await gatherResults(work)
        return Counter(outcome for outcomes in found for outcome in outcomes)

    def live(self, vm: str) -> list[str]:
        return self.server.cli("smembers", f"vncproxy:live:vm:kvm/{vm}").split()

    def holder(self, vm: str) -> str:
        return self.server.cli("hget", f"vncproxy:exclusive:kvm/{vm}", "session").strip()

    async def test_a_machine_has_one_exclusive_session_whatever_happens_at_once(self) -> None:
        await self.start()
        await self.one_of_many_exclusive_links_opens()
        await self.one_of_many_take_overs_remains()
        await self.shared_and_exclusive_sessions_are_never_together()
        await self.nothing_comes_between_the_sessions_of_one_browser()
        await self.the_place_of_a_killed_process_is_free_within_the_lease()

    async def one_of_many_exclusive_links_opens(self) -> None:
        vms = [f"exclusive-{n}" for n in range(5)]
        outcomes = await self.race(await self.issue(RACES, Sharing.EXCLUSIVE, *vms))
        self.assertEqual(outcomes, {"in": len(vms), OCCUPIED: RACES - len(vms)})
        self.assertEqual([self.live(vm) for vm in vms], [[self.holder(vm)] for vm in vms])

    async def one_of_many_take_overs_remains(self) -> None:
        for sharing in (Sharing.TAKE_OVER, Sharing.EXCLUSIVE, Sharing.SHARED):
            outcomes = await self.race(await self.issue(200, sharing, "taken"))
            expected = "in" if sharing is Sharing.TAKE_OVER else OCCUPIED
            self.assertEqual(outcomes, {expected: 200})
        ended = set(self.server.cli("smembers", OUSTED).split())
        self.assertEqual(set(self.live("taken")) - ended, {self.holder("taken")})
        self.assertEqual(len(ended), 199)

    async def shared_and_exclusive_sessions_are_never_together(self) -> None:
        vms = [f"mixed-{n}" for n in range(20)]
        shared = await self.issue(100, Sharing.SHARED, *vms)
        exclusive = await self.issue(100, Sharing.EXCLUSIVE, *vms)
        mixed = [each for pair in zip(exclusive, shared, strict=True) for each in pair]
        outcomes = await self.race(mixed)
        alone = [vm for vm in vms if self.holder(vm)]
        self.assertEqual({len(self.live(vm)) for vm in alone}, {1} if alone else set())
        together = [len(self.live(vm)) for vm in vms if vm not in alone]
        self.assertEqual(set(together), {5} if together else set())  # all that are shared
        self.assertEqual(outcomes["in"], len(alone) + sum(together))

    async def nothing_comes_between_the_sessions_of_one_browser(self) -> None:
        (link,) = await self.issue(1, Sharing.EXCLUSIVE, "mine", user="me")
        secret = link.partition("@")[0]
        grant, lease = await self.redeem(secret, None)
        racing = Deferred.fromCoroutine(
            self.race(
                [
                    *await self.issue(200, Sharing.SHARED, "mine"),
                    *await self.issue(200, Sharing.EXCLUSIVE, "mine"),
                ]
            )
        )
        for n in range(40):
            if n % 2:  # the older session has ended before the newer one begins
                self.store.leave(lease, grant.token)
                await self.store.leases.flush()
            again, newer = await self.redeem(secret, grant.resume_secret)
            if not n % 2:
                self.assertEqual(again.replaced, lease.name)
            lease = newer
        self.assertEqual(await racing, {OCCUPIED: 400})
        self.assertEqual(self.live("mine"), [lease.name])

    async def redeem(self, secret: str, cookie: str | None) -> tuple[Grant, SessionLease]:
        """Begin a session of this process, whose machine is kept when it ends."""
        limits = Limits(sessions_per_vm=10**6, sessions_per_address=10**6)
        lease = SessionLease(new_id(), ME, "192.0.2.1", limits, keep=60.0)
        grant = await self.store.redeem(secret, cookie, lease=lease)
        await self.store.confirm(grant)
        return grant, lease

    async def the_place_of_a_killed_process_is_free_within_the_lease(self) -> None:
        killed = self.processes.pop()
        (link,) = await self.issue(1, Sharing.EXCLUSIVE, "killed")
        self.assertEqual(killed.redeem(link), ["in"])
        secrets = await self.issue(RACES, Sharing.EXCLUSIVE, "killed")
        racing = Deferred.fromCoroutine(self.race(secrets[: RACES // 2]))
        killed.kill()
        self.assertEqual(await racing, {OCCUPIED: RACES // 2})
        await sleep(LEASE)
        outcomes = await self.race(secrets[RACES // 2 :])
        self.assertEqual(outcomes, {"in": 1, OCCUPIED: RACES // 2 - 1})
        self.assertEqual(self.live("killed"), [self.holder("killed")])
