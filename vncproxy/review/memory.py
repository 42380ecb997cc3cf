"""Links to recordings in this process, gone when it stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from zope.interface import implementer

from ..interfaces import IReviewLinks
from .limits import LINKS_OF_A_SESSION


@dataclass(frozen=True, slots=True)
class _Link:
    session: str
    record: str
    ends: float
    latest: float


@implementer(IReviewLinks)
class MemoryReviewLinks:
    """Links of one process.

    Args:
        seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._links: dict[str, _Link] = {}

    async def add(
        self, link_id: str, session: str, record: str, ttl: float, longest: float
    ) -> bool:
        """Keep a link; False where its session has too many already."""
        living = self._living()
        if sum(link.session == session for link in living.values()) >= LINKS_OF_A_SESSION:
            return False
        now = self._seconds()
        living[link_id] = _Link(session, record, now + ttl, now + longest)
        return True

    async def use(self, link_ids: Sequence[str], idle: float) -> Sequence[str | None]:
        """Return the records of links; None for one that has ended or was revoked."""
        living, until = self._living(), self._seconds() + idle
        for each in link_ids:
            if (link := living.get(each)) is not None:
                longer = max(link.ends, min(until, link.latest))
                living[each] = replace(link, ends=longer)
        return [living[each].record if each in living else None for each in link_ids]

    async def revoke(self, session: str, link_id: str = "") -> int:
        """End a link of a session, or all of them; returns how many there were."""
        living = self._living()
        ended = [
            each
            for each, link in living.items()
            if link.session == session and link_id in ("", each)
        ]
        for each in ended:
            del living[each]
        return len(ended)

    async def linked(self, sessions: Sequence[str]) -> frozenset[str]:
        """Return those of some sessions that have a link which is good."""
        return frozenset(link.session for link in self._living().values()) & set(sessions)

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _living(self) -> dict[str, _Link]:
        now = self._seconds()
        self._links = {each: link for each, link in self._links.items() if link.ends > now}
        return self._links
