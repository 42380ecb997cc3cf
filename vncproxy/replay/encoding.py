"""Pixels as rectangles that noVNC decodes, each alone: PNG, or Tight with new zlib streams."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..rfb import encodings as e
from ..screen.colours import Pixels
from ..screen.cursors import Cursor
from .png import png

RECTANGLE: Final = struct.Struct(">HHHHi")
"""x, y, width, height and encoding."""

SIDE: Final = 256
"""Pixels of the width and height of a rectangle, at most."""

_NEW_STREAM, _FILTER, _FILL, _JPEG, _PNG = 0x01, 0x40, 0x80, 0x90, 0xA0
_PALETTE = 1
_MOST_COLOURS = 256
_LEAST_COMPRESSED = 12
_FEW_PIXELS = 1024
_PROBED = 4
"""The part of an area, such as a quarter, by which is decided whether it is compressed twice."""

_LEAST_PNG = 64 * 64
"""Pixels from which on an image is worth what it costs a browser besides."""

_VMWARE_ALPHA = b"\1\0"


class TightEncoder:
    """Encodes parts of a picture.

    Args:
        level: of zlib, from 1 to 9.
    """

    def __init__(self, level: int = 3) -> None:
        self._level = level
        self._number = np.zeros(1 << 24, np.uint8)
        """Of each colour in the palette of the present rectangle; 0 for all others."""

    def rectangles(self, pixels: Pixels, left: int, top: int) -> Iterator[bytes]:
        """Yield the rectangles of an area whose upper left corner is at a place of the screen."""
        height, width, _ = pixels.shape
        for y in range(0, height if width else 0, SIDE):
            for x in range(0, width, SIDE):
                yield self._rectangle(pixels[y : y + SIDE, x : x + SIDE], left + x, top + y)

    def _rectangle(self, pixels: Pixels, x: int, y: int) -> bytes:
        height, width, _ = pixels.shape
        head = RECTANGLE.pack(x, y, width, height, e.TIGHT)
        padded = np.zeros((height, width, 4), np.uint8)
        padded[:, :, :3] = pixels
        colours = padded.view("<u4").ravel()
        if colours[0] == colours[-1] and (colours == colours[0]).all():
            return head + fill(pixels)
        palette = self._palette(colours)
        if palette is None:
            return self._rgb(pixels, x, y)
        indices = self._number[colours].reshape(height, width)
        self._number[palette] = 0
        if len(palette) == 2:
            indices = np.packbits(indices, axis=1)
        entries = palette.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
        filtered = bytes([_NEW_STREAM | _FILTER, _PALETTE, len(palette) - 1]) + entries
        return head + filtered + self._compressed(indices.tobytes())

    def _rgb(self, pixels: Pixels, x: int, y: int) -> bytes:
        """Return pixels of many colours, as an image unless they are smaller otherwise."""
        height, width, _ = pixels.shape
        image = png(pixels) if height * width >= _LEAST_PNG else b""
        packed = b""
        if not (image and self._repeats_little(pixels, len(image))):
            packed = self._compressed(pixels.tobytes())
        if image and not 0 < len(packed) < len(image):
            return _image_rectangle((x, y, width, height), e.TIGHT_PNG, _PNG, image)
        return RECTANGLE.pack(x, y, width, height, e.TIGHT) + bytes([_NEW_STREAM]) + packed

    def _repeats_little(self, pixels: Pixels, size: int) -> bool:
        """Return whether an image of this size is about as small as pixels become."""
        part = pixels[: max(1, len(pixels) // _PROBED)].tobytes()
        return size > pixels.size // 2 and len(zlib.compress(part, 1)) > len(part) // 2

    def _palette(self, colours: NDArray[Any]) -> NDArray[np.uint32] | None:
        """Return the different colours, and number them; None where there are too many."""
        step = max(1, len(colours) // _FEW_PIXELS)
        palette = np.unique(colours[::step])
        while len(palette) <= _MOST_COLOURS:
            self._number[palette] = np.arange(len(palette), dtype=np.uint8)
            missing = colours[palette[self._number[colours]] != colours]
            if not len(missing):
                return palette
            self._number[palette] = 0
            palette = np.union1d(palette, np.unique(missing[:_FEW_PIXELS]))
        return None

    def _compressed(self, data: bytes) -> bytes:
        if len(data) < _LEAST_COMPRESSED:
            return data
        packed = zlib.compress(data, self._level)
        return compact_length(len(packed)) + packed


def fill(pixels: Pixels) -> bytes:
    """Return an area of one colour, without the head of the rectangle."""
    return bytes([_FILL, *pixels[0, 0].tolist()])


def jpeg_rectangle(place: tuple[int, int, int, int], image: bytes) -> bytes:
    """Return a rectangle with a JPEG image."""
    return _image_rectangle(place, e.TIGHT, _JPEG, image)


def _image_rectangle(
    place: tuple[int, int, int, int], encoding: int, method: int, image: bytes
) -> bytes:
    head = RECTANGLE.pack(*place, encoding) + bytes([method])
    return head + compact_length(len(image)) + image


def compact_length(size: int) -> bytes:
    """Return a length as Tight has it, of at most 22 bits."""
    if size < 1 << 7:
        return bytes([size])
    if size < 1 << 14:
        return bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])


def cursor_rectangle(cursor: Cursor) -> bytes:
    """Return the shape of a cursor as VMware's: noVNC swaps the colours of other ones."""
    height, width, _ = cursor.pixels.shape
    head = RECTANGLE.pack(cursor.x, cursor.y, width, height, e.VMWARE_CURSOR)
    return head + _VMWARE_ALPHA + cursor.pixels.tobytes()


def size_rectangle(width: int, height: int) -> bytes:
    """Return the change of the screen's size."""
    return RECTANGLE.pack(0, 0, width, height, e.DESKTOP_SIZE)


def name_rectangle(name: bytes) -> bytes:
    """Return the change of the desktop's name."""
    return RECTANGLE.pack(0, 0, 0, 0, e.DESKTOP_NAME) + len(name).to_bytes(4, "big") + name


def update(rectangles: list[bytes]) -> bytes:
    """Return an update of up to 65,535 rectangles."""
    return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)
