"""Rectangles in Tight and TightPNG."""

from __future__ import annotations

from collections.abc import Generator

from ...errors import UpstreamViolation
from .layout import PixelLayout
from .walking import Walk

_FILL, _JPEG, _PNG = 8, 9, 10
_HAS_FILTER = 4
_COPY, _PALETTE, _GRADIENT = 0, 1, 2
_LEAST_COMPRESSED = 12
"""Fewer bytes of pixels are sent as they are, without a length."""


def walk_tight(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over a rectangle; the length of what is compressed precedes it."""
    method = (yield 1)[0] >> 4
    if method in (_JPEG, _PNG):
        yield from _compressed()
        return
    pixel = layout.tight
    if not pixel:
        raise UpstreamViolation("Tight with a pixel format of 32 bits of which 24 are not used")
    if method == _FILL:
        yield -pixel
    elif method < _FILL:
        size = yield from _basic(width, height, pixel, has_filter=bool(method & _HAS_FILTER))
        if size < _LEAST_COMPRESSED:
            yield -size
        else:
            yield from _compressed()
    else:
        raise UpstreamViolation(f"Tight rectangle of method {method}")


def _basic(width: int, height: int, pixel: int, *, has_filter: bool) -> Generator[int, bytes, int]:
    """Pass over filter and palette; returns the size of the pixels before compression."""
    filter_id = (yield 1)[0] if has_filter else _COPY
    if filter_id in (_COPY, _GRADIENT):
        return width * height * pixel
    if filter_id != _PALETTE:
        raise UpstreamViolation(f"Tight filter {filter_id}")
    colours = (yield 1)[0] + 1
    yield -colours * pixel
    return (width + 7) // 8 * height if colours == 2 else width * height


def _compressed() -> Walk:
    """Pass over a length of one to three bytes and so many bytes."""
    byte = (yield 1)[0]
    length = byte & 0x7F
    if byte & 0x80:
        byte = (yield 1)[0]
        length |= (byte & 0x7F) << 7
        if byte & 0x80:
            length |= (yield 1)[0] << 14
    yield -length
