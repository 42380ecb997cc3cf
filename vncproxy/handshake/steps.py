"""Handshakes as generators, and what runs them over bytes that come in any pieces.

A handshake yields `Read`, `ReadUntil`, `ReadAtMost`, `Write`, `StartTLS` and, at last, returns its
result; it sees no socket. A `Dialogue` feeds it and hands on what it did not read.

What a step waits for has a name, ``what``, in words that complete "waiting for …": errors tell it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..errors import VNCProxyError
from ..model import TLSTrust

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Read:
    """Wait for exactly ``size`` bytes."""

    size: int
    what: str = "an answer"


@dataclass(frozen=True, slots=True)
class ReadUntil:
    """Wait for a delimiter; the answer ends with it.

    Attributes:
        delimiter: the bytes to look for.
        limit: longest answer, delimiter included; a security limit.
    """

    delimiter: bytes
    limit: int
    what: str = "an answer"


@dataclass(frozen=True, slots=True)
class ReadAtMost:
    """Take what comes within a time, for what some servers never send; the answer may be short.

    Attributes:
        size: the wait is over as soon as so many bytes are there.
        seconds: longest wait.
    """

    size: int
    seconds: float
    what: str = "an answer"


@dataclass(frozen=True, slots=True)
class Write:
    """Send bytes; the answer is empty and comes at once."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StartTLS:
    """Go on under TLS, as its client; the answer is empty and comes when the server is verified.

    Attributes:
        trust: how its certificate is verified; None for TLS without certificates.
    """

    trust: TLSTrust | None
    what: str = "the end of its TLS handshake"


Wait = Read | ReadUntil | ReadAtMost | StartTLS
"""A step that has to wait."""

Step = Wait | Write
Steps = Generator[Step, bytes, T]
"""A handshake that returns a ``T``."""


class StepError(VNCProxyError):
    """The other side did not send what a step waits for; each side's owner says what it means."""


class EndOfStream(StepError):
    """The other side closed the connection before a step had its bytes."""


class TooLong(StepError):
    """A delimiter did not come within its limit."""


class EarlyBytes(StepError):
    """The other side sent bytes in the clear where TLS was to start: they could be anybody's."""


class Dialogue(Generic[T]):
    """One handshake in progress: bytes in, bytes out, at last a result and what is left over.

    Attributes:
        done: whether the handshake returned; ``result`` is valid from then on.

    Whatever the handshake raises comes out of the call that made it do so, once: a handshake that
    failed is over as well, and what still arrives is only kept.
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
        """Take bytes that arrived; they are kept when the handshake is over already."""
        self._received += data
        self._advance()

    def receive_eof(self) -> None:
        """Tell the handshake that nothing more will come."""
        self._ended = True
        self._advance()

    def starts_tls(self) -> StartTLS | None:
        """Return the step that waits for TLS, once `outgoing` has been sent; else None."""
        return self._waiting if isinstance(self._waiting, StartTLS) else None

    def waits_for(self) -> str:
        """Return what the handshake waits for, in words; empty when it is over."""
        return self._waiting.what if self._waiting else ""

    def may_end(self) -> ReadAtMost | None:
        """Return the step that takes what is there once its time is over; else None."""
        return self._waiting if isinstance(self._waiting, ReadAtMost) else None

    def time_is_over(self) -> None:
        """Tell the handshake that what came within the time of `may_end` is all there is."""
        if self.may_end() is not None:
            self._resume(self.leftover())
            self._advance()

    def tls_is_up(self) -> None:
        """Tell the handshake that it goes on under TLS, with a server that was verified."""
        if self.starts_tls() is not None:
            self._resume(b"")
            self._advance()

    def fail(self, error: VNCProxyError) -> None:
        """Tell the handshake why the step it waits for is impossible."""
        if self._waiting is not None:
            self._resume(error)
            self._advance()

    def outgoing(self) -> bytes:
        """Return what has to be sent now, once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def leftover(self) -> bytes:
        """Return what came and was not read, once."""
        return self._take(len(self._received))

    def _advance(self) -> None:
        while self._waiting is not None:
            answer = self._answer(self._waiting)
            if answer is None:
                return
            self._resume(answer)

    def _answer(self, step: Wait) -> bytes | StepError | None:
        """Return what a waiting step gets; None while more must come."""
        count = len(self._received)
        if isinstance(step, StartTLS):
            if count:
                return EarlyBytes(f"{count} bytes in the clear after TLS was agreed on")
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
        """Go on to the next step that has to wait; None starts the handshake."""
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
