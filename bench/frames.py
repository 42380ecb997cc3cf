"""Just enough of WebSocket framing (RFC 6455 section 5) to be cheaper than what is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

CONTINUATION, BINARY, CLOSE, PING, PONG = 0, 2, 8, 9, 10
KEY = b"\x9d\x31\xe7\x55"
"""Masks what is sent again and again; a proxy cannot tell it from a random one."""


def frame(payload: bytes, opcode: int = BINARY, *, fin: bool = True, key: bytes = b"") -> bytes:
    """Return one frame, masked when there is a key."""
    size, masked = len(payload), 0x80 if key else 0
    head = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head += bytes([masked | size])
    elif size < 65536:
        head += bytes([masked | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([masked | 127]) + size.to_bytes(8, "big")
    return head + key + (mask(payload, key) if key else payload)


def mask(payload: bytes, key: bytes, offset: int = 0) -> bytes:
    """Apply a masking key, as from a place within the frame's payload."""
    size = len(payload)
    turned = key[offset % 4 :] + key[: offset % 4]
    repeated = (turned * (size // 4 + 1))[:size]
    both = int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")
    return both.to_bytes(size, "little")


class FrameReader:
    """Takes a stream of frames apart, however it is cut.

    Args:
        control: gets opcode and payload of each control frame.
        unmask: whether payload is unmasked; what is only counted need not be.
    """

    def __init__(self, control: Callable[[int, bytes], None], *, unmask: bool = True) -> None:
        self.unmask = unmask
        self._control = control
        self._head = bytearray()
        self._left = 0
        self._key = b""
        self._offset = 0

    def feed(self, data: memoryview) -> Iterator[bytes | memoryview]:
        """Yield the pieces of payload, which hold for as long as ``data`` does."""
        at, end = 0, len(data)
        while at < end:
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                yield self._payload(piece)
                continue
            more = data[at : at + self._wanted() - len(self._head)]
            self._head += more
            at += len(more)
            if len(self._head) >= 2 and len(self._head) == self._wanted():
                self._begin()

    def _payload(self, piece: memoryview) -> bytes | memoryview:
        self._left -= len(piece)
        if not self._key or not self.unmask:
            return piece
        plain = mask(bytes(piece), self._key, self._offset)
        self._offset += len(piece)
        return plain

    def _wanted(self) -> int:
        """Return how long the header is, with the whole of a control frame."""
        head = self._head
        if len(head) < 2:
            return 2
        short = head[1] & 127
        size = 2 + (2 if short == 126 else 8 if short == 127 else 0) + (4 if head[1] & 128 else 0)
        return size + (short if head[0] & 8 else 0)

    def _begin(self) -> None:
        head, short = bytes(self._head), self._head[1] & 127
        self._head.clear()
        after = 2 + (2 if short == 126 else 8 if short == 127 else 0)
        size = int.from_bytes(head[2:after], "big") if short > 125 else short
        key = head[after : after + 4] if head[1] & 128 else b""
        if head[0] & 8:
            payload = head[after + len(key) :]
            self._control(head[0] & 15, mask(payload, key) if key else payload)
        else:
            self._left, self._key, self._offset = size, key, 0
