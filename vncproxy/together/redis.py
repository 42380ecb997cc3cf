"""The sessions of a machine in all processes that share a Redis."""

from __future__ import annotations

import json

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

    async def find(self, vm: VMAddress, session_id: str, *, joined: bool = False) -> str:
        """Return the name of a live session."""
        sets = self._sets(vm)[: 2 if joined else 1]
        return await self._change(scripts.FIND, sets, "find_session", session_id)

    async def drive(self, vm: VMAddress, name: str, *, wants: bool) -> str:
        """Return the driver of a machine; where there is none, the session that wants to be it."""
        keys = [self._keys.driver(vm), *self._sets(vm)]
        return await self._change(scripts.DRIVE, keys, "drive", str(vm), name, int(wants))

    async def give(self, vm: VMAddress, name: str, other: str) -> str:
        """Let the driver hand a machine over."""
        keys = [self._keys.driver(vm), *self._sets(vm)]
        return await self._change(scripts.GIVE, keys, "drive", str(vm), name, other)

    async def announce(self, vm: VMAddress, name: str) -> None:
        """Let all processes know that a session enters a machine, as by its redemption."""
        notice = json.dumps({"v": 1, "event": "entered", "vm": str(vm), "session": name})
        await self._link.run(
            lambda redis: redis.command("PUBLISH", self._keys.machines, notice), "drive"
        )

    async def tell(self, name: str, message: str) -> bool:
        """Send a message to the process of a session."""
        channel = self._keys.acks(name.partition("/")[0])
        receivers = await self._link.run(
            lambda redis: redis.command("PUBLISH", channel, message), "drive"
        )
        return bool(receivers)

    def _sets(self, vm: VMAddress) -> list[str]:
        return [self._keys.live(f"vm:{vm}"), self._keys.live(f"joined:{vm}")]

    async def _change(self, script: str, keys: list[str], name: str, *args: str | int) -> str:
        prefix = self._keys.prefix
        answer: bytes = await self._link.run(
            lambda redis: redis.change(script, keys, prefix, *args), name
        )
        return answer.decode()
