"""How proxies differ, and what of it is logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.logger import LogEvent, Logger, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.proxies import announced
from vncproxy.cluster.differences import LASTING, DifferenceLog
from vncproxy.model import Announcement
from vncproxy.model.differences import differences


def found(*workers: Announcement) -> list[tuple[str, str, list[str]]]:
    return [(d.code, d.subject, [name for _, name in d.proxies]) for d in differences(workers)]


def with_backends(name: str, **more: Any) -> Announcement:
    generation = more.pop("_generation", 1)
    return announced(name, generation=generation, backends=more)


class DifferenceTests(SynchronousTestCase):
    def test_equal_proxies_do_not_differ(self) -> None:
        self.assertEqual(found(), [])
        self.assertEqual(found(with_backends("a", kvm="1"), with_backends("b", kvm="1")), [])

    def test_backends_that_are_not_equal(self) -> None:
        workers = with_backends("a", kvm="1"), with_backends("b", kvm="2")

        self.assertEqual(found(*workers), [("backend-differs", "kvm", ["a", "b"])])

    def test_a_backend_that_is_missing(self) -> None:
        workers = with_backends("a", kvm="1"), with_backends("b")

        self.assertEqual(found(*workers), [("backend-missing", "kvm", ["b"])])

    def test_proxies_of_one_name(self) -> None:
        workers = announced("a", proxy_id="1"), announced("a", proxy_id="2"), announced("b")

        self.assertEqual(found(*workers), [("same-name", "a", ["a", "a"])])

    def test_workers_of_one_proxy_do_not_differ_in_an_upgrade(self) -> None:
        workers = with_backends("a", kvm="1"), with_backends("a", kvm="2", _generation=2)

        self.assertEqual(found(*workers), [])


class LogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.lines: list[str] = []
        self.differing = DifferenceLog(self.clock)
        self.patch(DifferenceLog, "log", Logger(observer=cast("Any", self.observe)))

    def observe(self, event: LogEvent) -> None:
        self.lines.append(str(formatEvent(event)))

    def check(self, seconds: float, workers: Sequence[Announcement]) -> list[str]:
        """Return what is logged while these workers are there."""
        self.lines.clear()
        for _ in range(int(seconds / 5)):
            self.differing.check(workers)
            self.clock.advance(5)
        return self.lines

    def test_what_lasts_is_logged_once(self) -> None:
        workers = [with_backends("a", kvm="1"), with_backends("b", kvm="2")]

        self.assertEqual(self.check(LASTING, workers), [])
        (line,) = self.check(300, workers)
        self.assertIn("the backend kvm is not configured alike at the proxies a (", line)

    def test_its_end_is_logged_and_its_return(self) -> None:
        workers = [announced("a", proxy_id="1"), announced("a", proxy_id="2")]
        self.check(60, workers)

        (line,) = self.check(60, workers[:1])
        self.assertTrue(line.startswith("no longer: several proxies have the name a"), line)
        self.assertEqual(len(self.check(60, workers)), 1)

    def test_a_proxy_that_was_killed_and_started_again_is_no_difference(self) -> None:
        workers = [announced("a", proxy_id="1"), announced("a", proxy_id="2")]

        self.assertEqual(self.check(15, workers) + self.check(60, workers[:1]), [])
