"""Frames as RFC 6455 section 5 draws them, written without our own encoder."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

from vncproxy.relay.framing import FrameError, Framing
from vncproxy.relay.websocket_framing import WebSocketFraming

KEY = bytes.fromhex("37fa213d")


CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


SIZES = (0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 511, 512, 513, 65535, 65536, 65537)


def masked(payload: bytes, key: bytes = KEY) -> bytes:
    """Mask octet by octet, as in section 5.3."""
    return bytes(a ^ b for a, b in zip(payload, cycle(key), strict=False))


def frame(
    opcode: int, payload: bytes = b"", *, final: bool = True, key: bytes | None = KEY
) -> bytes:
    """Return a frame as section 5.2 draws it; masked, as a browser's, unless there is no key."""
    size, bit = len(payload), 0x80 if key is not None else 0
    head = bytes([final << 7 | opcode])
    if size < 126:
        head += bytes([bit | size])
    elif size < 2**16:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    return head + (payload if key is None else key + masked(payload, key))


@dataclass(frozen=True)
class Received:
    """What a framing made of a stream."""

    payload: bytes
    replies: list[bytes]
    close_received: bool
    error: str


def receive(framing: Framing, pieces: list[bytes]) -> Received:
    payload, replies, error = b"", [], ""
    for piece in pieces:
        try:
            payload += framing.receive(piece)
        except FrameError as e:
            error = e.detail
        if reply := framing.replies():
            replies.append(reply)
    return Received(payload, replies, framing.close_received, error)


def from_browser(*pieces: bytes) -> Received:
    return receive(WebSocketFraming(), list(pieces))


def from_server(*pieces: bytes) -> Received:
    return receive(WebSocketFraming(client=True), list(pieces))
