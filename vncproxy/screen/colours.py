"""Pixels of any format as red, green and blue (RFC 6143 section 7.4)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..rfb.pixels import PixelFormat
from ..rfb.server_messages.layout import pixel_layout

Pixels = NDArray[np.uint8]
"""Red, green and blue of pixels, in the last of two or three dimensions."""

_LOW = 0xFFFFFF
_MAP_SIZE = 256


class Colours:
    """Converts the pixels of one format.

    Attributes:
        raw_size: bytes of a pixel in Raw and most other encodings.
        tight_size: of a TPIXEL of Tight.
        compressed_size: of a CPIXEL of TRLE and ZRLE.
    """

    def __init__(self, pixel_format: PixelFormat) -> None:
        self._format = pixel_format
        layout = pixel_layout(pixel_format)
        self.raw_size, self.tight_size, self.compressed_size = layout
        order = ">" if pixel_format.big_endian else "<"
        self._number = np.dtype(f"{order}u{self.raw_size}")
        self._map = np.zeros((_MAP_SIZE, 3), np.uint8)
        self._scales = [_scale(largest) for largest, _ in pixel_format.channels]

    def set_map(self, first: int, entries: bytes) -> None:
        """Take entries of a colour map, of 16 bits each for red, green and blue."""
        colours = (np.frombuffer(entries, ">u2").reshape(-1, 3) >> 8).astype(np.uint8)
        end = min(first + len(colours), _MAP_SIZE)
        self._map[first:end] = colours[: max(0, end - first)]

    def raw(self, data: bytes) -> Pixels:
        """Return pixels as they are in Raw."""
        return self._from_numbers(np.frombuffer(data, self._number))

    def tight(self, data: bytes) -> Pixels:
        """Return TPIXELs, which are red, green and blue where they have three bytes."""
        if self.tight_size == 3:
            return np.frombuffer(data, np.uint8).reshape(-1, 3)
        return self.raw(data)

    def compressed(self, data: bytes) -> Pixels:
        """Return CPIXELs: the three bytes of a number that have colours."""
        if self.compressed_size == self.raw_size:
            return self.raw(data)
        octets = np.frombuffer(data, np.uint8).reshape(-1, 3)
        whole = np.zeros((len(octets), 4), np.uint8)
        used = sum(largest << shift for largest, shift in self._format.channels)
        at_end = (not used & ~_LOW) == self._format.big_endian
        if at_end:
            whole[:, 1:] = octets
        else:
            whole[:, :3] = octets
        return self._from_numbers(whole.view(self._number).ravel())

    def _from_numbers(self, numbers: NDArray[Any]) -> Pixels:
        if not self._format.true_colour:
            mapped: Pixels = self._map[numbers]
            return mapped
        found = np.empty((len(numbers), 3), np.uint8)
        for channel, (largest, shift) in enumerate(self._format.channels):
            values = (numbers >> shift) & largest
            found[:, channel] = values if largest == 255 else self._scales[channel][values]
        return found


def _scale(largest: int) -> Pixels:
    """Return the values of a channel as 0 to 255."""
    values = np.arange(largest + 1, dtype=np.uint32)
    return ((values * 255 + largest // 2) // largest).astype(np.uint8)
