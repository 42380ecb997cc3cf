"""Handshakes as generators, and what runs them over bytes that come in any pieces.

A handshake yields `Read`, `ReadUntil`, `Write` and, at last, returns its result; it sees no socket.
A `Dialogue` feeds it and hands on what it did not read.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from .errors import VNCProxyError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Read:
    """Wait for exactly ``size`` bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class ReadUntil:
    """Wait for a delimiter; the answer ends with it.

    Attributes:
        delimiter: the bytes to look for.
        limit: longest answer, delimiter included; a security limit.
    """

    delimiter: bytes
    limit: int


@dataclass(frozen=True, slots=True)
class Write:
    """Send bytes; the answer is empty and comes at once."""

    data: bytes


Step = Read | ReadUntil | Write
Steps = Generator[Step, bytes, T]
"""A handshake that returns a ``T``."""


class StepError(VNCProxyError):
    """The other side did not send what a step waits for; each side's owner says what it means."""


class EndOfStream(StepError):
    """The other side closed the connection before a step had its bytes."""


class TooLong(StepError):
    """A delimiter did not come within its limit."""


class Dialogue(Generic[T]):
    """One handshake in progress: bytes in, bytes out, at last a result and what is left over.

    Attributes:
        done: whether the handshake returned; ``result`` is valid from then on.

    Every method may raise what the handshake raises.
    """

    def __init__(self, steps: Steps[T]) -> None:
        self.done = False
        self.result: T
        self._steps = steps
        self._waiting: Read | ReadUntil
        self._received = bytearray()
        self._outgoing = bytearray()
        self._resume(None)

    def receive(self, data: bytes) -> None:
        """Take bytes that arrived; they are kept when the handshake is done already."""
        self._received += data
        while not self.done and (size := self._available()):
            answer = bytes(self._received[:size])
            del self._received[:size]
            self._resume(answer)

    def receive_eof(self) -> None:
        """Tell the handshake that nothing more will come."""
        while not self.done:
            self._throw(EndOfStream(f"closed after {len(self._received)} bytes: {self._waiting}"))

    def outgoing(self) -> bytes:
        """Return what has to be sent now, once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def leftover(self) -> bytes:
        """Return what came after the handshake, once."""
        data = bytes(self._received)
        self._received.clear()
        return data

    def _available(self) -> int:
        """Return how many received bytes answer the waiting step; 0 when more must come."""
        match self._waiting:
            case Read(size):
                return size if len(self._received) >= size else 0
            case ReadUntil(delimiter, limit):
                at = self._received.find(delimiter, 0, limit)
                if at >= 0:
                    return at + len(delimiter)
                if len(self._received) >= limit:
                    self._throw(TooLong(f"no end within {limit} bytes"))
                    return 0 if self.done else self._available()
                return 0

    def _resume(self, answer: bytes | None) -> None:
        try:
            self._run(self._steps.send(answer) if answer is not None else next(self._steps))
        except StopIteration as stop:
            self._finish(stop.value)

    def _throw(self, error: StepError) -> None:
        try:
            self._run(self._steps.throw(error))
        except StopIteration as stop:
            self._finish(stop.value)

    def _run(self, step: Step) -> None:
        while True:
            match step:
                case Write(data):
                    self._outgoing += data
                    step = self._steps.send(b"")
                case Read(0):
                    step = self._steps.send(b"")
                case _:
                    self._waiting = step
                    return

    def _finish(self, result: T) -> None:
        self.done = True
        self.result = result
