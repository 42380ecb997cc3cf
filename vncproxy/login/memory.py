"""Logins in this process, gone when it stops."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from zope.interface import implementer

from ..interfaces import ILoginStore
from .limits import LOGINS_OF_A_USER, MOST_LOGINS


class _Kept(NamedTuple):
    user: str
    record: str
    ends: float


@implementer(ILoginStore)
class MemoryLogins:
    """Logins of one process.

    Args:
        seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._given: OrderedDict[str, float] = OrderedDict()

    async def add(self, login_id: str, user: str, record: str, ttl: float) -> None:
        """Keep a login for some seconds; the oldest one ends where there are too many."""
        self._kept[login_id] = _Kept(user, record, self._seconds() + ttl)
        own = self._of(user)
        if len(own) > LOGINS_OF_A_USER:
            del self._kept[own[0]]
        if len(self._kept) > MOST_LOGINS:
            self._kept.popitem(last=False)

    async def find(self, login_id: str) -> str | None:
        """Return the record of a login; None where it has ended."""
        kept = self._kept.get(login_id)
        if kept is not None and kept.ends <= self._seconds():
            del self._kept[login_id]
            return None
        return kept.record if kept else None

    async def remove(self, login_id: str) -> bool:
        """End a login; False when there was none."""
        kept = self._kept.pop(login_id, None)
        return kept is not None and kept.ends > self._seconds()

    async def remove_user(self, user: str) -> int:
        """End all logins of a user; returns how many there were."""
        return sum([await self.remove(each) for each in self._of(user)])

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

    def _of(self, user: str) -> list[str]:
        """Return the logins of a user, the oldest first."""
        return [login_id for login_id, kept in self._kept.items() if kept.user == user]

    async def close(self) -> None:
        """Do nothing: there are no connections."""
