"""Redis's protocol on one connection: commands, scripts, and how far behind the server is."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import hiredis
import txredisapi
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..relay.sending import send_at_once

CLOCK_KNOWN = 10.0
"""Seconds for which Redis's time is computed from the last answer that held it."""


class Protocol(txredisapi.RedisProtocol):  # type: ignore[misc]
    """A connection, with text as bytes, that measures how long its calls have been waiting.

    Answers come in the order of the calls. The answer to a call that was given up is dropped when
    it comes, so that it is not taken for the answer to another call.

    Args:
        seconds: the clock that calls are measured by.

    Attributes:
        lost: why the connection ended, once it has.
        made_at: when it was made.
        operations: number of operations that use it now.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        super().__init__(charset=None, convertNumbers=False)
        self.lost: BaseException | None = None
        self.operations = 0
        self.made_at = self._answered_at = seconds()
        self._seconds = seconds
        self._waiting: deque[tuple[float, Deferred[Any]]] = deque()
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

    def set_redis_time(self, now: int) -> None:
        """Remember the time of Redis's clock, in milliseconds, from an answer that just came."""
        self._redis_clock = self._seconds(), now

    def redis_time(self) -> int | None:
        """Return the present time of Redis's clock; None when it was not seen for `CLOCK_KNOWN`.

        It is early by the time that Redis's answer took to arrive.
        """
        if self._redis_clock is None:
            return None
        since, then = self._seconds() - self._redis_clock[0], self._redis_clock[1]
        return then + int(since * 1000) if since < CLOCK_KNOWN else None

    def execute_command(self, *words: str | bytes | int, **options: Any) -> Deferred[Any]:
        """Send a command and return a Deferred of its answer.

        Much of the time of opening a session would go to txredisapi's own way of doing this.
        """
        if not self.connected:
            raise txredisapi.ConnectionError("Not connected")
        send_at_once(self.transport, hiredis.pack_command(words))  # type: ignore[arg-type] # of any length
        answer: Deferred[Any] = Deferred()
        self._waiting.append((self._seconds(), answer))
        return answer

    def replyReceived(self, reply: Any) -> None:
        """Give an answer to the call that has waited longest.

        An answer to no call, such as "max number of clients reached", would be taken for that of
        the next call, so the connection ends.
        """
        if not self._waiting:
            self.lost = reply if isinstance(reply, txredisapi.RedisError) else None
            self.transport.abortConnection()
            return
        _, answer = self._waiting.popleft()
        self._answered_at = self._seconds()
        answer.callback(Failure(reply) if isinstance(reply, Exception) else reply)

    def connectionLost(self, reason: Failure) -> None:
        """Fail the calls that wait."""
        self.lost = self.lost or reason.value
        super().connectionLost(reason)
        while self._waiting:
            self.replyReceived(txredisapi.ConnectionError("Lost connection"))

    @property
    def unanswered(self) -> int:
        """Number of calls without an answer, those included that were given up."""
        return len(self._waiting)

    def stuck(self, limit: float) -> bool:
        """Tell whether the server has stopped answering, or is too far behind to catch up.

        Args:
            limit: seconds of silence, while a call waits, that are too long; half of the time that
                an answer may be behind its call.
        """
        if not self._waiting:
            return False
        now, oldest = self._seconds(), self._waiting[0][0]
        return now - max(oldest, self._answered_at) >= limit or now - oldest >= 2 * limit


@cache
def _sha1(script: str) -> str:
    return hashlib.sha1(script.encode()).hexdigest()  # noqa: S324 as Redis names scripts
