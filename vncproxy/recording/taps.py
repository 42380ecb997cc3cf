"""Taps that copy what passes to a tape, and change nothing."""

from __future__ import annotations

from typing import Final

from zope.interface import implementer

from ..interfaces import ITap
from ..model import Direction
from ..rfb.client_messages import ClientPieces
from ..rfb.pieces import Piece
from .events import Source
from .tape import Tape

_REQUEST, _KEY, _POINTER = 3, 4, 5

_SECRET: Final = frozenset({_KEY, 6, 255})
"""Keys, the clipboard's texts, and QEMU's messages, of which one is keys."""

_LENGTHS: Final = {_POINTER: 6, _KEY: 8, _REQUEST: 10}
"""The lengths of the commonest messages, which are not parsed where they come alone."""


@implementer(ITap)
class ServerTap:
    """Copies what the console's server sends.

    Attributes:
        direction: from the server to the viewer.
    """

    direction = Direction.TO_CLIENT

    __slots__ = ("_tape",)

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def process(self, data: bytes) -> bytes:
        """Return the same bytes."""
        self._tape.add(Source.SERVER, data)
        return data

    def copy(self, data: bytes | memoryview, seconds: float) -> bool:
        """Copy bytes; see `ITap`."""
        return self._tape.add(Source.SERVER, data, seconds)


@implementer(ITap)
class ViewerTap:
    """Copies the messages that go to the console's server, behind all filters.

    Args:
        keys: whether keys and texts are copied; else only which kind of message it was.

    Attributes:
        direction: from the viewer to the server.
    """

    direction = Direction.TO_SERVER

    __slots__ = ("_keys", "_pieces", "_tape")

    def __init__(self, tape: Tape, *, keys: bool) -> None:
        self._tape = tape
        self._keys = keys
        self._pieces = ClientPieces()

    def process(self, data: bytes) -> bytes:
        """Return the same bytes.

        Raises:
            DownstreamViolation: they cannot be parsed, which filters have made sure of.
        """
        self._take(data, None)
        return data

    def copy(self, data: bytes | memoryview, seconds: float) -> bool:
        """Copy bytes; see `ITap`.

        Raises:
            DownstreamViolation: as `process` does.
        """
        return self._take(data, seconds)

    def _take(self, data: bytes | memoryview, seconds: float | None) -> bool:
        if self._keys:
            return self._tape.add(Source.VIEWER, data, seconds)
        if data and len(data) == _LENGTHS.get(data[0]) and not self._pieces.is_within:
            if data[0] == _KEY:
                return self._tape.add(Source.LEFT_OUT, data[:1], seconds)
            return self._tape.add(Source.VIEWER, data, seconds)
        is_new = False
        for piece in self._pieces.receive(bytes(data)):
            is_new |= self._copy(piece, self._pieces.data, seconds)
        return is_new

    def _copy(self, piece: Piece, data: bytes, seconds: float | None) -> bool:
        if piece.kind not in _SECRET:
            return self._tape.add(Source.VIEWER, data[piece.start : piece.end], seconds)
        if piece.first:
            first = data[piece.start : piece.start + 1]
            return self._tape.add(Source.LEFT_OUT, first, seconds)
        return False
