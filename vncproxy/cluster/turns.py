"""What one process of the cluster does at a time: it has the turn until it is renewed no more."""

from __future__ import annotations

from typing import Final

from ..redis.link import RedisLink
from ..redis.lua import PRELUDE
from .keys import ClusterKeys

_TAKE: Final = (
    PRELUDE
    + """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
)

_GIVE_BACK: Final = (
    PRELUDE
    + """
if redis.call('GET', KEYS[1]) == ARGV[2] then redis.call('DEL', KEYS[1]) end
return 1
"""
)


class Turns:
    """Turns of one process.

    Args:
        worker_id: of this process.
    """

    def __init__(self, link: RedisLink, keys: ClusterKeys, worker_id: str) -> None:
        self._link = link
        self._keys = keys
        self._worker_id = worker_id

    async def take(self, what: str, seconds: float) -> bool:
        """Take a turn, or keep it; returns whether no other process has it.

        Args:
            seconds: for which it is kept.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        keys, args = [self._keys.turn(what)], (self._worker_id, int(seconds * 1000))
        return bool(await self._link.run(lambda redis: redis.change(_TAKE, keys, *args), "turn"))

    async def give_back(self, what: str) -> None:
        """End this process's turn, where it has it.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        keys, args = [self._keys.turn(what)], (self._worker_id,)
        await self._link.run(lambda redis: redis.change(_GIVE_BACK, keys, *args), "turn")
