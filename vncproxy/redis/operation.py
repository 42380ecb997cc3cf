"""The calls of one operation, all of which end at its time limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import StoreUnavailable
from .protocol import Protocol
from .replicas import Replicas

LATE = b"late"
"""The answer of a script that began after its deadline, and did nothing."""


class Operation:
    """The calls of one operation.

    Args:
        seconds: the clock that the operation's time limit is measured by.
        ends_at: when, on that clock, the operation has failed for its caller.

    Attributes:
        protocol: the connection, once there is one.
        replicas: of the server at the other end of it.
    """

    def __init__(self, seconds: Callable[[], float], ends_at: float) -> None:
        self._seconds = seconds
        self._ends_at = ends_at
        self._deadline: int | None = None
        self.protocol: Protocol | None = None
        self.replicas: Replicas | None = None

    async def command(self, *words: str | bytes | int) -> Any:
        """Send one command and return the answer.

        Redis may still execute it after the operation has failed, so every change belongs in a
        script.
        """
        assert self.protocol is not None
        return await self.protocol.execute_command(*words)

    async def query(self, script: str, keys: Sequence[str], *args: str | bytes | int) -> Any:
        """Run a script that changes nothing, at whatever time Redis begins it.

        Its answer begins with the time of Redis's clock, from which the deadline of the scripts
        that follow is computed.
        """
        assert self.protocol is not None
        answer = await self.protocol.run_script(script, keys, args)
        self.protocol.set_redis_time(answer[0])
        self._deadline = self._on_redis_clock(answer[0])
        return answer

    async def change(self, script: str, keys: Sequence[str], *args: str | bytes | int) -> Any:
        """Run a script that changes something, and that does nothing when it begins too late.

        Raises:
            StoreUnavailable: it began too late.
        """
        assert self.protocol is not None
        supposed = None
        if self._deadline is None:
            supposed = self.protocol.redis_time()
            self._deadline = await self._redis_deadline(supposed)
        answer = await self.protocol.run_script(script, keys, (self._deadline, *args))
        if answer == LATE and supposed is not None:  # was Redis's clock set?
            self._deadline = await self._redis_deadline()
            answer = await self.protocol.run_script(script, keys, (self._deadline, *args))
        if answer == LATE:
            raise StoreUnavailable("redis began too late, so nothing was done")
        return answer

    async def replicate(self) -> None:
        """Wait until as many replicas as are configured have what this operation has changed.

        Raises:
            StoreUnavailable: they have not within the time for it; the primary has it.
        """
        if self.replicas is not None:
            await self.replicas.wait()

    async def redis_time(self) -> int:
        """Return the time of Redis's clock in milliseconds, read if it was not seen lately."""
        assert self.protocol is not None
        known = self.protocol.redis_time()
        return await self._read_time() if known is None else known

    async def _redis_deadline(self, now: int | None = None) -> int:
        """Return the end of this operation on Redis's clock, which is read if need be."""
        return self._on_redis_clock(await self._read_time() if now is None else now)

    async def _read_time(self) -> int:
        assert self.protocol is not None
        seconds, microseconds = map(int, await self.command("TIME"))
        now = seconds * 1000 + microseconds // 1000
        self.protocol.set_redis_time(now)
        return now

    def _on_redis_clock(self, now: int) -> int:
        """Return the end of this operation in milliseconds of Redis's clock.

        It is early by the time that Redis's answer took to arrive.
        """
        return now + int((self._ends_at - self._seconds()) * 1000)
