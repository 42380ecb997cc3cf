"""The calls to Redis that belong to one operation, none of which is carried out too late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import txredisapi
from twisted.python.failure import Failure

from ..errors import StoreUnavailable
from .scripts import LATE


class Protocol(txredisapi.RedisProtocol):  # type: ignore[misc]
    """Redis's protocol, with text as bytes, which keeps why its connection ended."""

    lost: BaseException | None = None

    def __init__(self) -> None:
        super().__init__(charset=None, convertNumbers=False)

    def connectionLost(self, reason: Failure) -> None:
        """Fail the calls that wait."""
        self.lost = reason.value
        super().connectionLost(reason)


class Conversation:
    """The calls of one operation.

    Args:
        seconds: the clock that the operation's time limit is measured by.
        ends_at: when, on that clock, nobody waits for the operation any more.

    Attributes:
        protocol: the connection, once there is one.
    """

    def __init__(self, seconds: Callable[[], float], ends_at: float) -> None:
        self._seconds = seconds
        self._ends_at = ends_at
        self._deadline: int | None = None
        self.protocol: Protocol | None = None

    async def command(self, *words: str | bytes | int) -> Any:
        """Send one command and return the answer.

        Redis may still execute it after the operation has failed: what changes anything belongs in
        a script.
        """
        assert self.protocol is not None
        return await self.protocol.execute_command(*words)

    async def look(self, script: str, keys: Sequence[str]) -> Any:
        """Run a script that changes nothing, whenever Redis comes to it.

        Its answer begins with the time of Redis's clock, by which later scripts know their limit.
        """
        assert self.protocol is not None
        answer = await self.protocol.eval(script, keys=list(keys))
        self._deadline = self._on_redis_clock(answer[0])
        return answer

    async def script(self, script: str, keys: Sequence[str], *args: str | bytes | int) -> Any:
        """Run a script that changes something; it does nothing when it starts too late.

        Raises:
            StoreUnavailable: it started too late.
        """
        assert self.protocol is not None
        if self._deadline is None:
            self._deadline = await self._redis_deadline()
        answer = await self.protocol.eval(script, keys=list(keys), args=[self._deadline, *args])
        if answer == LATE:
            raise StoreUnavailable("redis began too late, so nothing was done")
        return answer

    async def _redis_deadline(self) -> int:
        seconds, microseconds = map(int, await self.command("TIME"))
        return self._on_redis_clock(seconds * 1000 + microseconds // 1000)

    def _on_redis_clock(self, now: int) -> int:
        """Return the end of this operation in milliseconds of Redis's clock.

        The moment is on the early side by the time that Redis's answer takes to arrive.
        """
        return now + int((self._ends_at - self._seconds()) * 1000)
