"""The pixels of a screen."""

from __future__ import annotations

import numpy as np

from ..errors import UpstreamViolation
from .colours import Pixels

LARGEST_AREA = 16384 * 16384
"""Pixels of a screen that is played offline; a security limit."""


class Picture:
    """A screen of pixels, black at first.

    Args:
        largest_area: the most pixels that it may ever have.

    Attributes:
        pixels: rows of pixels of red, green and blue: ``pixels[y, x]``.
    """

    def __init__(self, width: int, height: int, largest_area: int = LARGEST_AREA) -> None:
        self._largest_area = largest_area
        self.pixels = self._black(width, height)

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[0])

    def resize(self, width: int, height: int) -> None:
        """Change the size; what lies in both sizes is kept.

        Raises:
            UpstreamViolation: there are more pixels than allowed.
        """
        former, self.pixels = self.pixels, self._black(width, height)
        rows, columns = min(height, len(former)), min(width, former.shape[1])
        self.pixels[:rows, :columns] = former[:rows, :columns]

    def area(self, x: int, y: int, width: int, height: int) -> Pixels:
        """Return a part of the pixels, to be written to.

        Raises:
            UpstreamViolation: it does not lie within the screen.
        """
        if x + width > self.width or y + height > self.height:
            raise UpstreamViolation(
                f"a rectangle of {width} x {height} pixels at {x}, {y} "
                f"on a screen of {self.width} x {self.height}"
            )
        return self.pixels[y : y + height, x : x + width]

    def _black(self, width: int, height: int) -> Pixels:
        if width * height > self._largest_area:
            raise UpstreamViolation(
                f"a screen of {width} x {height} pixels, at most {self._largest_area} in all"
            )
        return np.zeros((height, width, 3), np.uint8)
