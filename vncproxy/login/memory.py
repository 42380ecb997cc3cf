"""Logins in this process, gone when it stops."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from zope.interface import implementer

from ..interfaces import ILoginStore
from .limits import MOST_LOGINS


@implementer(ILoginStore)
class MemoryLogins:
    """Logins of one process.

    Args:
        seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._kept: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._given: OrderedDict[str, float] = OrderedDict()

    async def add(self, login_id: str, record: str, ttl: float) -> None:
        """Keep a login for some seconds; the oldest one ends where there are too many."""
        self._kept[login_id] = record, self._seconds() + ttl
        if len(self._kept) > MOST_LOGINS:
            self._kept.popitem(last=False)

    async def find(self, login_id: str) -> str | None:
        """Return the record of a login; None where it has ended."""
        record, ends = self._kept.get(login_id, ("", 0.0))
        if ends <= self._seconds():
            self._kept.pop(login_id, None)
            return None
        return record

    async def remove(self, login_id: str) -> bool:
        """End a login; False when there was none."""
        return self._kept.pop(login_id, ("", 0.0))[1] > self._seconds()

    async def first(self, name: str, ttl: float) -> bool:
        """Tell whether a name is given for the first time, within some seconds."""
        now = self._seconds()
        if self._given.get(name, now) > now:
            return False
        self._given[name] = now + ttl
        self._given.move_to_end(name)
        while next(iter(self._given.values())) <= now or len(self._given) > MOST_LOGINS:
            self._given.popitem(last=False)
        return True

    async def close(self) -> None:
        """Do nothing: there are no connections."""
