"""Images that all browsers show with the same pixels as decoders without colour management."""

from __future__ import annotations

from typing import Final

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_FIRST_LENGTH = 3
_FRAMES: Final = (0xC0, 0xC1, 0xC2)
_JFIF, _ICC, _LAST_OWN = 0xE0, 0xE1, 0xEF
_COMPONENTS: Final = (1, 3)


def is_plain_jpeg(rectangle: memoryview) -> bool:
    """Return whether a rectangle of Tight, from its control byte on, has such an image.

    One that has a colour profile, an orientation or four components is shown as each browser likes.
    """
    at = 1
    while rectangle[at] & 0x80 and at < _FIRST_LENGTH:
        at += 1
    return _has_plain_segments(rectangle[at + 1 :])


def _has_plain_segments(data: memoryview) -> bool:
    at, found_frame = 2, False
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SCAN:
            return found_frame
        if _ICC <= marker <= _LAST_OWN:
            return False
        if marker in _FRAMES:
            found_frame = at + 10 <= len(data) and data[at + 9] in _COMPONENTS
        at += 2 + max(2, length)
    return False
