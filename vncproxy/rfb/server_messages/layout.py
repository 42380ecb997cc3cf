"""How many bytes a pixel has in each encoding."""

from __future__ import annotations

from typing import NamedTuple

from ..pixels import PixelFormat

_BYTE = 255
_LOW, _HIGH = 0xFFFFFF, 0xFFFFFF00


class PixelLayout(NamedTuple):
    """The sizes of one pixel in bytes.

    Attributes:
        pixel: in Raw and most other encodings.
        tight: of a TPIXEL of Tight; 0 where servers differ about it.
        compressed: of a CPIXEL of TRLE.
    """

    pixel: int
    tight: int
    compressed: int


def pixel_layout(pixel_format: PixelFormat) -> PixelLayout:
    """Return the sizes of a pixel of this format."""
    size = pixel_format.bytes_per_pixel
    return PixelLayout(size, _tight(pixel_format), _compressed(pixel_format))


def _tight(pixel_format: PixelFormat) -> int:
    """Return 3 where each colour has 8 bits of 24.

    QEMU ignores the depth and TigerVNC does not, so another depth has no size.
    """
    size = pixel_format.bytes_per_pixel
    whole_bytes = all(largest == _BYTE for largest, _ in pixel_format.channels)
    if size != 4 or not whole_bytes:
        return size
    return 3 if pixel_format.depth == 24 else 0


def _compressed(pixel_format: PixelFormat) -> int:
    """Return 3 where three of four bytes have all colours (RFC 6143 section 7.7.5)."""
    size = pixel_format.bytes_per_pixel
    if size != 4 or pixel_format.depth > 24:
        return size
    used = sum(largest << shift for largest, shift in pixel_format.channels)
    return 3 if not used & ~_LOW or not used & ~_HIGH else 4
