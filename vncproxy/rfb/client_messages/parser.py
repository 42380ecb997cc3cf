"""Splits a viewer's stream into messages, whatever pieces it arrives in.

Memory is bounded: of a long message only the head is kept until it is complete.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import DownstreamViolation
from ..pieces import Piece
from .layout import LAYOUTS, read_message
from .messages import ClientMessage


class ClientPieces:
    """Finds the messages in a viewer's stream, without reading more of them than their length.

    A PointerEvent always counts as 6 bytes, so the extended mouse buttons (pseudo-encoding -316)
    must not have been confirmed to the viewer.

    Attributes:
        data: the bytes in which the pieces of the last call of `receive` lie.
        length: the length of the message of the last piece.
    """

    __slots__ = ("_held", "_rest", "data", "kind", "length")

    def __init__(self) -> None:
        self.data = b""
        self.length = 0
        self.kind = 0
        self._held = b""
        self._rest = 0

    @property
    def is_within(self) -> bool:
        """Whether the next byte belongs to a message that has begun."""
        return self._rest > 0 or bool(self._held)

    def receive(self, data: bytes) -> Iterator[Piece]:
        """Receive bytes; returns an iterator over the pieces that they complete.

        The pieces have no gaps. A short message is one piece; a long one begins with its head, and
        the rest follows as it arrives. Pieces before a violation are still yielded; the stream
        cannot be parsed after it.

        Raises:
            DownstreamViolation: during iteration, at a message that is unknown or over a limit.
        """
        self.data = self._held + data if self._held else data
        self._held = b""
        return self._split(self.data)

    def _split(self, data: bytes) -> Iterator[Piece]:
        at, end = 0, len(data)
        try:
            while at < end:
                start, rest = at, self._rest
                if rest:
                    at = min(end, at + rest)
                    self._rest = rest - (at - start)
                    yield Piece(self.kind, start, at, False, not self._rest)
                    continue
                needed = self._needed(data, at, end)
                if at + needed > end:
                    return
                at += needed
                self._rest = self.length - needed
                yield Piece(self.kind, start, at, True, not self._rest)
        finally:
            self._held = data[at:]

    def _needed(self, data: bytes, at: int, end: int) -> int:
        """Return how many bytes the first piece of the next message has."""
        self.kind = data[at]
        layout = LAYOUTS.get(self.kind)
        if layout is None:
            raise DownstreamViolation(f"message type {self.kind} is unknown")
        if at + layout.head > end:
            return layout.head
        self.length = layout.length(data, at)
        return self.length if layout.whole else layout.head


class ClientMessages:
    """Reads the messages of a viewer's stream; see `ClientPieces` for what it does not know."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces = ClientPieces()

    def receive(self, data: bytes) -> Iterator[ClientMessage]:
        """Receive bytes; returns an iterator over the messages that they complete.

        Messages before a violation are still yielded; the stream cannot be parsed after it.

        Raises:
            DownstreamViolation: during iteration, at a message that is unknown or over a limit.
        """
        return self._read(self._pieces.receive(data))

    def _read(self, pieces: Iterator[Piece]) -> Iterator[ClientMessage]:
        whole = self._pieces
        for piece in pieces:
            if piece.first:
                yield read_message(whole.data[piece.start : piece.end], whole.length)
