"""No framing: a TCP viewer, or a hypervisor's socket."""

from __future__ import annotations

from .framing import PeerClose


class RawFraming:
    """The payload as it is."""

    __slots__ = ()

    close_received = False
    peer_close: PeerClose | None = None
    between_messages = True

    def receive(self, data: bytes) -> bytes:
        """Return the bytes as they are."""
        return data

    def replies(self) -> bytes:
        """Return nothing."""
        return b""

    def encode(self, payload: bytes) -> bytes:
        """Return the bytes as they are."""
        return payload

    def ping(self) -> bytes:
        """Return nothing: TCP keepalive detects dead peers instead."""
        return b""

    def text(self, text: str) -> bytes:
        """Return nothing: there are no messages."""
        return b""

    def close(self, code: int, reason: str) -> bytes:
        """Return nothing: the end of the stream tells the peer."""
        return b""
