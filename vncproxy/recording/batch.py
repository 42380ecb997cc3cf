"""Events of one session that are written together, packed as they stand in a chunk."""

from __future__ import annotations

from typing import Final

from .events import HEAD, Source

SMALLEST: Final = 4096
"""Bytes of the memory of a batch, at least; it grows to twice as much where that is too little."""


class Batch:
    """Events, packed in the order in which they came.

    Args:
        space: the memory that it takes at first.

    Attributes:
        size: bytes of the events.
        last: the moment of the last one.
        space: the memory that they lie in.
    """

    __slots__ = ("last", "size", "space")

    def __init__(self, space: bytearray) -> None:
        self.space = space
        self.size = self.last = 0

    @property
    def packed(self) -> memoryview:
        """The events as `vncproxy.recording.events.unpack_events` reads them."""
        return memoryview(self.space)[: self.size]

    def add(self, source: Source, moment: int, data: bytes | memoryview) -> None:
        """Add an event."""
        at, length, space = self.size, len(data), self.space
        begin = at + HEAD.size
        self.size = end = begin + length
        if end > len(space):
            space = self._grow(end)
        HEAD.pack_into(space, at, source, moment, length)
        space[begin:end] = data
        self.last = moment

    def _grow(self, size: int) -> bytearray:
        space = bytearray(max(size, 2 * len(self.space)))
        space[: len(self.space)] = self.space
        self.space = space
        return space
