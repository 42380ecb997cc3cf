"""The steps that a handshake yields, and the errors that it gets in answer.

A handshake is a generator that yields steps and returns its result; it sees no socket. The ``what``
of a step completes the phrase "waiting for …" in errors.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

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
    """Wait for a delimiter; the result ends with it.

    Attributes:
        delimiter: the bytes to look for.
        limit: longest result, delimiter included; a security limit.
    """

    delimiter: bytes
    limit: int
    what: str = "an answer"


@dataclass(frozen=True, slots=True)
class ReadAtMost:
    """Read what comes within a time, for what some servers never send; the result may be short.

    Attributes:
        size: the wait ends as soon as so many bytes are there.
        seconds: longest wait.
    """

    size: int
    seconds: float
    what: str = "an answer"


@dataclass(frozen=True, slots=True)
class Write:
    """Send bytes; the result is empty and comes at once."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StartTLS:
    """Start TLS; the result is empty and comes when a server is verified.

    Attributes:
        trust: how the server's certificate is verified; None for TLS without certificates, and
            where this side is the server.
        serve: whether this side is the server.
    """

    trust: TLSTrust | None
    what: str = "the end of its TLS handshake"
    serve: bool = False


Wait = Read | ReadUntil | ReadAtMost | StartTLS
"""A step that has to wait."""

Step = Wait | Write
Steps = Generator[Step, bytes, T]
"""A handshake that returns a ``T``."""


class StepError(VNCProxyError):
    """The peer did not send what a step waits for; callers convert it to an error of their side."""


class EndOfStream(StepError):
    """The peer closed the connection before a step had its bytes."""


class TooLong(StepError):
    """The delimiter did not come within the limit of its step."""


class UnexpectedPlaintext(StepError):
    """The peer sent plaintext where TLS was to start; an attacker could have added it."""
