"""Logins of one process."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.login.store_contract import LoginStoreContract
from vncproxy.login import memory
from vncproxy.login.memory import MemoryLogins


class MemoryLoginsTests(LoginStoreContract, TestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def make_logins(self) -> MemoryLogins:
        return MemoryLogins(self.clock.seconds)

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def test_the_oldest_makes_room(self) -> None:
        self.patch(memory, "MOST_LOGINS", 3)
        store = self.make_logins()
        for number in range(5):
            await store.add(str(number), str(number), "{}", 60)
            self.assertIs(await store.first(str(number), 60), True)

        found = [await store.find(str(number)) for number in range(5)]
        self.assertEqual(found, [None, None, "{}", "{}", "{}"])
        self.assertIs(await store.first("4", 60), False)
