"""Binary frames of RFC 6455 in a dispatcher's buffer: headers are written in front of payload.

What is not an unfragmented binary frame is left to the leg's framing, which keeps all state.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import Struct

from ..masks import SMALL, mask, mask_small
from ..websocket_framing import WebSocketFraming

FINAL_BINARY = 0x82
LONGEST_SHORT = 125
_MASKED = 0x80
_KEY_SIZE = 4
_SHORT_HEAD, _MIDDLE_HEAD, _LONG_HEAD = Struct(">BB"), Struct(">BBH"), Struct(">BBQ")
_MIDDLE_SIZE, _LONG_SIZE = Struct(">H"), Struct(">Q")
_KEYS = Struct("<1024I")


def _new_keys() -> Iterator[int]:
    while True:
        yield from _KEYS.unpack(os.urandom(_KEYS.size))


_next_key = _new_keys().__next__
"""Returns a masking key that cannot be predicted; a system call for each would cost more."""


def write_head(buffer: bytearray, start: int, size: int, masked: int = 0) -> int:
    """Write a frame's header in front of its payload; returns where the frame begins.

    Args:
        start: where the payload begins, or the masking key in front of it.
        size: of the payload.
        masked: 0x80 where there is a key.
    """
    if size <= LONGEST_SHORT:
        start -= 2
        _SHORT_HEAD.pack_into(buffer, start, FINAL_BINARY, masked | size)
    elif size < 65536:
        start -= 4
        _MIDDLE_HEAD.pack_into(buffer, start, FINAL_BINARY, masked | 126, size)
    else:
        start -= 10
        _LONG_HEAD.pack_into(buffer, start, FINAL_BINARY, masked | 127, size)
    return start


def mask_frame(buffer: bytearray, view: memoryview, start: int, end: int) -> int:
    """Make a client's frame of payload, masked where it is; returns where the frame begins.

    Args:
        view: of the buffer.
    """
    key, size = _next_key(), end - start
    name = key.to_bytes(_KEY_SIZE, "little")
    payload = view[start:end]
    payload[:] = mask_small(payload, key, size) if size <= SMALL else mask(payload, name)
    start -= _KEY_SIZE
    buffer[start : start + _KEY_SIZE] = name
    return write_head(buffer, start, size, _MASKED)


def unmask_frames(buffer: bytearray, start: int, end: int) -> tuple[int, int]:
    """Unmask short, whole frames of a client, and move their payload together.

    Returns:
        Where the payload that begins at ``start`` ends, and where the rest begins.
    """
    at = out = start
    while end - at > 6 and buffer[at] == FINAL_BINARY:
        size = buffer[at + 1] - _MASKED
        payload = at + 6
        if not 0 < size <= LONGEST_SHORT or payload + size > end:
            break
        key = int.from_bytes(buffer[at + 2 : payload], "little")
        at = payload + size
        buffer[out : out + size] = mask_small(buffer[payload:at], key, size)
        out += size
    return out, at


def gather_payload(
    view: memoryview, framing: WebSocketFraming, start: int, end: int
) -> tuple[int, int, int]:
    """Move the payload of a server's frames together, also of those that are not whole.

    Returns:
        Where the payload begins, where it ends, and where the rest begins.
    """
    left = framing.payload_left
    if not left and not framing.between_messages:
        return start, start, start
    begin = out = at = start
    while at < end:
        if not left:
            payload, left = _read_head(view, at, end)
            if not left:
                break
            at = payload
        size = min(left, end - at)
        if out == begin:
            begin = out = at
        elif out != at:
            view[out : out + size] = view[at : at + size]
        out, at, left = out + size, at + size, left - size
    framing.set_payload_left(left)
    return begin, out, at


def _read_head(view: memoryview, at: int, end: int) -> tuple[int, int]:
    """Return where a frame's payload begins, and its size; size 0 for a frame to be left alone."""
    if end - at < 2 or view[at] != FINAL_BINARY:
        return at, 0
    size = view[at + 1]
    if size <= LONGEST_SHORT:
        return at + 2, size
    if size == 126 and end - at >= 4:
        return at + 4, _MIDDLE_SIZE.unpack_from(view, at + 2)[0]
    if size == 127 and end - at >= 10:
        size = _LONG_SIZE.unpack_from(view, at + 2)[0]
        return at + 10, 0 if size >> 63 else size
    return at, 0
