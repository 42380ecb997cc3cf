"""Where a segment ends and the next one begins: by its bytes, and by what playing it costs."""

from __future__ import annotations

from typing import Final

LEAST: Final = 1 << 20
"""Bytes of the entries of a segment behind its key frame, unless they are expensive to play."""

TIMES: Final = 2
"""How many times as large as its key frame the entries of a segment become."""

COST: Final = 0.2
"""Seconds that a browser needs to play them."""

LONGEST: Final = 60_000_000
"""Microseconds after which a segment ends that has at least a quarter of its key frame's bytes."""

_PIXEL_COST: Final = 8e-9
_RECTANGLE_COST: Final = 2e-5
"""Seconds that noVNC needs for a pixel, and for a rectangle."""

SPARE: Final = 64 << 20
"""Bytes of key frames that may be more than what the entries have."""


class Cutter:
    """Decides when the next key frame comes.

    Expensive entries may be small: a screen that scrolls. Key frames are not many times as large
    as all entries together, so that no server can fill the disk by them.
    """

    def __init__(self) -> None:
        self._entries = self._key_frames = 0
        self._key_frame = self._bytes = self._began = 0
        self._cost = 0.0

    def begin(self, moment: int, size: int) -> None:
        """Begin a segment at a moment, whose key frame has so many bytes."""
        self._key_frames += size
        self._key_frame, self._began = size, moment
        self._bytes, self._cost = 0, 0.0

    def add(self, size: int, pixels: int, rectangles: int) -> None:
        """Add an entry: its bytes, and what it paints."""
        self._entries += size
        self._bytes += size
        self._cost += pixels * _PIXEL_COST + rectangles * _RECTANGLE_COST

    def is_due(self, moment: int) -> bool:
        """Return whether a segment begins before the entries of this moment."""
        if self._key_frames > self._entries + SPARE:
            return False
        if self._bytes >= max(LEAST, TIMES * self._key_frame):
            return True
        if self._cost >= COST and self._bytes >= self._key_frame // 2:
            return True
        is_old = moment - self._began >= LONGEST
        return self._cost >= TIMES * COST or (is_old and self._bytes >= self._key_frame // 4)
