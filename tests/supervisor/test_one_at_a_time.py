"""The order of a supervisor's tasks."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.supervisor.one_at_a_time import OneAtATime


class OrderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.tasks = OneAtATime()
        self.begun: list[str] = []
        self.waiting: list[Deferred[None]] = []

    async def reload(self) -> None:
        await self.begin("reload")

    async def upgrade(self) -> None:
        await self.begin("upgrade")

    async def begin(self, name: str) -> None:
        self.begun.append(name)
        self.waiting.append(Deferred())
        await self.waiting[-1]

    def test_one_after_the_other(self) -> None:
        self.tasks.run(self.reload)
        self.tasks.run(self.upgrade)
        self.assertEqual(self.begun, ["reload"])

        self.waiting[0].callback(None)

        self.assertEqual(self.begun, ["reload", "upgrade"])

    def test_what_is_asked_for_often_is_done_once_more(self) -> None:
        for _ in range(5):
            self.tasks.run(self.reload)

        self.waiting[0].callback(None)
        self.waiting[1].callback(None)

        self.assertEqual(self.begun, ["reload", "reload"])

    def test_a_defect_keeps_no_other_from_running(self) -> None:
        self.tasks.run(self.reload)
        self.tasks.run(self.upgrade)

        self.waiting[0].errback(RuntimeError("a defect"))

        self.assertEqual(self.begun, ["reload", "upgrade"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_after_a_stop_nothing_runs(self) -> None:
        self.tasks.run(self.reload)
        self.tasks.run(self.upgrade)

        self.tasks.stop()
        self.tasks.run(self.reload)

        self.assertEqual(self.begun, ["reload"])
