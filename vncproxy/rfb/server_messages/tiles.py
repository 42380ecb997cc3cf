"""Rectangles of tiles of 16 by 16 pixels: Hextile and TRLE (RFC 6143 sections 7.7.4 and 7.7.5)."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ...errors import UpstreamViolation
from .layout import PixelLayout
from .walking import Walk

_SIDE = 16
_RAW, _BACKGROUND, _FOREGROUND, _SUBRECTS, _COLOURED = 1, 2, 4, 8, 16
_ALL = _RAW | _BACKGROUND | _FOREGROUND | _SUBRECTS | _COLOURED

_SOLID, _LARGEST_PALETTE, _SAME_PALETTE, _RUNS, _RUNS_OF_SAME_PALETTE = 1, 16, 127, 128, 129


def walk_hextile(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over a rectangle in Hextile."""
    pixel = layout.pixel
    for tile_width, tile_height in _tiles(width, height):
        mask = (yield 1)[0]
        if mask & _RAW:
            yield -tile_width * tile_height * pixel
            continue
        if mask > _ALL:
            raise UpstreamViolation(f"Hextile tile with mask {mask}")
        colours = pixel * (bool(mask & _BACKGROUND) + bool(mask & _FOREGROUND))
        if mask & _SUBRECTS:
            count = (yield colours + 1)[colours]
            yield -count * (2 + pixel if mask & _COLOURED else 2)
        elif colours:
            yield -colours


def walk_trle(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over a rectangle in TRLE."""
    pixel, palette = layout.compressed, 0
    for tile_width, tile_height in _tiles(width, height):
        kind = (yield 1)[0]
        if kind == 0:
            yield -tile_width * tile_height * pixel
        elif kind == _SOLID:
            yield -pixel
            palette = 1
        elif kind <= _LARGEST_PALETTE:
            palette = kind
            yield -palette * pixel
            yield -_packed(tile_width, tile_height, palette)
        elif kind == _SAME_PALETTE:
            yield -_packed(tile_width, tile_height, _known(palette))
        elif kind == _RUNS:
            yield from _runs(tile_width * tile_height, pixel)
        elif kind == _RUNS_OF_SAME_PALETTE:
            yield from _indexed_runs(tile_width * tile_height, _known(palette))
        elif kind > _RUNS_OF_SAME_PALETTE:
            palette = kind - _RUNS
            yield -palette * pixel
            yield from _indexed_runs(tile_width * tile_height, palette)
        else:
            raise UpstreamViolation(f"TRLE tile of kind {kind}")


def _tiles(width: int, height: int) -> Iterator[tuple[int, int]]:
    # without width, 12 bytes of a server would cost thousands of turns
    for y in range(0, height if width else 0, _SIDE):
        tile_height = min(_SIDE, height - y)
        for x in range(0, width, _SIDE):
            yield min(_SIDE, width - x), tile_height


def _known(palette: int) -> int:
    if palette < 2:
        raise UpstreamViolation("TRLE tile with the palette of a tile that has none")
    return palette


def _packed(width: int, height: int, palette: int) -> int:
    if palette > _LARGEST_PALETTE:
        raise UpstreamViolation(f"TRLE tile with packed indices of {palette} colours")
    bits = 1 if palette == 2 else 2 if palette <= 4 else 4
    return (width * bits + 7) // 8 * height


def _runs(pixels: int, size: int) -> Walk:
    while pixels > 0:
        yield -size
        pixels -= yield from _run_length()
    _check_end(pixels)


def _indexed_runs(pixels: int, palette: int) -> Walk:
    while pixels > 0:
        index = (yield 1)[0]
        if index & 0x7F >= palette:
            raise UpstreamViolation(f"TRLE index {index & 0x7F} of {palette} colours")
        pixels -= (yield from _run_length()) if index & 0x80 else 1
    _check_end(pixels)


def _run_length() -> Generator[int, bytes, int]:
    length = 1
    while (byte := (yield 1)[0]) == 0xFF and length <= _SIDE * _SIDE:
        length += byte
    return length + byte


def _check_end(pixels: int) -> None:
    if pixels < 0:
        raise UpstreamViolation(f"TRLE run of {-pixels} pixels too many")
