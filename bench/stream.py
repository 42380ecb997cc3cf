"""A blocking connection, raw or in WebSocket frames: the same few verbs for client and server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

from .frames import CLOSE, PING, PONG, FrameReader, frame

BUFFER = 1 << 18
TIME_LIMIT = 20.0


class _Space(threading.local):
    """One receive buffer per thread: what it holds is used up before the next read."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(BUFFER))


_space = _Space()


class Stream:
    """One connection after its HTTP part.

    Args:
        framed: whether it speaks WebSocket.
        key: what to mask with; a client has one, a server has none.
        early: bytes that came behind the HTTP header.

    Attributes:
        socket: the connection.
        reads: how many times something was received.
        pongs: payloads of the pongs that came.
    """

    def __init__(
        self, connection: socket.socket, *, framed: bool, key: bytes = b"", early: bytes = b""
    ) -> None:
        self.socket = connection
        self.reads = 0
        self.pongs: list[bytes] = []
        self._key = key
        self._frames = FrameReader(self._control) if framed else None
        self._space = _space.view
        self._ready = bytearray()
        for piece in self._pieces(memoryview(early)):
            self._ready += piece

    @property
    def ready(self) -> int:
        """How much payload was received and not yet asked for."""
        return len(self._ready)

    def encode(self, payload: bytes) -> bytes:
        """Return what one message is on the wire."""
        return frame(payload, key=self._key) if self._frames else payload

    def incoming_size(self, size: int) -> int:
        """Return the size on the wire of the other side's message of less than 126 bytes."""
        return size + ((2 if self._key else 6) if self._frames else 0)

    def send(self, payload: bytes) -> None:
        """Send one message."""
        self.socket.sendall(self.encode(payload))

    def receive(self, size: int) -> bytes:
        """Return exactly so many bytes of payload."""
        while len(self._ready) < size:
            for piece in self._pieces(self._read()):
                self._ready += piece
        found = bytes(self._ready[:size])
        del self._ready[:size]
        return found

    def count(self) -> int:
        """Receive once, and return how much payload that was; its content is not looked at."""
        if self._ready:
            size = len(self._ready)
            self._ready.clear()
            return size
        data = self._read()
        if self._frames is None:
            return len(data)
        self._frames.unmask = False
        return sum(map(len, self._frames.feed(data)))

    def close(self) -> None:
        """Say goodbye as a browser does, and wait for the other end."""
        try:
            if self._frames:
                self.socket.sendall(frame((1000).to_bytes(2, "big"), CLOSE, key=self._key))
            else:
                self.socket.shutdown(socket.SHUT_WR)
            while self._read():
                pass
        except (OSError, EOFError):
            pass
        self.socket.close()

    def _read(self) -> memoryview:
        size = self.socket.recv_into(self._space)
        if not size:
            raise EOFError("the other side closed the connection")
        self.reads += 1
        return self._space[:size]

    def _pieces(self, data: memoryview) -> Iterator[bytes | memoryview]:
        return self._frames.feed(data) if self._frames else iter((data,))

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.socket.sendall(frame(payload, PONG, key=self._key))
        elif opcode == PONG:
            self.pongs.append(payload)
        elif opcode == CLOSE and not self._key:
            self.socket.sendall(frame(payload, CLOSE))
            raise EOFError("the client said goodbye")


def read_header(connection: socket.socket) -> tuple[bytes, bytes]:
    """Read an HTTP header; returns it and what came behind."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise EOFError(f"closed within an HTTP header, after {data[:80]!r}")
        data += piece
    header, _, rest = data.partition(b"\r\n\r\n")
    return header, rest
