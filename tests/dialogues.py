"""Playing handshakes against the bytes of a peer, in any pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from hypothesis import strategies as st

from vncproxy.errors import VNCProxyError
from vncproxy.steps import Dialogue, Steps

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How a handshake went; ``result`` is None unless it is ``done``."""

    sent: bytes
    done: bool
    result: T | None
    error: type[VNCProxyError] | None
    detail: str
    leftover: bytes


def play(steps: Steps[T], *pieces: bytes, eof: bool = False) -> Outcome[T]:
    """Give a handshake the peer's bytes, and perhaps the end of its stream."""
    dialogue = Dialogue(steps)
    error: VNCProxyError | None = None
    for piece in pieces:
        try:
            dialogue.receive(piece)
        except VNCProxyError as e:
            error = e
    if eof:
        try:
            dialogue.receive_eof()
        except VNCProxyError as e:
            error = e
    return Outcome(
        dialogue.outgoing(),
        dialogue.done,
        dialogue.result if dialogue.done else None,
        type(error) if error else None,
        error.detail if error else "",
        dialogue.leftover(),
    )


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Return data in the pieces that cuts at these places, modulo its length, leave."""
    edges = sorted({0, len(data), *(place % (len(data) or 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


def sized_bytes(longest: int) -> st.SearchStrategy[bytes]:
    """Any bytes, whose number is drawn first."""
    return st.integers(0, longest).flatmap(lambda size: st.binary(min_size=size, max_size=size))


places = st.lists(st.integers(0, 4096), max_size=8)
