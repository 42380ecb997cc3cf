"""Runs one handshake over bytes that arrive in pieces of any size, without I/O."""

from __future__ import annotations

from typing import Generic, TypeVar

from ..errors import VNCProxyError
from .steps import (
    EndOfStream,
    ReadAtMost,
    ReadUntil,
    StartTLS,
    StepError,
    Steps,
    TooLong,
    UnexpectedPlaintext,
    Wait,
    Write,
)

T = TypeVar("T")


class Dialogue(Generic[T]):
    """One handshake in progress: bytes in, bytes out, then its result and the bytes left over.

    Attributes:
        done: whether the handshake returned; ``result`` is valid from then on.

    An error of the handshake is raised by the call that caused it, once. A handshake that failed
    has ended, too; bytes that still arrive are only kept.
    """

    def __init__(self, steps: Steps[T]) -> None:
        self.done = False
        self.result: T
        self._steps = steps
        self._waiting: Wait | None = None
        self._received = bytearray()
        self._outgoing = bytearray()
        self._ended = False
        self._resume(None)
        self._advance()

    def receive(self, data: bytes) -> None:
        """Receive bytes; they are kept when the handshake has ended."""
        self._received += data
        self._advance()

    def receive_eof(self) -> None:
        """Receive the end of the stream."""
        self._ended = True
        self._advance()

    def pending_tls(self) -> StartTLS | None:
        """Return the step that waits for TLS, to be started once `outgoing` is sent; else None."""
        return self._waiting if isinstance(self._waiting, StartTLS) else None

    def waits_for(self) -> str:
        """Return the ``what`` of the step that waits; empty when the handshake has ended."""
        return self._waiting.what if self._waiting else ""

    def timed_step(self) -> ReadAtMost | None:
        """Return the waiting step that has a time limit of its own; else None."""
        return self._waiting if isinstance(self._waiting, ReadAtMost) else None

    def end_timed_step(self) -> None:
        """End the wait of `timed_step` with the bytes that have come."""
        if self.timed_step() is not None:
            self._resume(self.leftover())
            self._advance()

    def tls_established(self) -> None:
        """Go on after `pending_tls`: TLS is established and the server verified."""
        if self.pending_tls() is not None:
            self._resume(b"")
            self._advance()

    def fail(self, error: VNCProxyError) -> None:
        """Raise an error in the handshake, at the step that waits."""
        if self._waiting is not None:
            self._resume(error)
            self._advance()

    def outgoing(self) -> bytes:
        """Return the bytes to be sent now, once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def leftover(self) -> bytes:
        """Return the bytes that came and were not read, once."""
        return self._take(len(self._received))

    def _advance(self) -> None:
        while self._waiting is not None:
            answer = self._answer(self._waiting)
            if answer is None:
                return
            self._resume(answer)

    def _answer(self, step: Wait) -> bytes | StepError | None:
        """Return the result of a waiting step; None while it needs more bytes."""
        count = len(self._received)
        if isinstance(step, StartTLS):
            if count:
                return UnexpectedPlaintext(f"{count} bytes in the clear after TLS was agreed on")
        elif isinstance(step, ReadUntil):
            at = self._received.find(step.delimiter, 0, step.limit)
            if at >= 0:
                return self._take(at + len(step.delimiter))
            if count >= step.limit:
                return TooLong(f"no end within {step.limit} bytes of {step.what}")
        elif count >= step.size:
            return self._take(step.size)
        elif self._ended and isinstance(step, ReadAtMost):
            return self.leftover()
        if not self._ended:
            return None
        return EndOfStream(f"closed after {count} bytes, waiting for {step.what}")

    def _resume(self, answer: bytes | VNCProxyError | None) -> None:
        """Run the handshake to the next step that waits; None starts it."""
        self._waiting = None
        try:
            if answer is None:
                step = next(self._steps)
            elif isinstance(answer, VNCProxyError):
                step = self._steps.throw(answer)
            else:
                step = self._steps.send(answer)
            while isinstance(step, Write):
                self._outgoing += step.data
                step = self._steps.send(b"")
            if not isinstance(step, Wait):
                raise TypeError(f"a handshake waits for {step!r}, which is no step")
            self._waiting = step
        except StopIteration as stop:
            self.done, self.result = True, stop.value

    def _take(self, size: int) -> bytes:
        data = bytes(self._received[:size])
        del self._received[:size]
        return data
