"""Pixels of a `Canvas` in the format and the encoding that a viewer asked for."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import reduce
from operator import or_

from ..rfb.pixels import PixelFormat
from .canvas import PIXEL, Canvas, Rect

RAW, ZLIB = 0, 6

Converter = Callable[[bytes], bytes]
"""Converts pixels of a canvas to a viewer's format."""


def converter(wanted: PixelFormat) -> Converter:
    """Return the function that makes pixels of this true-colour format.

    Each byte of a pixel gets its bits from one table per colour; a whole picture is translated at
    once.
    """
    if wanted == PixelFormat():
        return bytes
    size = wanted.bytes_per_pixel
    positions = range(size - 1, -1, -1) if wanted.big_endian else range(size)
    tables = [_tables(wanted, significance) for significance in range(size)]

    def convert(pixels: bytes) -> bytes:
        """Translate pixels of a canvas: byte by byte of the wanted format, all pixels at once."""
        count = len(pixels) // PIXEL
        colours = [pixels[channel::PIXEL] for channel in (2, 1, 0)]
        out = bytearray(count * size)
        for position, of_byte in zip(positions, tables, strict=True):
            parts = [colours[at].translate(table) for at, table in of_byte]
            out[position::size] = _joined(parts, count)
        return bytes(out)

    return convert


def _tables(wanted: PixelFormat, significance: int) -> list[tuple[int, bytes]]:
    """Return the colours with bits in one byte of a pixel, each with its bits by value."""
    found = []
    for at, (largest, shift) in enumerate(wanted.channels):
        bits = [
            ((value * largest + 127) // 255 << shift) >> 8 * significance for value in range(256)
        ]
        if any(table := bytes(number & 255 for number in bits)):
            found.append((at, table))
    return found


def _joined(parts: list[bytes], count: int) -> bytes:
    if len(parts) == 1:
        return parts[0]
    return reduce(or_, (int.from_bytes(part, "little") for part in parts), 0).to_bytes(
        count, "little"
    )


class Encoder:
    """Writes FramebufferUpdate messages for one viewer (RFC 6143 section 7.6.1)."""

    def __init__(self) -> None:
        self._convert = converter(PixelFormat())
        self._encoding = RAW
        self._compressor = zlib.compressobj(level=1)

    def use_format(self, wanted: PixelFormat) -> None:
        """Write pixels in this true-colour format from now on."""
        self._convert = converter(wanted)

    def use_encodings(self, offered: tuple[int, ...]) -> None:
        """Choose an encoding that the viewer supports; every viewer supports Raw."""
        self._encoding = ZLIB if ZLIB in offered else RAW

    def update(self, canvas: Canvas, rects: list[Rect]) -> bytes:
        """Return one message with the pixels of some rectangles."""
        return struct.pack(">BxH", 0, len(rects)) + b"".join(
            struct.pack(">HHHHi", *rect, self._encoding) + self._body(canvas, rect)
            for rect in rects
        )

    def _body(self, canvas: Canvas, rect: Rect) -> bytes:
        pixels = self._convert(b"".join(canvas.rows(rect)))
        if self._encoding == RAW:
            return pixels
        packed = self._compressor.compress(pixels) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return len(packed).to_bytes(4, "big") + packed
