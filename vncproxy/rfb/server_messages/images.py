"""Rectangles that have a length of their own: JPEG, cursors, names, and what others prefix."""

from __future__ import annotations

from ...errors import UpstreamViolation
from .. import encodings
from .layout import PixelLayout
from .walking import FIND_FF, Walk

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_STUFFED, _FILL, _TEMPORARY = 0x00, 0xFF, 0x01
_RESTARTS = range(0xD0, 0xD8)
_RGBA = PixelLayout(4, 0, 4)


def walk_rre(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over a rectangle in RRE: its subrectangles have 8 bytes besides the colour."""
    count = int.from_bytes((yield 4), "big")
    yield -layout.pixel - count * (layout.pixel + 8)


def walk_corre(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over a rectangle in CoRRE: its subrectangles have 4 bytes besides the colour."""
    count = int.from_bytes((yield 4), "big")
    yield -layout.pixel - count * (layout.pixel + 4)


def walk_prefixed(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over 4 bytes of length and so many bytes: zlib, ZRLE, the desktop's name."""
    yield -int.from_bytes((yield 4), "big")


def walk_h264(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over 4 bytes of length, 4 of flags, and so many bytes."""
    yield -4 - int.from_bytes((yield 4), "big")


def walk_screens(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over the monitors of ExtendedDesktopSize."""
    yield -16 * (yield 4)[0]


def walk_vmware_cursor(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over a cursor: two masks in the pixel format, or colours with alpha."""
    kind = (yield 2)[0]
    if kind > 1:
        raise UpstreamViolation(f"VMware cursor of kind {kind}")
    yield -width * height * (4 if kind else 2 * layout.pixel)


def walk_cursor_with_alpha(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over a cursor of 4 bytes a pixel, in one of the encodings that say their length."""
    encoding = int.from_bytes((yield 4), "big", signed=True)
    if encoding == encodings.RAW:
        yield -width * height * _RGBA.pixel
    elif encoding in (encodings.ZLIB, encodings.ZRLE):
        yield from walk_prefixed(width, height, _RGBA)
    else:
        raise UpstreamViolation(f"cursor with alpha in the encoding {encoding}")


def walk_jpeg(width: int, height: int, layout: PixelLayout) -> Walk:
    """Walk over an image up to its end marker (ITU T.81 annex B): no length precedes it."""
    if (yield 2) != bytes([0xFF, _START]):
        raise UpstreamViolation("JPEG rectangle without a start marker")
    in_scan = False
    while True:
        if in_scan:
            yield FIND_FF
        elif (yield 1)[0] != 0xFF:
            raise UpstreamViolation("JPEG rectangle without a marker between two segments")
        marker = (yield 1)[0]
        while marker == _FILL:
            marker = (yield 1)[0]
        if marker == _END:
            return
        if marker in _RESTARTS or marker in (_STUFFED, _TEMPORARY):
            continue
        yield -_segment_length((yield 2))
        in_scan = marker == _SCAN


def _segment_length(head: bytes) -> int:
    length = int.from_bytes(head, "big")
    if length < 2:
        raise UpstreamViolation(f"JPEG segment of {length} bytes")
    return length - 2
