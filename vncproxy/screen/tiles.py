"""Hextile, TRLE and ZRLE: rectangles of tiles (RFC 6143 sections 7.7.4 to 7.7.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UpstreamViolation
from .colours import Colours, Pixels
from .limits import CheckTime
from .source import Inflating, Source

_HEXTILE_SIDE, _TRLE_SIDE, _ZRLE_SIDE = 16, 16, 64
_RAW, _BACKGROUND, _FOREGROUND, _SUBRECTS, _COLOURED = 1, 2, 4, 8, 16

_SOLID, _LARGEST_PALETTE, _SAME_PALETTE, _RUNS, _RUNS_OF_SAME_PALETTE = 1, 16, 127, 128, 129
_LONGEST_HEAD = 1 + 127 * 4
"""Bytes of a tile before its pixels."""


def tiles(area: Pixels, side: int, check_time: CheckTime) -> Iterator[Pixels]:
    """Yield the tiles of an area, row by row; the last ones are smaller."""
    height, width, _ = area.shape
    for y in range(0, height if width else 0, side):
        check_time()
        for x in range(0, width, side):
            yield area[y : y + side, x : x + side]


def decode_hextile(source: Source, area: Pixels, colours: Colours, check_time: CheckTime) -> None:
    """Read a rectangle in Hextile."""
    size = colours.raw_size
    background = foreground = np.zeros(3, np.uint8)
    for tile in tiles(area, _HEXTILE_SIDE, check_time):
        mask = source.byte()
        if mask & _RAW:
            pixels = tile.shape[0] * tile.shape[1]
            tile[:] = colours.raw(source.take(pixels * size)).reshape(tile.shape)
            continue
        if mask & _BACKGROUND:
            background = colours.raw(source.take(size))[0]
        if mask & _FOREGROUND:
            foreground = colours.raw(source.take(size))[0]
        tile[:] = background
        for _ in range(source.byte() if mask & _SUBRECTS else 0):
            colour = colours.raw(source.take(size))[0] if mask & _COLOURED else foreground
            place, extent = source.byte(), source.byte()
            x, y = place >> 4, place & 15
            tile[y : y + (extent & 15) + 1, x : x + (extent >> 4) + 1] = colour


def decode_trle(source: Source, area: Pixels, colours: Colours, check_time: CheckTime) -> None:
    """Read a rectangle in TRLE."""
    _decode_tiles(source, area, colours, _TRLE_SIDE, check_time)


def decode_zrle(
    source: Source, area: Pixels, colours: Colours, stream: Inflating, check_time: CheckTime
) -> None:
    """Read a rectangle in ZRLE: its length, and tiles compressed."""
    height, width, _ = area.shape
    count = -(-height // _ZRLE_SIDE) * -(-width // _ZRLE_SIDE)
    most = width * height * (colours.compressed_size + 1) + count * _LONGEST_HEAD
    inflated = stream.inflate(source.take(source.number()), most)
    _decode_tiles(Source(inflated), area, colours, _ZRLE_SIDE, check_time)


def _decode_tiles(
    source: Source, area: Pixels, colours: Colours, side: int, check_time: CheckTime
) -> None:
    reader = _Tiles(source, colours)
    for tile in tiles(area, side, check_time):
        tile[:] = reader.read(tile.shape[1], tile.shape[0])


class _Tiles:
    """Reads the tiles of TRLE and ZRLE, which may have the palette of the tile before."""

    def __init__(self, source: Source, colours: Colours) -> None:
        self._source = source
        self._colours = colours
        self._palette = np.zeros((0, 3), np.uint8)

    def read(self, width: int, height: int) -> Pixels:
        """Return the pixels of the next tile."""
        kind, shape = self._source.byte(), (height, width, 3)
        if kind == 0:
            return self._pixels(width * height).reshape(shape)
        if kind == _SOLID:
            self._palette = self._pixels(1)
            return np.broadcast_to(self._palette[0], shape)
        if kind == _RUNS:
            return self._runs(width * height).reshape(shape)
        if kind in (_SAME_PALETTE, _RUNS_OF_SAME_PALETTE):
            if len(self._palette) < 2:
                raise UpstreamViolation("a tile with the palette of a tile that has none")
        else:
            self._palette = self._pixels(kind & 0x7F)
        found = self._indexed_runs(width * height) if kind > _RUNS else self._packed(width, height)
        return found.reshape(shape)

    def _pixels(self, count: int) -> Pixels:
        return self._colours.compressed(self._source.take(count * self._colours.compressed_size))

    def _packed(self, width: int, height: int) -> Pixels:
        count = len(self._palette)
        if count > _LARGEST_PALETTE:
            raise UpstreamViolation(f"packed indices of {count} colours")
        bits = 1 if count == 2 else 2 if count <= 4 else 4
        row = (width * bits + 7) // 8
        octets = np.frombuffer(self._source.take(row * height), np.uint8)
        shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
        values = (octets[:, None] >> shifts) & ((1 << bits) - 1)
        return self._chosen(values.reshape(height, -1)[:, :width])

    def _runs(self, pixels: int) -> Pixels:
        source, size = self._source, self._colours.compressed_size
        data, lengths, left = [], [], pixels
        while left > 0:
            data.append(source.take(size))
            lengths.append(self._run_length())
            left -= lengths[-1]
        return self._repeated(self._colours.compressed(b"".join(data)), lengths, left)

    def _indexed_runs(self, pixels: int) -> Pixels:
        indices, lengths, left = [], [], pixels
        while left > 0:
            index = self._source.byte()
            indices.append(index & 0x7F)
            lengths.append(self._run_length() if index & 0x80 else 1)
            left -= lengths[-1]
        return self._repeated(self._chosen(np.array(indices, np.uint8)), lengths, left)

    def _run_length(self) -> int:
        length = 1
        while (byte := self._source.byte()) == 0xFF:
            length += byte
        return length + byte

    def _repeated(self, pixels: Pixels, lengths: list[int], left: int) -> Pixels:
        if left < 0:
            raise UpstreamViolation(f"a run of {-left} pixels too many")
        return np.repeat(pixels, lengths, axis=0)

    def _chosen(self, indices: NDArray[Any]) -> Pixels:
        if indices.size and indices.max() >= len(self._palette):
            raise UpstreamViolation(f"index {indices.max()} of {len(self._palette)} colours")
        chosen: Pixels = self._palette[indices]
        return chosen
