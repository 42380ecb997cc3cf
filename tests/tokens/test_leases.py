"""Limits of sessions, and which may be there together, in the memory store."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.tokens.lease_contract import LeaseContract
from tests.tokens.sharing_contract import TAKE_OVER, SharingContract
from tests.tokens.store_contract import make_token
from vncproxy.model import Token, VMAddress
from vncproxy.tokens.memory import MemoryTokenStore


class MemoryLeaseTests(LeaseContract, SharingContract, TestCase):
    def make_store(self) -> MemoryTokenStore:
        self.clock = clock = Clock()
        return MemoryTokenStore(clock.seconds, 60, clock.seconds)

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def token(self, **changes: Any) -> Token:
        return make_token(0, **changes)

    async def test_nothing_is_kept_of_sessions_that_have_left(self) -> None:
        store = self.make_store()
        for client in ("192.0.2.1", "192.0.2.2"):
            lease = self.lease(client)
            grant = await self.begin(store, lease)
            store.leave(lease, grant.token)
        for vm in ("one", "two"):
            _, lease, grant = await self.open_by(store, vm=VMAddress("kvm", vm))
            await self.leave(store, lease, grant, keep=5)
            await self.pass_time(6)
        _, lease, grant = await self.open_by(store, TAKE_OVER)
        await self.leave(store, lease, grant)
        counts = store._counts
        self.assertEqual(len(counts._kept), 0)
        self.assertEqual((counts._names, counts._users, counts._holds), ({}, {}, {}))

    async def test_what_a_session_would_have_ended_has_its_machine_when_that_never_opens(
        self,
    ) -> None:
        store = self.make_store()
        _, first, grant = await self.open_by(store, user="alice")
        waiting = self.lease()
        asking = await self.begin(store, waiting, policy=TAKE_OVER, user="bob")
        self.assertEqual([each.why for each in asking.ousted], ["taken-over"])
        await self.leave(store, waiting, asking)
        error = await self.occupied(self.begin(store, self.lease(), user="carol"))
        self.assertEqual(error.by, "alice")
        await self.leave(store, first, grant)
        await self.begin(store, self.lease(), user="carol")
        self.assertEqual(store._counts._holds, {})
