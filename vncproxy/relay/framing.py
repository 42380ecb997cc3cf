"""What a leg needs of its framing: the interface that raw and WebSocket framing implement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from ..errors import DownstreamViolation

CONTROL_LIMIT = 125
"""Largest payload of a control frame (RFC 6455 section 5.5)."""

TEXT_LIMIT = 4096
"""Largest text message that is received, in bytes."""

CLOSE_REASON_LIMIT = CONTROL_LIMIT - 2
"""Largest reason of a close frame, in bytes."""


class CloseCode(IntEnum):
    """Why a WebSocket is closed by the framing itself (section 7.4.1)."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NOT_UTF8 = 1007
    TOO_BIG = 1009


class FrameError(DownstreamViolation):
    """A frame that RFC 6455 does not allow.

    Args:
        detail: what is wrong with it.
        close_code: for the close frame that answers it.
    """

    def __init__(self, detail: str, close_code: CloseCode = CloseCode.PROTOCOL_ERROR) -> None:
        super().__init__(detail)
        self.reply_code = close_code


@dataclass(frozen=True, slots=True)
class PeerClose:
    """Code and reason of a peer's close frame."""

    code: int
    reason: str = ""


class Framing(Protocol):
    """How a leg decodes what it receives and encodes what it sends."""

    @property
    def peer_close(self) -> PeerClose | None:
        """The peer's close frame; None before it came, and without WebSocket framing."""

    @property
    def close_received(self) -> bool:
        """Whether the peer sent a close frame."""

    @property
    def between_messages(self) -> bool:
        """Whether the next byte begins a new message."""

    def receive(self, data: bytes) -> bytes:
        """Return the payload in received bytes.

        Raises:
            FrameError: the bytes violate the protocol; nothing more can be received.
        """

    def replies(self) -> bytes:
        """Return the frames that answer control frames, once: the newest pong, a close echo."""

    def encode(self, payload: bytes) -> bytes:
        """Return a payload as it is sent."""

    def ping(self) -> bytes:
        """Return a ping frame; empty where the framing has none."""

    def text(self, text: str) -> bytes:
        """Return a text message; empty where the framing has none."""

    def close(self, code: int, reason: str) -> bytes:
        """Return a close frame, after which nothing may be encoded; empty where there is none."""
