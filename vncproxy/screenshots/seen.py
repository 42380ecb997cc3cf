"""A picture that notes which of its pixels were sent."""

from __future__ import annotations

import numpy as np

from ..screen import Picture
from ..screen.colours import Pixels

LARGEST_AREA = 8192 * 4320
"""Pixels of a screen; a security limit."""


class SeenPicture(Picture):
    """A picture of a screen that is sent in parts."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height, LARGEST_AREA)
        self.forget()

    def resize(self, width: int, height: int) -> None:
        """Change the size; no pixel counts as sent any more."""
        super().resize(width, height)
        self.forget()

    def area(self, x: int, y: int, width: int, height: int) -> Pixels:
        """Return a part of the pixels, to be written to; they count as sent."""
        found = super().area(x, y, width, height)
        self._seen[y : y + height, x : x + width] = True
        return found

    def forget(self) -> None:
        """Count no pixel as sent."""
        self._seen = np.zeros((self.height, self.width), bool)

    def missing(self) -> tuple[int, int, int, int] | None:
        """Return the smallest area with all that was not sent: its place, width and height.

        None where each pixel was sent.
        """
        rows, columns = (np.flatnonzero(~self._seen.all(axis=axis)) for axis in (1, 0))
        if not rows.size or not columns.size:
            return None
        x, y = int(columns[0]), int(rows[0])
        return x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y

    def finished(self) -> Picture:
        """Return the picture alone; this one is not used any more."""
        picture = Picture(0, 0, LARGEST_AREA)
        picture.pixels = self.pixels
        return picture
