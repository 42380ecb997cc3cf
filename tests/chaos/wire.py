"""A user's connection, whose bytes are awaited."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from tests.doubles.frames import BINARY, CLOSE, PING, PONG, masked, whole_frames


class Closed(Exception):
    """The connection has ended.

    Args:
        code: of the web socket; 1006 without one.
        text: the gateway's sentence.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


class Wire(Protocol):
    """A connection whose bytes are awaited: first HTTP, then the messages of a web socket."""

    def __init__(self) -> None:
        self._raw = self._data = b""
        self._framed = self._is_lost = False
        self._ended: Closed | None = None
        self._waiting: Deferred[None] | None = None

    def dataReceived(self, data: bytes) -> None:
        self._raw += data
        if self._framed:
            self._unframe()
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._ended = self._ended or Closed(1006, "")
        self._is_lost = True
        self._wake()

    def leave(self) -> None:
        """Close the connection, if it is there."""
        if self.transport is not None and not self._is_lost:
            transport: Any = self.transport
            transport.abortConnection()

    async def read_header(self) -> str:
        """Return an HTTP header."""
        while b"\r\n\r\n" not in self._raw:
            await self._more()
        header, _, self._raw = self._raw.partition(b"\r\n\r\n")
        return header.decode("latin-1")

    async def read_rest(self) -> str:
        """Return what follows until the end of the connection."""
        try:
            while True:
                await self._more()
        except Closed:
            return self._raw.decode("latin-1")

    def begin_messages(self) -> None:
        """Read frames from now on."""
        self._framed = True
        self._unframe()

    async def read(self, size: int) -> bytes:
        """Return so many bytes of messages."""
        while len(self._data) < size:
            await self._more()
        found, self._data = self._data[:size], self._data[size:]
        return found

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(masked(BINARY, data))

    async def _more(self) -> None:
        if self._ended is not None:
            raise self._ended
        self._waiting = Deferred()
        await self._waiting

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)

    def _unframe(self) -> None:
        found, self._raw = whole_frames(self._raw)
        for opcode, payload in found:
            if opcode == BINARY:
                self._data += payload
            elif opcode == PING:
                assert self.transport is not None
                self.transport.write(masked(PONG, payload))
            elif opcode == CLOSE and self._ended is None:
                code = int.from_bytes(payload[:2], "big") or 1005
                self._ended = Closed(code, payload[2:].decode())
