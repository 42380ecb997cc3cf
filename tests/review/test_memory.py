"""Links to recordings in memory."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.review.links_contract import ReviewLinksContract
from vncproxy.review.memory import MemoryReviewLinks


class MemoryReviewLinksTests(ReviewLinksContract, TestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def make_links(self) -> MemoryReviewLinks:
        return MemoryReviewLinks(self.clock.seconds)

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
