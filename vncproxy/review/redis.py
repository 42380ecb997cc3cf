"""Links to recordings in Redis, for many proxies; ``docs/redis.md`` describes the keys."""

from __future__ import annotations

from collections.abc import Sequence

from zope.interface import implementer

from ..interfaces import IReviewLinks
from ..redis.store import RedisStore
from . import scripts


@implementer(IReviewLinks)
class RedisReviewLinks(RedisStore):
    """Links of many proxies."""

    async def add(
        self, link_id: str, session: str, record: str, ttl: float, longest: float
    ) -> bool:
        """Keep a link; False where its session has too many already."""
        keys = [self._key(link_id), self._of(session)]
        times = max(1, int(ttl * 1000)), max(1, int(longest * 1000))
        return await self._run(scripts.ADD, keys, link_id, record, *times, self._key("")) == "added"

    async def use(self, link_ids: Sequence[str], idle: float) -> Sequence[str | None]:
        """Return the records of links; None for one that has ended or was revoked."""
        if not link_ids:
            return []
        text = await self._run(scripts.USE, [*map(self._key, link_ids)], int(idle * 1000))
        return [line or None for line in text.split("\n")]

    async def revoke(self, session: str, link_id: str = "") -> int:
        """End a link of a session, or all of them; returns how many there were."""
        keys = [self._of(session)]
        return int(await self._run(scripts.REVOKE, keys, link_id, self._key("")))

    async def linked(self, sessions: Sequence[str]) -> frozenset[str]:
        """Return those of some sessions that have a link which is good."""
        if not sessions:
            return frozenset()
        digits = await self._run(scripts.LINKED, [*map(self._of, sessions)], self._key(""))
        return frozenset(each for each, digit in zip(sessions, digits, strict=True) if digit == "1")

    async def _run(self, script: str, keys: Sequence[str], *args: str | int) -> str:
        answer = await self._link.run(lambda redis: redis.change(script, keys, *args), "review")
        return answer.decode() if isinstance(answer, bytes) else str(answer)

    def _key(self, link_id: str) -> str:
        return f"{self._prefix}review:{link_id}"

    def _of(self, session: str) -> str:
        return f"{self._prefix}reviews:{session}"
