"""The sessions of a machine in all processes that share a Redis."""

from __future__ import annotations

from zope.interface import implementer

from ..cluster.keys import ClusterKeys
from ..interfaces import IMachineSessions
from ..model import VMAddress
from ..redis.link import RedisLink
from . import scripts


@implementer(IMachineSessions)
class RedisMachineSessions:
    """The sessions of all processes, as the sets ``live:*`` have them.

    Args:
        link: the connection for calls.
        keys: the names of keys.
    """

    def __init__(self, link: RedisLink, keys: ClusterKeys) -> None:
        self._link = link
        self._keys = keys

    async def has(self, vm: VMAddress, session_id: str) -> bool:
        """Tell whether a machine has a live session with an id, one that has joined none."""
        keys, workers = [self._keys.live(f"vm:{vm}")], self._keys.announcements
        found = await self._link.run(
            lambda redis: redis.change(scripts.HAS, keys, session_id, workers), "find_session"
        )
        return bool(found)
