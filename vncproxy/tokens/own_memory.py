"""What this process did to tokens within the last hour, for when a crash makes Redis forget it.

Redis saves in intervals by default: a crash takes back what happened since the
last one, and a token that was used or revoked would be good again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .resume import REMEMBER

MOST_REMEMBERED = 100_000
"""Tokens that are remembered, about 300 bytes each; beyond that, the oldest change is forgotten."""


@dataclass(slots=True)
class _Past:
    """What happened to one token, or was done once.

    Attributes:
        until: when it is forgotten.
    """

    until: float
    uses: int = 0
    revoked: bool = False


class OwnMemory:
    """The uses that this process has confirmed, and the revocations that it has seen.

    A confirmed use is never given back, so Redis has counted at least as many as long as it forgets
    nothing: no token is refused that Redis would accept.

    Args:
        seconds: a monotonic clock.
        most: how many tokens are remembered.
    """

    def __init__(
        self, seconds: Callable[[], float] = time.monotonic, most: int = MOST_REMEMBERED
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._past: dict[str, _Past] = {}

    def note_use(self, token_id: str) -> None:
        """Remember that a use was confirmed."""
        self._change(token_id).uses += 1

    def note_revocation(self, token_id: str) -> None:
        """Remember that a token was revoked."""
        self._change(token_id).revoked = True

    def note_done(self, key: str, ttl: float) -> None:
        """Remember that something was done once, for an hour at most."""
        past = self._change(f"once:{key}")
        past.until = min(past.until, self._seconds() + ttl)

    def forget_done(self, key: str) -> None:
        """Forget that something was done: it was given back."""
        self._past.pop(f"once:{key}", None)

    def uses(self, token_id: str) -> int:
        """Return how many uses this process has confirmed within the hour."""
        past = self._find(token_id)
        return past.uses if past else 0

    def knows(self, token_id: str) -> bool:
        """Tell whether anything is remembered of a token."""
        return self._find(token_id) is not None

    def is_revoked(self, token_id: str) -> bool:
        """Tell whether a token is known to be revoked."""
        past = self._find(token_id)
        return past is not None and past.revoked

    def is_done(self, key: str) -> bool:
        """Tell whether something is known to be done."""
        return self._find(f"once:{key}") is not None

    def _find(self, name: str) -> _Past | None:
        past = self._past.get(name)
        return past if past is not None and past.until > self._seconds() else None

    def _change(self, name: str) -> _Past:
        """Return the entry of a token, made the last one to be forgotten."""
        now = self._seconds()
        past = self._find(name) or _Past(now)
        past.until = now + REMEMBER
        self._past.pop(name, None)
        self._past[name] = past
        self._forget(now)
        return past

    def _forget(self, now: float) -> None:
        while self._past:
            oldest = next(iter(self._past))
            if self._past[oldest].until > now and len(self._past) <= self._most:
                return
            del self._past[oldest]
