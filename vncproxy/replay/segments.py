"""Writes the segments of a playable copy."""

from __future__ import annotations

from typing import BinaryIO

from .contents import MAGIC, Segment


class SegmentWriter:
    """Writes one file, from its first bytes on.

    Args:
        target: open for writing, and empty.
    """

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._offset = target.write(MAGIC)
        self._done: list[Segment] = []
        self._at = self._start = self._end = 0
        self._is_open = False

    def __bool__(self) -> bool:
        """Whether a segment was begun."""
        return self._is_open

    @property
    def size(self) -> int:
        """Bytes that were written."""
        return self._offset

    @property
    def count(self) -> int:
        """How many segments have ended."""
        return len(self._done)

    def begin(self, data: bytes, moment: int) -> None:
        """Begin a segment with its first bytes."""
        if self._is_open:
            self._done.append(self._last())
        self._at, self._start, self._is_open = moment, self._offset, True
        self.add(data, moment)

    def add(self, data: bytes, moment: int) -> None:
        """Add bytes to the segment, whose last entry is of this moment."""
        self._target.write(data)
        self._offset += len(data)
        self._end = moment

    def written(self) -> tuple[Segment, ...]:
        """Return the segments that were written, and what there is of the last one."""
        return (*self._done, self._last()) if self._is_open else ()

    def _last(self) -> Segment:
        return Segment(self._at, self._start, self._offset - self._start, self._end)
