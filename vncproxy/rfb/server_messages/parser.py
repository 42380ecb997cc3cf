"""Splits a server's stream into messages, whatever pieces it arrives in.

Memory is bounded: only bytes that a length is computed from are kept, fewer than 300.
"""

from __future__ import annotations

from collections.abc import Callable

from ...errors import UpstreamViolation
from ..pieces import Piece
from .format_changes import FormatChanges
from .other import (
    walk_colours,
    walk_cut_text,
    walk_end_of_continuous_updates,
    walk_fence,
    walk_gii,
    walk_nothing,
    walk_qemu,
    walk_vmware,
)
from .updates import walk_update
from .walking import EVEN_LONGER, Walk

_Message = tuple[int, Callable[[bytes, FormatChanges], Walk]]

_MESSAGES: dict[int, _Message] = {
    0: (4, walk_update),
    1: (6, walk_colours),
    2: (1, walk_nothing),
    3: (8, walk_cut_text),
    127: (4, walk_vmware),
    150: (1, walk_end_of_continuous_updates),
    248: (9, walk_fence),
    250: (4, walk_nothing),
    253: (4, walk_gii),
    255: (4, walk_qemu),
}
"""The known messages: the size of the head, and what walks over the rest."""


_FENCE = 248

OWN_ANSWER = -_FENCE
"""The kind of a fence that answers one which the viewer has not sent; it is one piece."""


class ServerPieces:
    """Finds the messages in a server's stream.

    Args:
        formats: has the pixel format of each update.

    Attributes:
        data: the bytes in which the pieces of the last call of `receive` lie.
    """

    __slots__ = ("_formats", "_held", "_kind", "_walk", "_wanted", "data")

    def __init__(self, formats: FormatChanges) -> None:
        self.data = b""
        self._formats = formats
        self._held = b""
        self._kind = 0
        self._walk: Walk | None = None
        self._wanted = 0

    def receive(self, data: bytes) -> list[Piece]:
        """Receive bytes, and return the pieces that they complete, without gaps.

        The first piece of a message has at least its head. What is kept for the next call lies
        behind the last piece.

        Raises:
            UpstreamViolation: a message or an encoding is unknown or malformed; the stream cannot
                be parsed after it.
        """
        data = self.data = self._held + data if self._held else data
        at, end = 0, len(data)
        pieces: list[Piece] = []
        while at < end:
            start, first = at, self._walk is None
            if first:
                at = self._begin_message(data, at, end)
            at = self._advance(data, at, end)
            if at > start:
                pieces.append(Piece(self._kind, start, at, first, self._walk is None))
                if self._kind == _FENCE and self._formats.take_own_answer():
                    pieces[-1] = pieces[-1]._replace(kind=OWN_ANSWER)
            if at == start or self._walk is not None:
                break
        self._held = data[at:]
        return pieces

    def _begin_message(self, data: bytes, at: int, end: int) -> int:
        """Begin the message at a place; returns where its head ends, or the place itself."""
        kind = data[at]
        if kind not in _MESSAGES:
            raise UpstreamViolation(f"message type {kind} of a server is not known")
        size, walk = _MESSAGES[kind]
        if at + size > end:
            return at
        self._kind = kind
        self._walk = walk(data[at : at + size], self._formats)
        self._wanted = next(self._walk, 0)  # an update may have no rectangle
        return at + size

    def _advance(self, data: bytes, at: int, end: int) -> int:
        """Walk on from a place; returns where more bytes are needed, or the message ends."""
        walk, wanted = self._walk, self._wanted
        if walk is None:
            return at
        try:
            while True:
                if wanted >= 0:
                    if at + wanted > end:
                        break
                    taken = data[at : at + wanted]
                    at += wanted
                    wanted = walk.send(taken)
                elif wanted > EVEN_LONGER:
                    if at - wanted > end:
                        wanted, at = wanted + end - at, end
                        break
                    at -= wanted
                    wanted = walk.send(b"")
                else:
                    found = data.find(b"\xff", at)
                    if found < 0:
                        at = end
                        break
                    at = found + 1
                    wanted = walk.send(b"")
        except StopIteration:
            self._walk = None
        self._wanted = wanted
        return at
