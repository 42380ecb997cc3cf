"""Raw, CopyRect, RRE, CoRRE and zlib (RFC 6143 sections 7.7.1 to 7.7.3)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from .colours import Colours, Pixels
from .limits import CheckTime
from .picture import Picture
from .source import Inflating, Source

_RRE = struct.Struct(">HHHH")
_CORRE = struct.Struct(">BBBB")
_BAND = 1 << 17
"""Pixels that are converted at a time: their copies are as small as a band."""

_CHECKED = 16
"""Rectangles of RRE between two looks at the time: each may be as large as the screen."""


def decode_raw(source: Source, area: Pixels, colours: Colours) -> None:
    """Read a rectangle in Raw into an area."""
    for band in _bands(area):
        _fill(band, source.take(_raw_size(band, colours)), colours)


def decode_zlib(source: Source, area: Pixels, colours: Colours, stream: Inflating) -> None:
    """Read a rectangle in zlib: its length, and Raw compressed."""
    bands = list(_bands(area))
    sizes = [_raw_size(band, colours) for band in bands]
    for number, data in enumerate(stream.parts(source.view(source.number()), sizes)):
        _fill(bands[number], data, colours)


def _bands(area: Pixels) -> Iterator[Pixels]:
    """Yield an area in bands of rows, none where it has no pixels."""
    height, width, _ = area.shape
    rows = max(1, _BAND // width) if width else 1
    for y in range(0, height if width else 0, rows):
        yield area[y : y + rows]


def _raw_size(area: Pixels, colours: Colours) -> int:
    return int(area.shape[0] * area.shape[1] * colours.raw_size)


def _fill(area: Pixels, data: bytes, colours: Colours) -> None:
    area[:] = colours.raw(data).reshape(area.shape)


def copy_area(source: Source, area: Pixels, picture: Picture) -> None:
    """Read CopyRect: where on the screen the pixels are."""
    x, y = source.number(2), source.number(2)
    height, width, _ = area.shape
    area[:] = np.copy(picture.area(x, y, width, height))


def decode_rre(source: Source, area: Pixels, colours: Colours, check_time: CheckTime) -> None:
    """Read a rectangle in RRE: a background and rectangles of one colour."""
    _decode_rectangles(source, area, colours, _RRE, check_time)


def decode_corre(source: Source, area: Pixels, colours: Colours, check_time: CheckTime) -> None:
    """Read a rectangle in CoRRE, which is RRE with places of one byte."""
    _decode_rectangles(source, area, colours, _CORRE, check_time)


def _decode_rectangles(
    source: Source, area: Pixels, colours: Colours, layout: struct.Struct, check_time: CheckTime
) -> None:
    count = source.number()
    area[:] = colours.raw(source.take(colours.raw_size))[0]
    for number in range(count):
        if number % _CHECKED == 0:
            check_time()
        colour = colours.raw(source.take(colours.raw_size))[0]
        x, y, width, height = source.unpack(layout)
        area[y : y + height, x : x + width] = colour
