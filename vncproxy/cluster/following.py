"""Reads the stream of orders, and tells whether this process may have missed any.

A message on the channel only says that there is something to read: after each interruption, and at
each heartbeat, the stream is read from the last order that is known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import StoreUnavailable, VNCProxyError
from ..redis.link import Operation, RedisLink
from . import scripts
from .keys import ClusterKeys

POLL = 1.0
"""Seconds between two reads while no messages arrive."""

FRESH = 3.0
"""Seconds for which a read counts while no messages arrive."""

AT_ONCE = 100
"""Orders that are read by one call."""

Take = Callable[[str, bytes], Awaitable[None]]
"""Takes the id and the JSON of an entry; it must not fail."""

NONE = "0-0"
"""The id of the last order in a stream that never had one."""


class OrderStream:
    """Reads orders, each once and in their order.

    It begins with those that were given since this object was made: Redis's own clock says which.

    Args:
        link: the connection for calls.
        keys: the names of keys.
        take: takes each order.
        on_gap: is called when orders may have been lost, before the ones that follow.
        reactor: a clock.

    Attributes:
        gaps: how many times orders may have been lost.
    """

    log = Logger()

    def __init__(
        self,
        link: RedisLink,
        keys: ClusterKeys,
        take: Take,
        on_gap: Callable[[], Awaitable[None]],
        reactor: Any,
    ) -> None:
        self.gaps = 0
        self._link = link
        self._keys = keys
        self._take = take
        self._on_gap = on_gap
        self._reactor = reactor
        self._known = ""
        self._is_entry = False
        self._began = reactor.seconds()
        self._read_at: float | None = self._began
        self._subscriptions = 0
        self._subscribed = False
        self._complete = 0
        self._again = False
        self._woken: Deferred[None] | None = None
        self._reading: Deferred[None] | None = None

    def start(self) -> None:
        """Begin to read: in intervals, until `subscribed` is called.

        Sessions may begin at once: orders that were given before this concern none of them.
        """
        self._read_at = self._reactor.seconds()
        self._reading = Deferred.fromCoroutine(self._run())
        self._reading.addErrback(self._failed)

    def stop(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()

    @property
    def _is_current(self) -> bool:
        """Whether messages arrive, and everything before them was read."""
        return self._subscribed and self._complete == self._subscriptions

    def refusal(self) -> VNCProxyError | None:
        """Return why no session may begin now: orders may have been missed; None when it may."""
        if self._is_current:
            return None
        if self._read_at is not None and self._reactor.seconds() - self._read_at < FRESH:
            return None
        return StoreUnavailable("what other proxies order to end was not read since redis was away")

    def subscribed(self) -> None:
        """Note that messages arrive from now on; earlier ones may be missing."""
        self._subscriptions += 1
        self._subscribed = True
        self.read()

    def interrupted(self) -> None:
        """Note that no messages arrive; the stream is read in intervals until they do."""
        self._subscribed, self._read_at = False, None
        self.read()

    def read(self) -> None:
        """Read what is new, now or after the read that is under way."""
        self._again = True
        if self._woken is not None:
            woken, self._woken = self._woken, None
            woken.callback(None)

    async def _run(self) -> None:
        while True:
            self._again = False
            await self._read_all()
            if not self._again:
                await self._wait()

    async def _wait(self) -> None:
        """Wait until there may be something to read."""
        woken: Deferred[None] = Deferred()
        self._woken = woken
        timer = None if self._is_current else self._reactor.callLater(POLL, self.read)
        try:
            await woken
        finally:
            self._woken = None
            if timer is not None and timer.active():
                timer.cancel()

    async def _read_all(self) -> None:
        """Take all orders that are new."""
        try:
            more = True
            while more:
                began, subscriptions = self._reactor.seconds(), self._subscriptions
                more = await self._read_some()
        except StoreUnavailable:  # the link has logged it
            self._read_at, self._complete = None, 0
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 a defect must not end reading
            self.log.failure("an order could not be carried out")
        else:
            self._read_at, self._complete = began, subscriptions

    async def _read_some(self) -> bool:
        """Take the next orders; returns whether there may be more."""
        now, last, lines = await self._link.run(self._ask, "read_orders")
        if not self._known:
            self._known = self._beginning(now, last.decode())
            return True
        if self._is_entry and _number(last.decode()) < _number(self._known):
            await self._go_on_at(last.decode())
            return True
        entries = lines.split(b"\n") if lines else []
        for entry in entries:
            await self._take_entry(entry)
        return len(entries) >= AT_ONCE

    def _beginning(self, now: int, last: str) -> str:
        """Return the id after which orders concern this process.

        Args:
            now: the time of Redis's clock, which may have been set back since the ``last`` order.
        """
        if _number(last)[0] > now:
            return last
        since = self._reactor.seconds() - self._began
        return f"{now - int(since * 1000) - 1}-0"

    async def _ask(self, redis: Operation) -> Any:
        keys, known = [self._keys.orders], self._known or "$"
        return await redis.query(scripts.READ_ORDERS, keys, known, AT_ONCE)

    async def _take_entry(self, entry: bytes) -> None:
        id_, after, order = entry.split(b" ", 2)
        if after != b"-" and self._misses(self._known, after.decode()):
            await self._report_gap()
        await self._take(id_.decode(), order)
        self._known, self._is_entry = id_.decode(), True

    def _misses(self, known: str, after: str) -> bool:
        """Tell whether there was an order between the last known one and the one before this."""
        return after != known if self._is_entry else _number(after) > _number(known)

    async def _go_on_at(self, last: str) -> None:
        """Go on where the stream ends, which has lost its last orders, or all."""
        await self._report_gap()
        self._known, self._is_entry = last, last != NONE

    async def _report_gap(self) -> None:
        self.gaps += 1
        self.log.warn("orders of other proxies are missing in redis: revoked tokens are looked up")
        await self._on_gap()

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("orders are not read any more", failure)


def _number(id_: str) -> tuple[int, int]:
    """Return an id of the stream as numbers."""
    milliseconds, _, sequence = id_.partition("-")
    return int(milliseconds), int(sequence or 0)
