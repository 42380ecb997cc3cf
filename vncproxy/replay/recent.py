"""What the viewer did shortly before a segment: it is shown after a jump there, too."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from .entries import Entry, Kind
from .idling import POINTER

MOST: Final = 24
"""Keys that are repeated."""

LONGEST: Final = 4_000_000
"""Microseconds for which they are."""


class Recent:
    """The viewer's last actions."""

    def __init__(self) -> None:
        self._pointer: Entry | None = None
        self._keys: deque[Entry] = deque(maxlen=MOST)

    def add(self, entry: Entry) -> None:
        """Add an entry."""
        if entry.kind is Kind.VIEWER and entry.data[0] == POINTER:
            self._pointer = entry
        elif entry.kind in (Kind.VIEWER, Kind.LEFT_OUT):
            self._keys.append(entry)

    def at(self, moment: int) -> Iterator[Entry]:
        """Yield where the pointer is, and the keys of the last seconds."""
        if self._pointer is not None:
            yield self._pointer
        yield from (entry for entry in self._keys if entry.moment > moment - LONGEST)
