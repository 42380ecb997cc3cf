"""The messages of RFB that press and release keys."""

from __future__ import annotations

import struct
from typing import Final

from ..rfb import encodings as e
from .keys import Key

_KEY: Final = struct.Struct(">BBxxI")
_QEMU_KEY: Final = struct.Struct(">BBHII")

ENCODINGS: Final = (e.RAW, e.QEMU_KEY)
"""Those that a viewer announces which types, and looks at nothing."""

ANNOUNCE: Final = struct.pack(f">BxH{len(ENCODINGS)}i", 2, len(ENCODINGS), *ENCODINGS)
"""SetEncodings with them."""

ASK: Final = struct.pack(">BBHHHH", 3, 0, 0, 0, 1, 1)
"""FramebufferUpdateRequest for one pixel, which a server answers at once."""


def key_message(key: Key, *, down: bool, codes: bool) -> bytes:
    """Return the message that presses or releases a key.

    Args:
        codes: whether the server takes scan codes (QEMU's extended key message).
    """
    if codes:
        return _QEMU_KEY.pack(255, 0, down, key.keysym, key.scancode)
    return _KEY.pack(4, down, key.keysym)
