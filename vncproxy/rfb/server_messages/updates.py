"""Framebuffer updates: rectangles of the known encodings, by their length."""

from __future__ import annotations

import struct
from collections.abc import Callable

from ...errors import UpstreamViolation
from .. import encodings as e
from .format_changes import FormatChanges
from .images import (
    walk_corre,
    walk_cursor_with_alpha,
    walk_h264,
    walk_jpeg,
    walk_prefixed,
    walk_rre,
    walk_screens,
    walk_vmware_cursor,
)
from .layout import PixelLayout
from .tight import walk_tight
from .tiles import walk_hextile, walk_trle
from .walking import Walk

_RECTANGLE = struct.Struct(">4xHHi")

_Length = Callable[[int, int, PixelLayout], int]
_Walker = Callable[[int, int, PixelLayout], Walk]


def walk_update(head: bytes, formats: FormatChanges) -> Walk:
    """Walk over an update.

    Raises:
        UpstreamViolation: it has an encoding that is not known, or that is malformed.
    """
    layout, shows_pixels = formats.begin_update(), False
    count = int.from_bytes(head[2:4], "big")
    for _ in range(count):
        width, height, encoding = _RECTANGLE.unpack((yield 12))
        if encoding in CURSORS:
            formats.note_cursor(asked=count > 1 and encoding == e.CURSOR)
        if encoding in _WALKERS:
            yield from _WALKERS[encoding](width, height, layout)
        elif encoding in _LENGTHS:
            yield -_LENGTHS[encoding](width, height, layout)
        elif encoding == e.LAST_RECT:
            break
        else:
            raise UpstreamViolation(f"a rectangle in the encoding {encoding}, which is not known")
        if not shows_pixels and encoding in PICTURES:
            shows_pixels = True
            formats.note_pixels()
    formats.end_update()


def _nothing(width: int, height: int, layout: PixelLayout) -> int:
    return 0


def _fixed(length: int) -> _Length:
    return lambda width, height, layout: length


def _mask(width: int, height: int) -> int:
    return (width + 7) // 8 * height


def _cursor(width: int, height: int, layout: PixelLayout) -> int:
    return width * height * layout.pixel + _mask(width, height)


def _x_cursor(width: int, height: int, layout: PixelLayout) -> int:
    return 6 + 2 * _mask(width, height) if width * height else 0


_LENGTHS: dict[int, _Length] = {
    e.RAW: lambda width, height, layout: width * height * layout.pixel,
    e.COPY_RECT: _fixed(4),
    e.DESKTOP_SIZE: _nothing,
    e.POINTER_POSITION: _nothing,
    e.CURSOR: _cursor,
    e.X_CURSOR: _x_cursor,
    e.QEMU_POINTER_MOTION: _nothing,
    e.QEMU_KEY: _nothing,
    e.QEMU_AUDIO: _nothing,
    e.QEMU_LED: _fixed(1),
    e.EXTENDED_MOUSE_BUTTONS: _nothing,
    e.VMWARE_CURSOR_STATE: _fixed(2),
    e.VMWARE_CURSOR_POSITION: _nothing,
    e.VMWARE_KEY_REPEAT: _fixed(10),
    e.VMWARE_LED: _fixed(4),
    e.VMWARE_DISPLAY_MODE: _fixed(16),
    e.VMWARE_MACHINE_STATE: _fixed(2),
}

_WALKERS: dict[int, _Walker] = {
    e.RRE: walk_rre,
    e.CORRE: walk_corre,
    e.HEXTILE: walk_hextile,
    e.ZLIB: walk_prefixed,
    e.TIGHT: walk_tight,
    e.ULTRA: walk_prefixed,
    e.TRLE: walk_trle,
    e.ZRLE: walk_prefixed,
    e.ZYWRLE: walk_prefixed,
    e.JPEG: walk_jpeg,
    e.H264: walk_h264,
    e.TIGHT_PNG: walk_tight,
    e.DESKTOP_NAME: walk_prefixed,
    e.EXTENDED_DESKTOP_SIZE: walk_screens,
    e.CURSOR_WITH_ALPHA: walk_cursor_with_alpha,
    e.VMWARE_CURSOR: walk_vmware_cursor,
}

PICTURES = frozenset(
    {
        *(e.RAW, e.COPY_RECT, e.RRE, e.CORRE, e.HEXTILE, e.ZLIB, e.TIGHT, e.ULTRA, e.TRLE),
        *(e.ZRLE, e.ZYWRLE, e.JPEG, e.H264, e.TIGHT_PNG),
    }
)
"""The encodings of pixels; an update with one of them answers a request."""

CURSORS = frozenset({e.CURSOR, e.VMWARE_CURSOR})
"""The encodings of cursors whose length depends on the pixel format; servers send them unasked."""

KNOWN_ENCODINGS = frozenset({*_LENGTHS, *_WALKERS, e.LAST_RECT})
"""The encodings of rectangles whose length is known."""
