"""Logins in Redis, for many proxies; ``docs/redis.md`` describes the keys."""

from __future__ import annotations

from collections.abc import Sequence

from zope.interface import implementer

from ..interfaces import ILoginStore
from ..model import secret_id
from ..redis.store import RedisStore
from . import scripts


@implementer(ILoginStore)
class RedisLogins(RedisStore):
    """Logins of many proxies."""

    async def add(self, login_id: str, user: str, record: str, ttl: float) -> None:
        """Keep a login for some seconds; the user's oldest one ends where there are too many."""
        keys, lasts = [self._key(login_id), self._of(user)], max(1, int(ttl * 1000))
        await self._run(scripts.ADD, keys, record, lasts, login_id, self._key(""))

    async def find(self, login_id: str) -> str | None:
        """Return the record of a login; None where it has ended."""
        words = "GET", self._key(login_id)
        found: bytes | None = await self._link.run(lambda redis: redis.command(*words), "login")
        return None if found is None else found.decode()

    async def remove(self, login_id: str) -> bool:
        """End a login; False when there was none."""
        return await self._run(scripts.REMOVE, [self._key(login_id)]) == "1"

    async def remove_user(self, user: str) -> int:
        """End all logins of a user; returns how many there were."""
        return int(await self._run(scripts.REMOVE_USER, [self._of(user)], self._key("")))

    async def first(self, name: str, ttl: float) -> bool:
        """Tell whether a name is given for the first time, within some seconds."""
        key = f"{self._prefix}login:once:{name}"
        return await self._run(scripts.FIRST, [key], max(1, int(ttl * 1000))) == "1"

    async def _run(self, script: str, keys: Sequence[str], *args: str | int) -> str:
        answer = await self._link.run(lambda redis: redis.change(script, keys, *args), "login")
        return answer.decode() if isinstance(answer, bytes) else str(answer)

    def _of(self, user: str) -> str:
        return f"{self._prefix}logins:{secret_id(user)}"

    def _key(self, login_id: str) -> str:
        return f"{self._prefix}login:{login_id}"
