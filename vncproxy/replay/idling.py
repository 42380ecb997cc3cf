"""Times in which a viewer of a recording misses nothing."""

from __future__ import annotations

from typing import Final

from .entries import Entry, Kind

LEAST: Final = 5_000_000
"""Microseconds without anything to see."""

FEW_PIXELS: Final = 1024
"""What an event may paint without being seen: a text cursor that blinks."""

POINTER = 5
"""The first byte of a message of the pointer."""


class IdleTimes:
    """Finds the times between what can be seen.

    Attributes:
        found: in microseconds: from, to.
    """

    def __init__(self) -> None:
        self.found: list[tuple[int, int]] = []
        self._last = 0

    def add(self, entry: Entry, painted: int) -> None:
        """Add an entry, which painted so many pixels."""
        if painted > FEW_PIXELS or _is_action(entry):
            self.end(entry.moment)

    def end(self, moment: int) -> None:
        """Note that there is something to see, or that the recording ends."""
        if moment - self._last >= LEAST:
            self.found.append((self._last, moment))
        self._last = max(self._last, moment)


def _is_action(entry: Entry) -> bool:
    """Return whether an entry is an action of the user, as moving the pointer is not."""
    if entry.kind is Kind.VIEWER:
        return entry.data[0] != POINTER or entry.data[1] != 0
    return entry.kind is Kind.LEFT_OUT
