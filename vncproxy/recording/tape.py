"""Collects the events of one session until its archive has written them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from .events import Event, Source

BATCH: Final = 256 * 1024
"""Bytes of events that are written together."""

LONGEST_WAIT: Final = 1.0
"""Seconds after which fewer are written."""

MOST_WAITING: Final = 16 << 20
"""Bytes of events of one session that may wait to be written."""


class Reel(Protocol):
    """Where the events of one session are written, in order."""

    def write(self, events: list[Event]) -> Awaitable[None]:
        """Write events; fires when they are written, and fails with an ``OSError``."""

    def end(self, reason: str, moment: int) -> Awaitable[None]:
        """Write the end, behind all that was to be written; fails with an ``OSError``."""


class Tape:
    """The events of one session; what is added to it is never waited for.

    Args:
        reel: writes them.
        clock: for the moments of events, from now on.
        on_trouble: called once, with a sentence for the log, when events cannot be written as
            fast as they come, or not at all; nothing is recorded any more then.
    """

    def __init__(
        self, reel: Reel, clock: IReactorTime, on_trouble: Callable[[str], object]
    ) -> None:
        self._reel = reel
        self._clock = clock
        self._on_trouble = on_trouble
        self._begun = clock.seconds()
        self._events: list[Event] = []
        self._size = self._waiting = 0
        self._timer: IDelayedCall | None = None
        self.is_running = True

    def add(self, source: Source, data: bytes) -> None:
        """Add what a side has sent."""
        if not self.is_running:
            return
        self._events.append(Event(source, self._moment(), data))
        self._size += len(data)
        if self._waiting + self._size > MOST_WAITING:
            self._stop(f"{self._waiting} bytes wait to be written")
        elif self._size >= BATCH:
            self._write()
        elif self._timer is None:
            self._timer = self._clock.callLater(LONGEST_WAIT, self._write)

    async def end(self, reason: str) -> None:
        """Write what is left, and the end.

        Args:
            reason: the code of the error with which the session ended.

        Raises:
            OSError: it cannot be written.
        """
        moment = self._moment()
        if self.is_running:
            self._write()
        self._halt()
        await self._reel.end(reason, moment)

    def _moment(self) -> int:
        return int((self._clock.seconds() - self._begun) * 1e6)

    def _write(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if not self._events:
            return
        events, size = self._events, self._size
        self._events, self._size = [], 0
        self._waiting += size
        writing = Deferred.fromCoroutine(_awaited(self._reel.write(events)))
        writing.addCallbacks(self._written, self._failed, callbackArgs=(size,))

    def _written(self, _: object, size: int) -> None:
        self._waiting -= size

    def _failed(self, failure: Failure) -> None:
        failure.trap(OSError)
        error: Any = failure.value
        self._stop(error.strerror or str(error))

    def _stop(self, why: str) -> None:
        if self.is_running:
            self._halt()
            self._on_trouble(why)

    def _halt(self) -> None:
        self.is_running = False
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer, self._events, self._size = None, [], 0


async def _awaited(writing: Awaitable[None]) -> None:
    await writing
