"""A picture in memory with a few drawing operations, which reports where it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from typing import NamedTuple

from . import font

Colour = int
"""0xRRGGBB."""

PIXEL = 4
"""Bytes of a pixel: blue, green, red and an unused one."""


class Rect(NamedTuple):
    """A rectangle of pixels; ``x`` and ``y`` are its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    def common(self, other: Rect) -> Rect | None:
        """Return the intersection, or None."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        width = min(self.x + self.width, other.x + other.width) - x
        height = min(self.y + self.height, other.y + other.height) - y
        return Rect(x, y, width, height) if width > 0 and height > 0 else None

    def around(self, other: Rect) -> Rect:
        """Return the smallest rectangle that contains both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        right = max(self.x + self.width, other.x + other.width)
        bottom = max(self.y + self.height, other.y + other.height)
        return Rect(x, y, right - x, bottom - y)


class Damage:
    """The part of a picture that has changed since it was last sent to a viewer.

    It is kept as a few rectangles that do not overlap, and may be larger than what changed.
    """

    LIMIT = 12
    """More rectangles than this are merged into one."""

    def __init__(self) -> None:
        self._parts: list[Rect] = []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, rect: Rect) -> None:
        """Note that a rectangle changed."""
        while overlapping := [part for part in self._parts if part.common(rect)]:
            for part in overlapping:
                self._parts.remove(part)
                rect = rect.around(part)
        self._parts.append(rect)
        if len(self._parts) > self.LIMIT:
            parts, self._parts = self._parts, []
            for part in parts:
                rect = rect.around(part)
            self._parts.append(rect)

    def take(self, area: Rect) -> list[Rect]:
        """Return and forget the changed rectangles that touch an area, cut to it.

        Changes outside of the area stay noted.
        """
        taken = [part for part in self._parts if part.common(area)]
        self._parts = [part for part in self._parts if part not in taken]
        for part in taken:
            self._parts += _without(part, area)
        return [cut for part in taken if (cut := part.common(area))]


def _without(rect: Rect, hole: Rect) -> list[Rect]:
    """Return what is left of a rectangle beside, above and below a hole in it."""
    inner = rect.common(hole)
    assert inner is not None
    right, bottom = inner.x + inner.width, inner.y + inner.height
    parts = [
        Rect(rect.x, rect.y, rect.width, inner.y - rect.y),
        Rect(rect.x, bottom, rect.width, rect.y + rect.height - bottom),
        Rect(rect.x, inner.y, inner.x - rect.x, inner.height),
        Rect(right, inner.y, rect.x + rect.width - right, inner.height),
    ]
    return [part for part in parts if part.width and part.height]


class Canvas:
    """A picture of fixed size; drawing is clipped at its edges.

    Args:
        changed: called with each rectangle that was drawn on.
    """

    def __init__(self, width: int, height: int, changed: Callable[[Rect], None]) -> None:
        self.area = Rect(0, 0, width, height)
        self._changed = changed
        self._stride = width * PIXEL
        self._pixels = bytearray(self._stride * height)

    def put(self, x: int, y: int, rows: Sequence[bytes]) -> None:
        """Draw a rectangle of pixels, all rows equally long."""
        wanted = Rect(x, y, len(rows[0]) // PIXEL, len(rows))
        visible = wanted.common(self.area)
        if visible is None:
            return
        first, size = (visible.x - x) * PIXEL, visible.width * PIXEL
        at = visible.y * self._stride + visible.x * PIXEL
        for row in rows[visible.y - y :][: visible.height]:
            self._pixels[at : at + size] = row[first : first + size]
            at += self._stride
        self._changed(visible)

    def rows(self, rect: Rect) -> list[bytes]:
        """Return the pixels of a rectangle that lies within the picture."""
        start, size = rect.y * self._stride + rect.x * PIXEL, rect.width * PIXEL
        starts = range(start, start + rect.height * self._stride, self._stride)
        return [bytes(self._pixels[at : at + size]) for at in starts]

    def fill(self, rect: Rect, colour: Colour) -> None:
        """Fill a rectangle."""
        self.put(rect.x, rect.y, [pixel(colour) * rect.width] * rect.height)

    def text(self, x: int, y: int, text: str, ink: Colour, paper: Colour, scale: int = 2) -> None:
        """Write one line; every character covers its cell of 6 x 9 pixels, times the scale."""
        glyphs = [font.glyph(character, scale) for character in text]
        if glyphs:
            lines = [b"".join(parts) for parts in zip(*glyphs, strict=True)]
            self.put(x, y, [_coloured(line, ink, paper) for line in lines])

    def ring(self, x: int, y: int, radius: int, thickness: int, colour: Colour) -> None:
        """Draw a circle around a pixel's upper left corner; it is as wide as it is high."""
        for dy in range(-radius, radius):
            outer, inner = _half_width(radius, dy), _half_width(radius - thickness, dy)
            self.fill(Rect(x - outer, y + dy, outer - inner, 1), colour)
            self.fill(Rect(x + inner, y + dy, outer - inner, 1), colour)

    def stroke(
        self, start: tuple[int, int], end: tuple[int, int], width: int, colour: Colour
    ) -> None:
        """Draw a line with a square pen."""
        for x, y in _between(start, end):
            self.fill(Rect(x - width // 2, y - width // 2, width, width), colour)


def pixel(colour: Colour) -> bytes:
    """Return a colour as the bytes of one pixel."""
    return colour.to_bytes(PIXEL, "little")


def ramp(first: Colour, last: Colour, width: int) -> bytes:
    """Return a row of pixels that goes evenly from one colour to another."""
    steps = list(zip(pixel(first), pixel(last), strict=True))
    return bytes(
        a + (b - a) * column // max(1, width - 1) for column in range(width) for a, b in steps
    )


def blocks(colours: Iterable[Colour], width: int) -> bytes:
    """Return a row of pixels of one colour after the other, each ``width`` wide."""
    return b"".join(pixel(colour) * width for colour in colours)


def _coloured(mask: bytes, ink: Colour, paper: Colour) -> bytes:
    row = bytearray(len(mask) * PIXEL)
    for channel, (off, on) in enumerate(zip(pixel(paper), pixel(ink), strict=True)):
        row[channel::PIXEL] = mask.translate(bytes([off, on]).ljust(256, b"\0"))
    return bytes(row)


def _half_width(radius: int, dy: int) -> int:
    """Return half the width of a disc in the row of pixels that begins ``dy`` below its middle."""
    return round(sqrt(max(0, radius**2 - (dy + 0.5) ** 2)))


def _between(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    (x0, y0), (x1, y1) = start, end
    steps = max(abs(x1 - x0), abs(y1 - y0), 1)
    return [(x0 + (x1 - x0) * i // steps, y0 + (y1 - y0) * i // steps) for i in range(steps + 1)]
