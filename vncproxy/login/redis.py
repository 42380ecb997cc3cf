"""Logins in Redis, for many proxies; ``docs/redis.md`` describes the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from ..config.redis import RedisSettings
from ..interfaces import ILoginStore
from ..model import secret_id
from ..redis.endpoint import IPrimary
from ..redis.link import OnOperation, RedisLink
from ..redis.outage import OutageLog
from . import scripts


@implementer(ILoginStore)
class RedisLogins:
    """Logins of many proxies; it connects at the first call, and Redis's clock counts.

    Args:
        primary: knows which server is the primary; what the settings say unless it is given.
        outage: of another connection to the same Redis, so that an outage is logged once.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """

    def __init__(
        self,
        reactor: Any,
        settings: RedisSettings,
        primary: IPrimary | None = None,
        on_operation: OnOperation = lambda name, seconds, failed: None,
        outage: OutageLog | None = None,
    ) -> None:
        self._link = RedisLink(reactor, settings, primary, on_operation, outage)
        self._prefix = settings.prefix

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

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    async def _run(self, script: str, keys: Sequence[str], *args: str | int) -> str:
        answer = await self._link.run(lambda redis: redis.change(script, keys, *args), "login")
        return answer.decode() if isinstance(answer, bytes) else str(answer)

    def _of(self, user: str) -> str:
        return f"{self._prefix}logins:{secret_id(user)}"

    def _key(self, login_id: str) -> str:
        return f"{self._prefix}login:{login_id}"
