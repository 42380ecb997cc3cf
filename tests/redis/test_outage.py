"""An outage is logged once when it begins and once when it ends."""

from __future__ import annotations

from typing import cast

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.redis.outage import OutageLog


class OutageLogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.events = Clock(), list[LogEvent]()
        self.outage = OutageLog("redis at 127.0.0.1:6379", self.clock.seconds)
        self.patch(self.outage, "log", Logger(observer=cast(ILogObserver, self.events.append)))

    def levels(self) -> list[LogLevel]:
        return [event["log_level"] for event in self.events]

    def test_outage_is_told_once_and_its_end_once(self) -> None:
        for _ in range(3):
            self.outage.report("redis at 127.0.0.1:6379 cannot be reached")
        for _ in range(3):
            self.outage.recovered()
        self.assertEqual(self.levels(), [LogLevel.warn, LogLevel.info])
        self.assertEqual(self.events[0]["why"], "redis at 127.0.0.1:6379 cannot be reached")

    def test_its_end_says_how_long_it_was(self) -> None:
        self.outage.report("a")
        self.clock.advance(12)
        self.outage.recovered()
        self.assertEqual(
            formatEvent(self.events[1]), "redis at 127.0.0.1:6379 answers again, after 12 s"
        )

    def test_nothing_is_told_while_all_is_well(self) -> None:
        self.outage.recovered()
        self.assertEqual(self.events, [])

    def test_another_reason_is_told(self) -> None:
        self.outage.report("a")
        self.outage.report("b")
        self.assertEqual([event["why"] for event in self.events], ["a", "b"])

    def test_outage_that_lasts_is_told_again_after_a_minute(self) -> None:
        self.outage.report("a")
        self.clock.advance(59)
        self.outage.report("a")
        self.assertEqual(len(self.events), 1)
        self.clock.advance(1)
        self.outage.report("a")
        self.assertEqual(len(self.events), 2)

    def test_server_that_flickers_fills_no_log(self) -> None:
        for _ in range(50):
            self.outage.report("a")
            self.outage.recovered()
            self.clock.advance(1)
        self.assertEqual(self.levels(), [LogLevel.warn, LogLevel.info])
