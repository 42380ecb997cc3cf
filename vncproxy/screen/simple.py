"""Raw, CopyRect, RRE, CoRRE and zlib (RFC 6143 sections 7.7.1 to 7.7.3)."""

from __future__ import annotations

import struct

import numpy as np

from .colours import Colours, Pixels
from .picture import Picture
from .source import Inflating, Source

_RRE = struct.Struct(">HHHH")
_CORRE = struct.Struct(">BBBB")


def decode_raw(source: Source, area: Pixels, colours: Colours) -> None:
    """Read a rectangle in Raw into an area."""
    height, width, _ = area.shape
    area[:] = colours.raw(source.take(width * height * colours.raw_size)).reshape(area.shape)


def decode_zlib(source: Source, area: Pixels, colours: Colours, stream: Inflating) -> None:
    """Read a rectangle in zlib: its length, and Raw compressed."""
    height, width, _ = area.shape
    compressed = source.take(source.number())
    raw = stream.inflate(compressed, width * height * colours.raw_size)
    decode_raw(Source(raw), area, colours)


def copy_area(source: Source, area: Pixels, picture: Picture) -> None:
    """Read CopyRect: where on the screen the pixels are."""
    x, y = source.number(2), source.number(2)
    height, width, _ = area.shape
    area[:] = np.copy(picture.area(x, y, width, height))


def decode_rre(source: Source, area: Pixels, colours: Colours) -> None:
    """Read a rectangle in RRE: a background and rectangles of one colour."""
    _decode_rectangles(source, area, colours, _RRE)


def decode_corre(source: Source, area: Pixels, colours: Colours) -> None:
    """Read a rectangle in CoRRE, which is RRE with places of one byte."""
    _decode_rectangles(source, area, colours, _CORRE)


def _decode_rectangles(
    source: Source, area: Pixels, colours: Colours, layout: struct.Struct
) -> None:
    count = source.number()
    area[:] = colours.raw(source.take(colours.raw_size))[0]
    for _ in range(count):
        colour = colours.raw(source.take(colours.raw_size))[0]
        x, y, width, height = source.unpack(layout)
        area[y : y + height, x : x + width] = colour
