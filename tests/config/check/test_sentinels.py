from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from vncproxy.config.check.finding import Finding
from vncproxy.config.check.sentinels import TIME_LIMIT, check_sentinels
from vncproxy.errors import StoreUnavailable
from vncproxy.interfaces import IHasSentinels

Reports = Sequence[tuple[str, str, str]]
GOOD = ("s1:26379", "names r1:6379", "")
BAD = ("s2:26379", "does not answer in time", "mend that")


@implementer(IHasSentinels)
class Watched:
    """A store with sentinels that say what a test wants."""

    def __init__(self, reports: Reports | Exception | Deferred[Reports]) -> None:
        self._reports = reports

    async def sentinels(self) -> Reports:
        if isinstance(self._reports, Exception):
            raise self._reports
        return await self._reports if isinstance(self._reports, Deferred) else self._reports


class SentinelTests(SynchronousTestCase):
    def check(self, component: object, clock: Clock | None = None) -> Deferred[list[Finding]]:
        return Deferred.fromCoroutine(check_sentinels("store redis", component, clock or Clock()))

    def lines(self, component: object) -> list[str]:
        found: list[Finding] = self.successResultOf(self.check(component))
        return list(map(str, found))

    def test_all_in_order(self) -> None:
        line = "ok    store redis, sentinel s1:26379: names r1:6379"
        self.assertEqual(self.lines(Watched([GOOD])), [line])

    def test_one_that_is_not_is_a_warning(self) -> None:
        _, line = self.lines(Watched([GOOD, BAD]))
        expected = "warn  store redis, sentinel s2:26379: does not answer in time; mend that"
        self.assertEqual(line, expected)

    def test_none_in_order_is_a_failure(self) -> None:
        (line,) = self.lines(Watched([BAD]))
        self.assertTrue(line.startswith("FAIL  store redis, sentinel s2:26379: "), line)

    def test_a_store_without_sentinels(self) -> None:
        self.assertEqual(self.lines(object()), [])
        self.assertEqual(self.lines(Watched([])), [])

    def test_what_the_stores_own_check_reports_is_not_said_twice(self) -> None:
        self.assertEqual(self.lines(Watched(StoreUnavailable("closed"))), [])

    def test_it_ends_in_time(self) -> None:
        clock = Clock()
        checking = self.check(Watched(Deferred()), clock)

        clock.advance(TIME_LIMIT)

        self.assertEqual(self.successResultOf(checking), [])
