"""Playing handshakes against the bytes of a peer, in any pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Generic, TypeVar

from tests.properties import strategies as st
from vncproxy.errors import VNCProxyError
from vncproxy.handshake.dialogue import Dialogue
from vncproxy.handshake.steps import StartTLS, Steps
from vncproxy.model import Handshake
from vncproxy.rfb.server_init import initialise
from vncproxy.upstream.handshakes import configured_handshakes

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How a handshake went; ``result`` is None unless it is ``done``.

    ``tls`` is the step that started TLS, if one did.
    """

    sent: bytes
    done: bool
    result: T | None
    error: type[VNCProxyError] | None
    detail: str
    leftover: bytes
    tls: StartTLS | None = None


def play(
    steps: Steps[T],
    *pieces: bytes,
    under_tls: Sequence[bytes] | None = None,
    eof: bool = False,
) -> Outcome[T]:
    """Give a handshake the peer's bytes, and perhaps the end of its stream.

    Args:
        under_tls: what comes under TLS, which is up as soon as the handshake waits for it.
    """
    dialogue = Dialogue(steps)
    error: VNCProxyError | None = None
    tls: StartTLS | None = None
    events: list[Callable[[], None]] = [partial(dialogue.receive, piece) for piece in pieces]
    if under_tls is not None:
        events.append(lambda: dialogue.tls_established() if dialogue.pending_tls() else None)
        events.extend(partial(dialogue.receive, piece) for piece in under_tls)
    if eof:
        events.append(dialogue.receive_eof)
    for event in events:
        tls = tls or dialogue.pending_tls()
        try:
            event()
        except VNCProxyError as e:
            error = e
    return Outcome(
        dialogue.outgoing(),
        dialogue.done,
        dialogue.result if dialogue.done else None,
        type(error) if error else None,
        error.detail if error else "",
        dialogue.leftover(),
        tls or dialogue.pending_tls(),
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


def all_handshakes(handshakes: tuple[Handshake, ...]) -> Steps[bytes]:
    """Run an endpoint's handshakes and exchange ClientInit for ServerInit, which is the result."""
    tight_tail = yield from configured_handshakes(handshakes)
    return (yield from initialise(tight_tail=tight_tail))
