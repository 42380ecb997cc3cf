"""A viewer that costs next to nothing: it goes through a door, greets, and gives one command."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import struct
from dataclasses import dataclass

from .frames import KEY
from .stream import TIME_LIMIT, Stream, read_header

BANNER = b"RFB 003.008\n"


@dataclass(frozen=True)
class Door:
    """One way in, good for one session.

    Attributes:
        port: on 127.0.0.1.
        kind: ``ws``, ``wss``, ``connect`` (CONNECT, then RFB) or ``tcp`` (RFB at once).
        token: what the proxy finds the console by; empty where it needs none.
    """

    port: int
    kind: str
    token: str = ""


def enter(door: Door) -> Stream:
    """Open a session, up to and including ServerInit."""
    connection = socket.create_connection(("127.0.0.1", door.port), TIME_LIMIT)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if door.kind == "wss":
            connection = _tls().wrap_socket(connection, server_hostname="localhost")
        stream = _stream(connection, door)
        _greet(stream)
    except BaseException:
        connection.close()
        raise
    return stream


def command(stream: Stream, *words: object) -> None:
    """Tell the fake server what to do, as a ClientCutText message."""
    text = " ".join(map(str, words)).encode()
    stream.send(struct.pack(">B3xI", 6, len(text)) + text)


def _stream(connection: socket.socket, door: Door) -> Stream:
    if door.kind == "tcp":
        return Stream(connection, framed=False)
    if door.kind == "connect":
        connection.sendall(f"CONNECT /console?token={door.token} HTTP/1.0\r\n\r\n".encode())
        status, early = read_header(connection)
        _expect(status, b"HTTP/1.1 200 ")
        return Stream(connection, framed=False, early=early)
    scheme = "https" if door.kind == "wss" else "http"
    host = f"{'localhost' if door.kind == 'wss' else '127.0.0.1'}:{door.port}"
    connection.sendall(
        f"GET /websockify?token={door.token} HTTP/1.1\r\nHost: {host}\r\n"
        f"Origin: {scheme}://{host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n".encode()
    )
    status, early = read_header(connection)
    _expect(status, b"HTTP/1.1 101 ")
    return Stream(connection, framed=True, key=KEY, early=early)


def _greet(stream: Stream) -> None:
    if stream.receive(12) != BANNER:
        raise EOFError("not an RFB 3.8 server")
    stream.send(BANNER)
    types = stream.receive(stream.receive(1)[0])
    if not types:
        reason = stream.receive(int.from_bytes(stream.receive(4), "big"))
        raise EOFError(f"refused: {reason.decode(errors='replace')}")
    stream.send(b"\x01")
    if stream.receive(4) != bytes(4):
        raise EOFError("security failed")
    stream.send(b"\x01")
    stream.receive(int.from_bytes(stream.receive(24)[20:], "big"))


def _expect(header: bytes, start: bytes) -> None:
    if not header.startswith(start):
        raise EOFError(f"answered {header.splitlines()[0]!r}")


_context: ssl.SSLContext | None = None


def _tls() -> ssl.SSLContext:
    """Return settings without verification: its cost is the client's."""
    global _context
    if _context is None:
        _context = ssl.create_default_context()
        _context.check_hostname = False
        _context.verify_mode = ssl.CERT_NONE
    return _context
