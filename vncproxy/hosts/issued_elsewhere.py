"""Tokens that peers have issued for us, so that they are revoked where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..model import Token
from .peer import Peer

MOST = 10_000
"""Tokens that are remembered; beyond that, the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """One token at a peer.

    Attributes:
        id: of the token there.
        token: as it was asked for.
    """

    peer: Peer
    id: str
    token: Token


class IssuedElsewhere:
    """The tokens of peers, by the ids that our callers know them by.

    That is the token's own id, or that of the token of ours in whose place it was given out.
    """

    def __init__(self) -> None:
        self._found: dict[str, tuple[Elsewhere, ...]] = {}

    def note(self, token_id: str, there: Elsewhere) -> None:
        """Remember a token."""
        self._found[token_id] = (*self._found.pop(token_id, ()), there)
        if len(self._found) > MOST:
            del self._found[next(iter(self._found))]

    def of(self, token_id: str) -> tuple[Elsewhere, ...]:
        """Return the tokens by an id."""
        return self._found.get(token_id, ())

    def forget(self, token_id: str) -> None:
        """Forget the tokens by an id: they are revoked."""
        self._found.pop(token_id, None)

    def matching(self, wanted: Callable[[Token], bool]) -> Iterator[str]:
        """Yield the ids of the tokens that meet a condition."""
        for token_id, found in list(self._found.items()):
            if any(wanted(each.token) for each in found):
                yield token_id
