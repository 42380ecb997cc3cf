"""PNG images of pixels that compress badly: browsers decode them faster than noVNC inflates."""

from __future__ import annotations

import struct
import zlib
from typing import Final

import numpy as np

from ..screen.colours import Pixels

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_SIZE: Final = struct.Struct(">II")
_RGB: Final = bytes((8, 2, 0, 0, 0))
"""Depth, type of colour, compression, filter, and no interlace."""

_SUB: Final = 1
"""The filter of each row: the difference to the pixel on the left."""


def png(pixels: Pixels) -> bytes:
    """Return pixels as an image (RFC 2083): no string but runs is sought in them, which is fast."""
    height, width, _ = pixels.shape
    flat = pixels.reshape(height, 3 * width)
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = _SUB
    rows[:, 1:4] = flat[:, :3]
    np.subtract(flat[:, 3:], flat[:, :-3], out=rows[:, 4:])
    packing = zlib.compressobj(strategy=zlib.Z_RLE)
    packed = packing.compress(rows.data) + packing.flush()
    head = _chunk(b"IHDR", _SIZE.pack(width, height) + _RGB)
    return _SIGNATURE + head + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + kind + data + check
