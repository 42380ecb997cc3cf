"""The shapes of cursors (RFC 6143 section 7.8.1 and the registry)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UpstreamViolation
from ..rfb import encodings as e
from .colours import Colours, Pixels
from .source import Inflating, Source

LARGEST_SIDE = 1024
"""Pixels of a cursor's width or height; a security limit."""


_ALL = 255


@dataclass(frozen=True, slots=True)
class Cursor:
    """The shape of a cursor.

    Attributes:
        x, y: the pixel that points, from the upper left one.
        pixels: rows of pixels of red, green, blue and opacity.
    """

    x: int
    y: int
    pixels: Pixels


def paint_cursor(cursor: Cursor, at: tuple[int, int], pixels: Pixels) -> None:
    """Paint a cursor over a screen, where it points to a place; what lies outside is left out.

    Args:
        at: from the left and from above.
    """
    left, top = at[0] - cursor.x, at[1] - cursor.y
    shape = cursor.pixels[max(0, -top) :, max(0, -left) :]
    left, top = max(0, left), max(0, top)
    area = pixels[top : top + shape.shape[0], left : left + shape.shape[1]]
    shape = shape[: area.shape[0], : area.shape[1]].astype(np.uint16)
    opacity = shape[:, :, 3:]
    area[:] = (shape[:, :, :3] * opacity + area * (255 - opacity) + 127) // 255


def read_cursor(source: Source, place: tuple[int, int, int, int], colours: Colours) -> Cursor:
    """Read the pixels and the mask of the pseudo-encoding Cursor.

    Args:
        place: where it points, and its width and height.
    """
    x, y, width, height = _checked(place)
    pixels = colours.raw(source.take(width * height * colours.raw_size))
    return Cursor(x, y, _masked(pixels.reshape(height, width, 3), _mask(source, width, height)))


def read_x_cursor(source: Source, place: tuple[int, int, int, int]) -> Cursor:
    """Read the two colours, the bitmap and the mask of the pseudo-encoding XCursor."""
    x, y, width, height = _checked(place)
    if not width * height:
        return Cursor(x, y, np.zeros((height, width, 4), np.uint8))
    two = np.frombuffer(source.take(6), np.uint8).reshape(2, 3)
    pixels = two[1 - _mask(source, width, height)]
    return Cursor(x, y, _masked(pixels, _mask(source, width, height)))


def read_cursor_with_alpha(source: Source, place: tuple[int, int, int, int]) -> Cursor:
    """Read the pseudo-encoding CursorWithAlpha, whose colours are multiplied by their opacity.

    Raises:
        UpstreamViolation: it is in an encoding other than Raw and zlib.
    """
    x, y, width, height = _checked(place)
    encoding, size = source.number(), width * height * 4
    if encoding == e.RAW:
        data = source.take(size)
    elif encoding == e.ZLIB:
        data = Inflating().inflate(source.take(source.number()), size)
    else:
        raise UpstreamViolation(f"cursor with alpha in the encoding {encoding}")
    if len(data) != size:
        raise UpstreamViolation(f"cursor of {len(data)} bytes, expected {size}")
    return Cursor(x, y, _divided(np.frombuffer(data, np.uint8).reshape(height, width, 4)))


def read_vmware_cursor(
    source: Source, place: tuple[int, int, int, int], colours: Colours
) -> Cursor:
    """Read VMware's cursor: two masks of pixels, or red, green, blue and opacity of each pixel.

    Pixels that invert what is below them are black, as noVNC has them.

    Raises:
        UpstreamViolation: it is of another kind.
    """
    x, y, width, height = _checked(place)
    kind = source.number(2) >> 8
    if kind == 1:
        pixels = np.frombuffer(source.take(width * height * 4), np.uint8)
        return Cursor(x, y, pixels.reshape(height, width, 4))
    if kind:
        raise UpstreamViolation(f"VMware cursor of kind {kind}")
    size = width * height * colours.raw_size
    kept, inverted = colours.raw(source.take(size)), colours.raw(source.take(size))
    is_clear = (kept.min(axis=1) == _ALL) & (inverted.max(axis=1) == 0)
    found = np.zeros((width * height, 4), np.uint8)
    found[:, :3] = np.where(kept.max(axis=1, keepdims=True) == 0, inverted, 0)
    found[:, 3] = np.where(is_clear, 0, _ALL)
    return Cursor(x, y, found.reshape(height, width, 4))


def _checked(place: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    if max(place[2:]) > LARGEST_SIDE:
        raise UpstreamViolation(f"a cursor of {place[2]} x {place[3]} pixels")
    return place


def _mask(source: Source, width: int, height: int) -> Pixels:
    row = (width + 7) // 8
    octets = np.frombuffer(source.take(row * height), np.uint8).reshape(height, row)
    return np.unpackbits(octets, axis=1)[:, :width]


def _masked(pixels: Pixels, mask: Pixels) -> Pixels:
    return np.dstack((pixels, mask * np.uint8(255)))


def _divided(pixels: Pixels) -> Pixels:
    """Return the colours as they are before they are multiplied by their opacity."""
    alpha = np.maximum(pixels[:, :, 3:].astype(np.uint16), 1)
    colours = np.minimum(pixels[:, :, :3].astype(np.uint16) * 255 // alpha, 255)
    return np.dstack((colours.astype(np.uint8), pixels[:, :, 3]))
