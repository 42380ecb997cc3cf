"""Signed links in the memory of one process."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.tokens.link_contract import LinkStoreContract
from vncproxy.tokens.memory import MemoryTokenStore


class MemoryLinkTests(LinkStoreContract, TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_800_000_000)

    def make_store(self) -> MemoryTokenStore:
        return MemoryTokenStore(self.clock.seconds, 3600, self.clock.seconds)

    def now(self) -> float:
        return self.clock.seconds()
