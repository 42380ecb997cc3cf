"""Where a segment ends and the next one begins: by its bytes, and by what playing it costs."""

from __future__ import annotations

from typing import Final

LEAST: Final = 1 << 20
"""Bytes of the entries of a segment behind its key frame, unless they are expensive to play."""

TIMES: Final = 2
"""How many times as large as its key frame the entries of a segment become."""

COST: Final = 0.2
"""Seconds that a browser needs to play them."""

_PIXEL_COST: Final = 8e-9
_RECTANGLE_COST: Final = 2e-5
_BYTE_COST: Final = 1.5e-8
_ENTRY_COST: Final = 1e-5
"""Seconds that noVNC needs for a pixel, a rectangle and a byte, and the player for an entry."""

SPARE: Final = 64 << 20
"""Bytes of key frames that may be more than what the entries have."""


class Cutter:
    """Decides when the next key frame comes.

    Expensive entries may be small: a screen that scrolls. Key frames are not many times as large
    as all entries together, so that no server can fill the disk by them.
    """

    def __init__(self) -> None:
        self._entries = self._key_frames = 0
        self._key_frame = self._bytes = 0
        self._unpainted = 0
        self._cost = 0.0

    def begin(self, size: int, unpainted: int = 0) -> None:
        """Begin a segment.

        Args:
            size: bytes of its key frame.
            unpainted: pixels of the screen that nothing has painted, as at the beginning.
        """
        self._key_frames += size
        self._key_frame, self._unpainted = size, unpainted
        self._bytes, self._cost = 0, 0.0

    def add(self, size: int, pixels: int, rectangles: int) -> None:
        """Add an entry: its bytes, and what it paints."""
        self._entries += size
        self._bytes += size
        if self._unpainted > 0:  # what paints the screen first is about as large as a key frame
            self._unpainted -= pixels
            self._key_frame = self._bytes
        self._cost += pixels * _PIXEL_COST + rectangles * _RECTANGLE_COST
        self._cost += size * _BYTE_COST + _ENTRY_COST

    def is_due(self) -> bool:
        """Return whether a segment begins before the next entries."""
        if self._key_frames > self._entries + SPARE:
            return False
        if self._bytes >= max(LEAST, TIMES * self._key_frame):
            return True
        is_large = self._bytes >= self._key_frame
        return self._cost >= (COST if is_large else TIMES * COST)
