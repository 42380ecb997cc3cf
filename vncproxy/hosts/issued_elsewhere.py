"""Tokens that peers have issued for us, so that they are revoked where they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

from ..model import Token
from ..tokens.issuing import IssuedToken
from ..tokens.resume import OPENING

MOST: Final = 10_000
"""Ids that are remembered; beyond that, the oldest is forgotten."""

MOST_OF_ONE: Final = 16
"""Tokens of one id that are remembered: the last ones."""

LONGEST_SESSION: Final = 86400.0
"""Seconds after its expiry for which a token without a longest duration is remembered."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """One token at a peer.

    Attributes:
        peer: the name of its table; its key may change meanwhile.
        id: of the token there.
        token: as it was asked for.
    """

    peer: str
    id: str
    token: Token

    @property
    def forget_at(self) -> float:
        """When no session by it is expected any more; re-entering ends with the duration."""
        longest = self.token.policy.max_duration
        return self.token.expires_at + (LONGEST_SESSION if longest is None else longest + OPENING)


class IssuedElsewhere:
    """The tokens of peers, by the ids that our callers know them by.

    That is the token's own id, or that of the token of ours in whose place it was given out.

    Attributes:
        time: wall-clock time.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self.time = time
        self._found: dict[str, tuple[Elsewhere, ...]] = {}

    def note(self, token_id: str, peer: str, issued: IssuedToken) -> None:
        """Remember a token that a peer has issued."""
        before = self.of(token_id)[1 - MOST_OF_ONE :]
        self._found.pop(token_id, None)
        self._found[token_id] = (*before, Elsewhere(peer, issued.id, issued.token))
        if len(self._found) > MOST:
            del self._found[next(iter(self._found))]

    def of(self, token_id: str) -> tuple[Elsewhere, ...]:
        """Return the tokens by an id, the last one at the end."""
        now = self.time()
        return tuple(each for each in self._found.get(token_id, ()) if each.forget_at > now)

    def forget(self, token_id: str, done: Collection[Elsewhere]) -> None:
        """Forget tokens by an id, and those that are over."""
        if left := tuple(each for each in self.of(token_id) if each not in done):
            self._found[token_id] = left
        else:
            self._found.pop(token_id, None)

    def matching(self, wanted: Callable[[Token], bool]) -> Iterator[str]:
        """Yield the ids of the tokens that meet a condition, and forget those that are over."""
        for token_id in list(self._found):
            found = self.of(token_id)
            if not found:
                self.forget(token_id, ())
            elif any(wanted(each.token) for each in found):
                yield token_id
