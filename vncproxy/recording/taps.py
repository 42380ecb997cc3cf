"""Stages that copy what passes to a tape, and change nothing."""

from __future__ import annotations

from zope.interface import implementer

from ..interfaces import IStage
from ..model import Direction
from ..rfb.client_messages import ClientPieces
from ..rfb.pieces import Piece
from .events import Source
from .tape import Tape

_SECRET = frozenset({4, 6, 255})
"""Keys, the clipboard's texts, and QEMU's messages, of which one is keys."""


@implementer(IStage)
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


@implementer(IStage)
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
        if self._keys:
            self._tape.add(Source.VIEWER, data)
            return data
        for piece in self._pieces.receive(data):
            self._copy(piece, self._pieces.data)
        return data

    def _copy(self, piece: Piece, data: bytes) -> None:
        if piece.kind not in _SECRET:
            self._tape.add(Source.VIEWER, data[piece.start : piece.end])
        elif piece.first:
            self._tape.add(Source.LEFT_OUT, data[piece.start : piece.start + 1])
