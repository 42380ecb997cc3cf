"""Whether a proxy is right, before it may be fast: every byte, pings, fragments and odd cuts."""

from __future__ import annotations

import hashlib
import random
import socket
from collections.abc import Iterator
from multiprocessing.connection import Connection

from .client import Door, command, enter
from .frames import BINARY, CONTINUATION, PING, frame
from .server import messages
from .stream import Stream

TOTAL = 8_000_000
SESSIONS = 4
"""How many doors a verification takes."""


def verify(pipe: Connection, doors: list[Door]) -> None:
    """Verify one proxy; raises what is wrong."""
    framed = doors[0].kind in ("ws", "wss")
    _down(enter(doors[0]))
    _up(enter(doors[1]), framed)
    _both(enter(doors[2]))
    _ends(enter(doors[3]))


def _down(stream: Stream) -> None:
    expected = b"".join(messages(1, TOTAL))
    command(stream, "pattern", 1, TOTAL)
    if stream.receive(TOTAL) != expected:
        raise ValueError("bytes to the viewer differ")
    stream.close()


def _up(stream: Stream, framed: bool) -> None:
    sent = messages(2, TOTAL)
    command(stream, "digest", TOTAL)
    pings: list[bytes] = []
    wire = b"".join(_frames(sent, pings) if framed else sent)
    for piece in _cuts(wire):
        stream.socket.sendall(piece)
    if stream.receive(32) != hashlib.sha256(b"".join(sent)).digest():
        raise ValueError("bytes from the viewer differ")
    if not _answered(stream, pings):
        raise ValueError(f"{len(stream.pongs)} pongs do not fit {len(pings)} pings")
    stream.close()


def _answered(stream: Stream, pings: list[bytes]) -> bool:
    """Tell whether the last ping was answered, and what was answered is in order.

    Of several pings at once only the newest needs an answer (RFC 6455 section 5.5.3).
    """
    while pings and pings[-1] not in stream.pongs:
        stream.count()
    left = iter(pings)
    return all(pong in left for pong in stream.pongs)


def _both(stream: Stream) -> None:
    """Write and read at the same time, at the pace of the slower direction."""
    sent, found = b"".join(messages(3, TOTAL // 8)), b""
    command(stream, "copy", len(sent))
    for at in range(0, len(sent), 5003):
        stream.send(sent[at : at + 5003])
        found += stream.receive(min(5003, len(sent) - at) // 1021 * 1021)
    found += stream.receive(len(sent) - len(found))
    if found != sent:
        raise ValueError("bytes both ways differ")
    stream.close()


def _ends(stream: Stream) -> None:
    """Keep the server waiting for a viewer that leaves without a word."""
    command(stream, "echo", 6)
    stream.send(b"abcdef")
    stream.receive(6)
    stream.socket.shutdown(socket.SHUT_RDWR)
    stream.socket.close()


def _frames(sent: list[bytes], pings: list[bytes]) -> Iterator[bytes]:
    """Frame messages with random keys; some in fragments, with pings between and within."""
    source = random.Random(4)
    for number, message in enumerate(sent):
        parts: tuple[bytes, ...]
        if len(message) > 4 and number % 3 == 0:
            third = len(message) // 3
            parts = message[:third], message[third : 2 * third], message[2 * third :]
        else:
            parts = (message,)
        for index, part in enumerate(parts):
            opcode = CONTINUATION if index else BINARY
            yield frame(part, opcode, fin=index == len(parts) - 1, key=source.randbytes(4))
            if number % 10 == 0:
                pings.append(source.randbytes(source.choice((4, 25, 125))))
                yield frame(pings[-1], PING, key=source.randbytes(4))


def _cuts(wire: bytes) -> Iterator[bytes]:
    """Cut the stream oddly, first byte by byte."""
    source = random.Random(5)
    yield from (wire[at : at + 1] for at in range(3000))
    at = 3000
    while at < len(wire):
        size = source.choice((1, 2, 3, 5, 13, 999, 70_000, 200_001))
        yield wire[at : at + size]
        at += size
