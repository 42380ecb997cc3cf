"""Frames of browsers and of servers, as RFC 6455 section 5.2 draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.trial.unittest import SynchronousTestCase

if TYPE_CHECKING:
    _Case = SynchronousTestCase
else:
    _Case = object


ROOM = 4096


TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A


KEY = b"\x37\xfa\x21\x3d"


def masked(opcode: int, payload: bytes = b"") -> bytes:
    """A client's frame, as RFC 6455 section 5.2 draws it."""
    size = len(payload)
    if size < 126:
        head = bytes((opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + KEY + bytes(byte ^ KEY[i % 4] for i, byte in enumerate(payload))


def frames(data: bytes) -> list[tuple[int, bytes]]:
    """Take a server's unmasked frames apart."""
    found, rest = whole_frames(data)
    assert not rest, f"{len(rest)} bytes of an unfinished frame"
    return found


def whole_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Take the frames that are complete; returns the rest as well."""
    found, begin = [], 0
    while len(data) - begin >= 2:
        size, at = data[begin + 1], begin + 2
        if size >= 126:
            at = begin + (4 if size == 126 else 10)
            size = int.from_bytes(data[begin + 2 : at], "big")
        if len(data) < at + size:
            break
        found.append((data[begin], data[at : at + size]))
        begin = at + size
    return found, data[begin:]
