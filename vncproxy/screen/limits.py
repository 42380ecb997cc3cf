"""What a decoder accepts of a server; security limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

CheckTime = Callable[[], object]
"""Raises to stop decoding."""


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one stream; those by default are for recordings, which are played offline.

    Attributes:
        message: bytes of a message; by default 8192 x 8192 pixels in Raw.
        rectangles: of an update.
        resizes: changes of the screen's size in an update, each of which copies the picture.
        pictures: the encodings of pixels that are decoded; None for all that are known.
        check_time: called again and again, at least before each rectangle.
    """

    message: int = 1 << 28
    rectangles: int = 0xFFFF
    resizes: int = 16
    pictures: frozenset[int] | None = None
    check_time: CheckTime = _nothing
