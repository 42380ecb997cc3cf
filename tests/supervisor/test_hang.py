"""When a worker counts as one that hangs."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.supervisor.hang import Heartbeat


class HeartbeatTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.did: list[str] = []
        self.heartbeat = Heartbeat(
            lambda: self.did.append("ping"), lambda: self.did.append("hangs"), self.clock, 3
        )

    def beat(self, seconds: int, answering: bool) -> None:
        for _ in range(seconds):
            self.heartbeat.beat()
            if answering:
                self.heartbeat.answered()
            self.clock.advance(1)

    def test_one_that_answers_is_pinged_for_ever(self) -> None:
        self.beat(100, answering=True)

        self.assertEqual(self.did, ["ping"] * 100)

    def test_one_that_does_not_is_reported_once(self) -> None:
        self.beat(10, answering=False)

        self.assertEqual(self.did, ["ping", "hangs"])

    def test_a_late_answer_is_good(self) -> None:
        self.beat(3, answering=False)
        self.heartbeat.answered()
        self.beat(3, answering=False)

        self.assertEqual(self.did, ["ping", "ping"])
