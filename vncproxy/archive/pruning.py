"""Deletes recordings that are kept no longer, where nothing speaks against it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from twisted.logger import Logger

from .keeping import Expired, Rule, Sorting
from .library import CannotRead, Description, Library, NoRecording, StillRecorded

T = TypeVar("T")

GRACE: Final = 3600.0
"""Seconds for which a recording was too old before it is deleted, by a clock that did not jump."""

JUMP: Final = 60.0
"""Seconds by which the wall clock may differ from a steady one between two looks."""

BATCH: Final = 100
"""Recordings whose links are looked up at once."""

EVENT: Final = "recording-pruned"

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
Linked = Callable[[Sequence[str]], Awaitable[frozenset[str]]]
Note = Callable[[str, Mapping[str, object]], object]


class Pruner:
    """Deletes recordings by rules.

    A recording that is too old is deleted when it still is after `GRACE`, so that a clock that
    jumps for a moment, or is set after the start, deletes nothing. Those beyond a number of bytes
    go at once.

    Args:
        in_thread: calls a function that blocks.
        linked: returns those of some sessions whose recordings are watched, or may be: those with
            links that are good.
        note: writes an audit line.
        now: wall-clock time, in seconds since 1970.
        seconds: a monotonic clock.

    Attributes:
        pruned: how many were deleted, by the reason.
        failures: how many could not be.
    """

    log = Logger()

    def __init__(
        self,
        library: Library,
        in_thread: InThread,
        linked: Linked,
        note: Note,
        now: Callable[[], float],
        seconds: Callable[[], float],
    ) -> None:
        self.pruned: dict[str, int] = {"age": 0, "size": 0}
        self.failures = 0
        self._library = library
        self._in_thread = in_thread
        self._linked = linked
        self._note = note
        self._now = now
        self._seconds = seconds
        self._sorting = Sorting()
        self._too_old_since: dict[str, float] = {}
        self._told: set[str] = set()
        self._offset: float | None = None

    async def prune(self, rules: Sequence[Rule]) -> None:
        """Delete what is kept no longer.

        Raises:
            CannotRead: the storage does not answer.
            StoreUnavailable: it is not known which recordings are watched.
        """
        self._notice_jumps()
        now = self._now()
        found = await self._in_thread(
            lambda: self._sorting.expired(self._library, rules, now) if rules else []
        )
        self._told &= {each.entry.name for each in found}
        due = self._due(found)
        for batch in _batches(due):
            linked = await self._linked([each.entry.session for each in batch])
            for each in batch:
                if each.entry.session not in linked:
                    await self._delete(each)

    def _notice_jumps(self) -> None:
        """Begin to wait anew where the wall clock was set."""
        offset = self._now() - self._seconds()
        before, self._offset = self._offset, offset
        if before is not None and abs(offset - before) > JUMP:
            self._too_old_since.clear()
            text = "the clock was set by {jump:.0f} s: recordings that are too old stay for an hour"
            self.log.warn(text, jump=offset - before)

    def _due(self, found: Sequence[Expired]) -> list[Expired]:
        now, before = self._seconds(), self._too_old_since
        too_old = [each.entry.name for each in found if each.why == "age"]
        self._too_old_since = since = {name: before.get(name, now) for name in too_old}
        return [e for e in found if e.why == "size" or now - since[e.entry.name] >= GRACE]

    async def _delete(self, expired: Expired) -> None:
        try:
            described = await self._in_thread(lambda: self._delete_now(expired))
        except (StillRecorded, NoRecording):
            return  # its session goes on, or another proxy was faster
        except CannotRead as e:
            self._failed(expired.entry.name, str(e))
            return
        self.pruned[expired.why] += 1
        self._note(EVENT, _line(expired, described))

    def _failed(self, name: str, why: str) -> None:
        self.failures += 1
        if name not in self._told:
            self._told.add(name)
            text = "{file} is kept no longer, and cannot be deleted: {why}"
            self.log.warn(text, file=name, why=why)

    def _delete_now(self, expired: Expired) -> Description:
        described = self._library.describe(expired.entry)
        self._library.delete(expired.entry)
        return described


def _line(expired: Expired, described: Description) -> dict[str, object]:
    about, entry = described.about, expired.entry
    return {
        "session": entry.session,
        "vm": about.vm,
        "user": about.user or None,
        "file": entry.name,
        "bytes": entry.size + entry.index_size,
        "why": expired.why,
        "rule": expired.rule,
    }


def _batches(found: Sequence[Expired]) -> Iterator[Sequence[Expired]]:
    for at in range(0, len(found), BATCH):
        yield found[at : at + BATCH]
