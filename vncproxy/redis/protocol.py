"""The calls to Redis that belong to one operation, none of which is carried out too late."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import txredisapi
from twisted.python.failure import Failure

from ..errors import StoreUnavailable

LATE = b"late"
"""What a script answers that found its time limit passed, and did nothing."""

CLOCK_KNOWN = 10.0
"""Seconds for which Redis's clock is known from what it said, so that it is not asked each time."""


class Protocol(txredisapi.RedisProtocol):  # type: ignore[misc]
    """Redis's protocol, with text as bytes, which knows how long its calls have been waiting.

    Answers come in the order of the calls. That of a call which was given up is dropped when it
    comes, so a late answer fails its own call and no other.

    Args:
        seconds: the clock that calls are measured by.

    Attributes:
        lost: why the connection ended, once it has.
        made_at: when it was made.
        operations: how many use it now.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        super().__init__(charset=None, convertNumbers=False)
        self.lost: BaseException | None = None
        self.operations = 0
        self.made_at = self._answered_at = seconds()
        self._seconds = seconds
        self._sent: deque[float] = deque()
        self._scripts: set[str] = set()
        self._redis_clock: tuple[float, int] | None = None

    async def run_script(
        self, script: str, keys: Sequence[str], args: Sequence[str | bytes | int] = ()
    ) -> Any:
        """Run a script; its text is sent once, and then its hash."""
        digest = _sha1(script)
        if digest in self._scripts:
            try:
                return await self.execute_command("EVALSHA", digest, len(keys), *keys, *args)
            except txredisapi.ResponseError as e:
                if "NOSCRIPT" not in str(e):
                    raise
        answer = await self.execute_command("EVAL", script, len(keys), *keys, *args)
        self._scripts.add(digest)
        return answer

    def learn_clock(self, now: int) -> None:
        """Remember what Redis's clock said just before, in milliseconds."""
        self._redis_clock = self._seconds(), now

    def redis_time(self) -> int | None:
        """Return what Redis's clock says now, by what it said lately; None when that is long ago.

        It is on the early side by the time that Redis's answer took to arrive.
        """
        if self._redis_clock is None:
            return None
        since, said = self._seconds() - self._redis_clock[0], self._redis_clock[1]
        return said + int(since * 1000) if since < CLOCK_KNOWN else None

    def execute_command(self, *words: Any, **options: Any) -> Any:
        """Send a command and return a Deferred of its answer."""
        answer = super().execute_command(*words, **options)
        self._sent.append(self._seconds())
        return answer

    def replyReceived(self, reply: Any) -> None:
        """Give an answer to the call that has waited longest.

        One that answers no call, such as "max number of clients reached", would be taken for that
        of the next call: the connection ends.
        """
        if not self._sent:
            self.lost = reply if isinstance(reply, txredisapi.RedisError) else None
            self.transport.abortConnection()
            return
        self._sent.popleft()
        self._answered_at = self._seconds()
        super().replyReceived(reply)

    def connectionLost(self, reason: Failure) -> None:
        """Fail the calls that wait."""
        self.lost = self.lost or reason.value
        super().connectionLost(reason)

    @property
    def unanswered(self) -> int:
        """How many calls have no answer yet, those included that were given up."""
        return len(self._sent)

    def stuck(self, limit: float) -> bool:
        """Tell whether the server has stopped answering, or is too far behind to catch up.

        Args:
            limit: seconds of silence, while a call waits, that are too long; half of the time that
                an answer may be behind its call.
        """
        if not self._sent:
            return False
        now, oldest = self._seconds(), self._sent[0]
        return now - max(oldest, self._answered_at) >= limit or now - oldest >= 2 * limit


@cache
def _sha1(script: str) -> str:
    return hashlib.sha1(script.encode()).hexdigest()  # noqa: S324 as Redis names scripts


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
        answer = await self.protocol.run_script(script, keys)
        self.protocol.learn_clock(answer[0])
        self._deadline = self._on_redis_clock(answer[0])
        return answer

    async def script(self, script: str, keys: Sequence[str], *args: str | bytes | int) -> Any:
        """Run a script that changes something; it does nothing when it starts too late.

        Raises:
            StoreUnavailable: it started too late.
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

    async def _redis_deadline(self, now: int | None = None) -> int:
        """Return the end of this operation on Redis's clock, which is asked for unless known."""
        assert self.protocol is not None
        if now is None:
            seconds, microseconds = map(int, await self.command("TIME"))
            now = seconds * 1000 + microseconds // 1000
            self.protocol.learn_clock(now)
        return self._on_redis_clock(now)

    def _on_redis_clock(self, now: int) -> int:
        """Return the end of this operation in milliseconds of Redis's clock.

        The moment is on the early side by the time that Redis's answer takes to arrive.
        """
        return now + int((self._ends_at - self._seconds()) * 1000)
