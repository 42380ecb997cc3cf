"""Logs how proxies differ although they should not, once each."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..model import Announcement
from ..model.differences import Difference, differences
from ..text import printable

LASTING = 20.0
"""Seconds that a difference lasts before it is logged: a proxy that was killed and started again is
there twice for as long as an announcement lives, and a reload of all proxies takes a while."""


class DifferenceLog:
    """Logs differences that last, and their end.

    Args:
        clock: measures how long they last.
        lasting: seconds before they are logged.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, lasting: float = LASTING) -> None:
        self._clock = clock
        self._lasting = lasting
        self._since: dict[Difference, float] = {}
        self._logged: set[Difference] = set()

    def check(self, workers: Iterable[Announcement]) -> None:
        """Compare the proxies that there are now."""
        now, found = self._clock.seconds(), set(differences(workers))
        self._since = {each: self._since.get(each, now) for each in found}
        for gone in sorted(self._logged - found, key=str):
            self.log.info("no longer: {what}", what=printable(str(gone), 500))
        self._logged &= found
        for each in sorted(found - self._logged, key=str):
            if now - self._since[each] >= self._lasting:
                self._logged.add(each)
                self.log.warn("{what}", what=printable(str(each), 500))
