"""Pieces of a stream of messages, which the parsers of both directions return."""

from __future__ import annotations

from typing import NamedTuple


class Piece(NamedTuple):
    """One message, or a part of it, in the bytes that a parser has received.

    Attributes:
        kind: the message's first byte.
        start: where the piece begins in those bytes.
        end: where it ends.
        first: whether the message begins with it.
        last: whether the message ends with it.
    """

    kind: int
    start: int
    end: int
    first: bool
    last: bool
