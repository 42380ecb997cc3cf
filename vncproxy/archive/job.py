"""One recording on its way from a spool to a bucket: its card, its bytes, its index, its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from .bucket import Bucket
from .cards import card_name, pointer_name, write_card
from .library import CannotRead, Description, Entry, NoRecording, State, index_name
from .spool import Progress, Spool, is_growing
from .upload import PART, Upload

RENEWED_AFTER: Final = 6 * 3600.0
"""Seconds after which the card of a recording that grows is written again."""

KEPT_FOR_INDEX: Final = 900.0
"""Seconds for which a recording stays in the spool, so that its index can be made of it."""


class Job:
    """A recording of a spool, until the bucket has it and the spool does not.

    Args:
        count: is called with the bytes that the bucket has taken.
        seconds: a monotonic clock.

    Attributes:
        entry: as the spool was last seen to have it.
        is_complete: whether the bucket has all of it.
    """

    def __init__(
        self,
        bucket: Bucket,
        spool: Spool,
        entry: Entry,
        count: Callable[[int], object] = lambda size: None,
        seconds: Callable[[], float] = time.monotonic,
        part_size: int = PART,
    ) -> None:
        self.entry = entry
        self.is_complete = spool.progress(entry).is_complete
        self._bucket = bucket
        self._spool = spool
        self._seconds = seconds
        self._upload = Upload(bucket, spool, entry, count, part_size)
        self._card_written_at: float | None = None
        self._complete_since = seconds()
        self._is_sealed = False

    @property
    def waiting(self) -> int:
        """Bytes that the bucket does not have."""
        return 0 if self.is_complete else max(0, self.entry.size - self._upload.sent)

    @property
    def is_waiting(self) -> bool:
        """Whether the session has ended, and the bucket does not have all of it."""
        return not self.is_complete and not self._is_growing()

    def advance(self, has_time: Callable[[], bool] = lambda: True) -> None:
        """Do what can be done now.

        Raises:
            CannotRead: the bucket does not take it, or it is no recording.
            NoRecording: it is gone from the spool.
        """
        if self.is_complete:
            self._send_index()
            return
        try:
            self._write_card()
            is_there = self._upload.advance(has_time)
        except NoRecording as e:
            if self._spool.has(self.entry):
                raise CannotRead(f"{self.entry.name}: its file or its object changes") from e
            self._upload.abandon()
            self._take_back()
            raise
        if is_there:
            self._finish()

    def _finish(self) -> None:
        """Write down that the bucket has all; a recording that was deleted meanwhile goes there."""
        if self._spool.has(self.entry):
            with suppress(NoRecording):
                self._write_card(is_last=True)
        if not self._spool.has(self.entry):
            self._take_back()
            raise NoRecording(self.entry.name)
        self._spool.remember(self.entry, Progress(is_complete=True))
        self.is_complete, self._complete_since = True, self._seconds()
        self._send_index()

    def leave(self, needs_room: bool) -> bool:
        """Remove it from the spool where it is of no more use there; returns whether it was."""
        if not self.is_complete or self.entry.index_size:
            return False
        kept = self._seconds() - self._complete_since
        if not (needs_room or self._is_sealed or kept >= KEPT_FOR_INDEX):
            return False
        self._spool.remove(self.entry)
        return True

    def _is_growing(self) -> bool:
        try:
            with self._spool.open(self.entry) as file:
                return is_growing(file)
        except (NoRecording, CannotRead):
            return False

    def _send_index(self) -> None:
        index = self._spool.library.open_index(self.entry)
        if index is None:
            return
        with index:
            self._bucket.put_file(index_name(self.entry.name), index)
        if self._spool.has(self.entry):
            self._spool.remove(self.entry)
        else:
            self._take_back()
        raise NoRecording(self.entry.name)

    def _write_card(self, is_last: bool = False) -> None:
        now, written = self._seconds(), self._card_written_at
        if not is_last and written is not None and now - written < RENEWED_AFTER:
            return
        described = self._described()
        if not is_last:
            self._bucket.put(pointer_name(self.entry.session), self.entry.name.encode())
            described = replace(described, state=State.RECORDING, reason="")
        self._bucket.put(card_name(self.entry.name), write_card(self.entry.name, described))
        self._card_written_at = now

    def _described(self) -> Description:
        found = self._spool.library.describe(self.entry)
        self._is_sealed = bool(found.about.sealed_key)
        return found

    def _take_back(self) -> None:
        """Delete what was uploaded of a recording that was deleted meanwhile."""
        for name in all_names(self.entry):
            self._bucket.delete(name)
        self._spool.remove(self.entry)


def all_names(entry: Entry) -> tuple[str, ...]:
    """Return the names of all that a bucket has of a recording, its card last but one."""
    return (
        entry.name,
        index_name(entry.name),
        card_name(entry.name),
        pointer_name(entry.session),
    )
