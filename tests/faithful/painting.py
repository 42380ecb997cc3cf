"""A client of an X display that draws on its root window, scrolls it and reads it."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from tests.components.x_painter import Painter

Pixels = NDArray[np.uint8]
"""Rows of pixels of red, green and blue."""

_NO_EXPOSURES = 1 << 16
_ZPIXMAP = 2

_COLUMNS = 960
"""How wide what is painted at once may be: a request has a largest size."""


class Canvas(Painter):
    """The root window of a display.

    Args:
        display: its number.
    """

    def __init__(self, display: str) -> None:
        super().__init__(display)
        # without events of exposures, answers are all that comes
        self._socket.sendall(struct.pack("<BxHIII", 56, 4, self._context, _NO_EXPOSURES, 0))

    def draw(self, x: int, y: int, pixels: Pixels) -> None:
        """Draw pixels, and wait until they are drawn."""
        pad = np.zeros((*pixels.shape[:2], 1), np.uint8)
        data = np.dstack((pixels[:, :, ::-1], pad))
        for left in range(0, pixels.shape[1], _COLUMNS):
            part = data[:, left : left + _COLUMNS]
            self.paint(x + left, y, part.shape[1], part.tobytes())

    def scroll(self, x: int, y: int, width: int, height: int, by: int) -> None:
        """Move a part of the screen up; its last rows stay as they are."""
        places = (x, y + by, x, y, width, height - by)
        self._socket.sendall(
            struct.pack("<BxHIIIhhhhHH", 62, 7, self._root, self._root, self._context, *places)
        )

    def read(self, width: int, height: int) -> Pixels:
        """Return what the display shows, as ``xwd -root`` does."""
        mask = 0xFFFFFFFF
        self._socket.sendall(
            struct.pack("<BBHIhhHHI", 73, _ZPIXMAP, 5, self._root, 0, 0, width, height, mask)
        )
        head = self._read(32)
        assert head[0] == 1, f"the display does not say what it shows: error {head[1]}"
        data = self._read(4 * struct.unpack_from("<I", head, 4)[0])
        rows = np.frombuffer(data, np.uint8).reshape(height, width, 4)
        return np.ascontiguousarray(rows[:, :, 2::-1])
