"""Collects the events of one session until its archive has written them."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from .batch import SMALLEST, Batch
from .events import HEAD, Source

BATCH: Final = 1 << 20
"""Bytes of events that are written together."""

LONGEST_WAIT: Final = 0.5
"""Seconds after which fewer are written."""

LONGEST_UNWRITTEN: Final = 10.0
"""Seconds that an event may wait for the disk."""

MOST_WAITING: Final = 16 << 20
"""Bytes of events of one session that may wait to be written."""

MOST_OF_ALL: Final = 256 << 20
"""Bytes of events of all sessions that may."""

MOST_SPARE: Final = 4
"""Pieces of memory for whole batches that are kept for the next ones."""

log = Logger()


class Room:
    """The memory that the events of all sessions share until they are written.

    Attributes:
        taken: bytes of events.
    """

    def __init__(self, most: int = MOST_OF_ALL) -> None:
        self.taken = 0
        self._most = most
        self._spare: list[bytearray] = []

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing more may wait."""
        return self.taken > self._most

    def begin_batch(self, size: int) -> Batch:
        """Return a batch with memory for about so many bytes: new memory costs page faults."""
        if size <= BATCH // 2:
            return Batch(bytearray(max(SMALLEST, size)))
        return Batch(self._spare.pop() if self._spare else bytearray(BATCH))

    def give_back(self, batch: Batch) -> None:
        """Keep the memory of a batch that was written."""
        if len(batch.space) == BATCH and len(self._spare) < MOST_SPARE:
            self._spare.append(batch.space)


class Reel(Protocol):
    """Where the events of one session are written, in order."""

    def write(self, batch: Batch) -> Awaitable[None]:
        """Write events; fires when they are written, and fails with any error."""

    def end(self, reason: str, moment: int) -> Awaitable[None]:
        """Write the end, behind all that was to be written; fails with any error."""


class Tape:
    """The events of one session; what is added to it is never waited for.

    Args:
        reel: writes them.
        clock: for the moments of events, from now on.
        on_trouble: called once, with a sentence for the log, when events cannot be written as
            fast as they come, or not at all; nothing is recorded any more then.
        room: what the tapes of all sessions share.
    """

    def __init__(
        self, reel: Reel, clock: IReactorTime, on_trouble: Callable[[str], object], room: Room
    ) -> None:
        self._reel = reel
        self._clock = clock
        self._on_trouble = on_trouble
        self._room = room
        self._begun = clock.seconds()
        self._batch: Batch | None = None
        self._usual = self._waiting = self._last = 0
        self._timer: IDelayedCall | None = None
        self._handed: deque[float] = deque()
        self._look_timer: IDelayedCall | None = None
        self._is_late = False
        self._first: Deferred[None] = Deferred()
        self.is_running = True

    def add(self, source: Source, data: bytes | memoryview, seconds: float | None = None) -> bool:
        """Add what a side has sent.

        Args:
            data: valid until this returns.
            seconds: when it came, by the clock; None for now.

        Returns:
            Whether a timer was set, or writing has begun.
        """
        if not self.is_running:
            return False
        batch, size = self._batch, HEAD.size + len(data)
        is_due = batch is not None and batch.size + size > BATCH
        if is_due:
            self._write()
        if batch is None or is_due:
            self._batch = batch = self._room.begin_batch(self._usual)
        batch.add(source, self._moment(seconds), data)
        self._room.taken += size
        return self._look_at_size(batch.size) or is_due

    def _look_at_size(self, size: int) -> bool:
        """Stop, write, or set a timer for it; returns whether one of these was to be done."""
        if self._waiting + size > MOST_WAITING:
            self._stop(f"{self._waiting + size} bytes wait to be written")
        elif self._room.is_exhausted:
            self._stop(f"{self._room.taken} bytes of all sessions wait to be written")
        elif size >= BATCH:
            self._write()
        elif self._timer is None:
            self._timer = self._clock.callLater(LONGEST_WAIT, self._write_in_time)
        else:
            return False
        return True

    def begin(self) -> Deferred[None]:
        """Write what there is at once; fires when that is written, or nothing will be.

        It is called once, and may be cancelled.
        """
        if self.is_running:
            self._write()
        return self._first

    async def end(self, reason: str) -> None:
        """Write what is left, and the end.

        Args:
            reason: the code of the error with which the session ended.

        Raises:
            Exception: it cannot be written.
        """
        moment = self._moment(None)
        if self.is_running:
            self._write()
        self._halt()
        await self._reel.end(reason, moment)

    def _moment(self, seconds: float | None) -> int:
        """Return a moment in microseconds, not before the one of the last event."""
        if seconds is None:
            seconds = self._clock.seconds()
        moment = int((seconds - self._begun) * 1e6)
        if moment > self._last:
            self._last = moment
        return self._last

    def _write_in_time(self) -> None:
        self._timer = None
        self._write()

    def _write(self) -> None:
        """Write what there is; the timer goes on, for what comes until then."""
        batch, self._batch = self._batch, None
        if batch is None:
            return
        self._usual = batch.size
        self._waiting += batch.size
        self._handed.append(self._clock.seconds())
        if self._look_timer is None:
            self._look_timer = self._clock.callLater(LONGEST_UNWRITTEN, self._look)
        writing = Deferred.fromCoroutine(_awaited(self._reel.write(batch)))
        writing.addBoth(self._settle, batch)
        writing.addCallbacks(self._written, self._failed)

    def _settle(self, result: object, batch: Batch) -> object:
        """Give the memory of a batch back, whatever became of it."""
        self._waiting -= batch.size
        self._room.taken -= batch.size
        self._room.give_back(batch)
        self._handed.popleft()
        if not self._handed:
            self._is_late = False
        return result

    def _written(self, _: object) -> None:
        self._fire_first()

    def _failed(self, failure: Failure) -> None:
        self._stop(trouble_of(failure))

    def _look(self) -> None:
        """Look for events that wait too long, twice: this process may have been stopped itself."""
        self._look_timer = None
        if not self.is_running or not self._handed:
            return
        age = self._clock.seconds() - self._handed[0]
        if self._is_late and age >= LONGEST_UNWRITTEN:
            self._stop(f"what passed {age:.0f} s ago is not written")
            return
        self._is_late = age >= LONGEST_UNWRITTEN
        again = LONGEST_WAIT if self._is_late else LONGEST_UNWRITTEN - age
        self._look_timer = self._clock.callLater(again, self._look)

    def _stop(self, why: str) -> None:
        if self.is_running:
            self._halt()
            self._on_trouble(why)
            self._fire_first()

    def _halt(self) -> None:
        self.is_running = False
        _cancel(self._timer)
        self._timer = None
        _cancel(self._look_timer)
        self._look_timer = None
        if self._batch is not None:
            self._room.taken -= self._batch.size
            self._batch = None

    def _fire_first(self) -> None:
        if not self._first.called:
            self._first.callback(None)


def trouble_of(failure: Failure) -> str:
    """Return what is wrong, for audit lines; the log has the whole of what is no fault of disks."""
    error = failure.value
    if isinstance(error, CancelledError):
        return "it was not written in time"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    log.failure("a recording cannot be written", failure)
    return f"{type(error).__name__}: {error}"


def _cancel(timer: IDelayedCall | None) -> None:
    if timer is not None and timer.active():
        timer.cancel()


async def _awaited(writing: Awaitable[None]) -> None:
    await writing
