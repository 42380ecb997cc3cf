"""Limits of sessions among four real processes and one real Redis."""

from __future__ import annotations

from collections import Counter

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from tests.components.redeeming_process import RedeemingProcess
from tests.components.redis_case import RedisCase, at_once, sleep
from vncproxy.model import VMAddress

PROCESSES = 4
RACES = 500
MOST = 37
LEASE = 3.0
"""Seconds for which a process is announced in these tests."""

HIGH = {"sessions_per_vm": 10**6, "sessions_per_user": 0, "sessions_per_address": 10**6}


class ProcessesTests(RedisCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = self.make_store()
        self.processes: list[RedeemingProcess] = []
        self.addCleanup(self.kill_all)

    def kill_all(self) -> None:
        for process in self.processes:
            process.kill()

    async def start(self, **limits: int) -> None:
        """Start the processes."""
        port, limits = self.server.port, {**HIGH, **limits}
        starting = [
            deferToThread(RedeemingProcess, port, f"{n:016x}", LEASE, limits)
            for n in range(PROCESSES)
        ]
        self.processes = await gatherResults(starting)

    async def issue(
        self, count: int, *, vms: int = 1, users: int = 1, addresses: int = 1
    ) -> list[str]:
        """Return new tokens, each with the address that it is used from."""
        tokens = (
            self.token(vm=VMAddress("kvm", str(n % vms)), user=str(n % users)) for n in range(count)
        )
        secrets = await at_once(*map(self.store.issue, tokens))
        return [f"{secret}@{n % addresses}" for n, secret in enumerate(secrets)]

    async def race(self, secrets: list[str]) -> Counter[str]:
        """Redeem tokens at the same time in all processes; returns how many had each outcome."""
        count = len(self.processes)
        work: list[Deferred[list[str]]] = [
            deferToThread(process.redeem, *secrets[n::count])
            for n, process in enumerate(self.processes)
        ]
        found = await gatherResults(work)
        return Counter(outcome for outcomes in found for outcome in outcomes)

    def live(self, place: str = "vm:kvm/0") -> list[str]:
        return self.server.cli("smembers", f"vncproxy:live:{place}").split()

    def held_by(self, process: RedeemingProcess) -> int:
        return sum(name.startswith(process.worker) for name in self.live())

    async def test_exactly_as_many_begin_as_each_limit_allows(self) -> None:
        names = ("sessions_per_vm", "sessions_per_user", "sessions_per_address")
        await self.start(**dict.fromkeys(names, MOST))
        for limit, place, spread in (
            (names[0], "vm:kvm/0", {"users": RACES, "addresses": RACES}),
            (names[1], "user:0", {"vms": RACES, "addresses": RACES}),
            (names[2], "address:0", {"vms": RACES, "users": RACES}),
        ):
            outcomes = await self.race(await self.issue(RACES, **spread))
            self.assertEqual(outcomes, {"in": MOST, limit: RACES - MOST})
            self.assertEqual(len(self.live(place)), MOST)
            for process in self.processes:
                process.redeem("leave")
            while self.server.cli("--scan", "--pattern", "vncproxy:live:*"):
                await sleep(0.05)

    async def test_a_process_that_is_killed_in_the_race_frees_its_places_within_the_lease(
        self,
    ) -> None:
        await self.start(sessions_per_vm=MOST)
        secrets = await self.issue(RACES)
        killed = self.processes.pop()
        self.addCleanup(killed.kill)
        # it has a place before the others begin, and not all of them
        killed.send(*secrets[: MOST // 2])
        while not self.held_by(killed):
            await sleep(0.01)
        racing = Deferred.fromCoroutine(self.race(secrets[MOST // 2 :]))
        killed.kill()
        await racing
        held, others = self.held_by(killed), [self.held_by(each) for each in self.processes]
        self.assertEqual(held + sum(others), MOST)
        # they count until the announcement ends
        self.assertEqual(await self.race(await self.issue(9)), {"sessions_per_vm": 9})

        await sleep(LEASE)

        outcomes = await self.race(await self.issue(RACES))
        self.assertEqual(outcomes, {"in": held, "sessions_per_vm": RACES - held})
        self.assertEqual((len(self.live()), self.held_by(killed)), (MOST, 0))

    async def test_sessions_that_redis_has_lost_count_again(self) -> None:
        await self.start(sessions_per_vm=MOST)
        await self.race(await self.issue(2 * MOST))

        self.server.cli("flushall")
        await sleep(LEASE / 2)
        self.assertEqual(len(self.live()), MOST)
        self.assertEqual(await self.race(await self.issue(9)), {"sessions_per_vm": 9})

        # a process that hung for so long that the others have taken its places
        process, others = self.processes[0], self.processes[1:]
        held = self.held_by(process)
        process.pause()
        await sleep(LEASE)
        self.processes = others
        self.assertEqual((await self.race(await self.issue(RACES)))["in"], held)
        process.resume()
        while self.held_by(process) < held:
            await sleep(0.05)
        self.processes = [process, *others]
        self.assertEqual(len(self.live()), MOST + held)
        self.assertEqual(await self.race(await self.issue(9)), {"sessions_per_vm": 9})

    async def test_places_of_sessions_that_ended_are_taken_by_other_processes(self) -> None:
        await self.start(sessions_per_vm=4)
        one, other = self.processes[:2]
        for _ in range(3):
            self.assertEqual(one.redeem(*await self.issue(4)), ["in"] * 4)
            one.redeem("leave")
            while self.live():
                await sleep(0.01)
            one, other = other, one
