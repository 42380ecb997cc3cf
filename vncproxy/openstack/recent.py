"""Answers of Keystone about tokens, kept for a bounded time: a client sends several requests."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from .keystone import KeystoneToken

MOST: Final = 2000
"""Tokens that are remembered; the one asked about longest ago is forgotten first."""

LookUp = Callable[[str], Awaitable[KeystoneToken | None]]


class RecentTokens:
    """Valid tokens, by the SHA-256 of each; what is not valid is asked about every time.

    Args:
        look_up: asks Keystone.
        cache: seconds for which an answer is used, counted from the question; 0 for none.
        seconds: a monotonic clock.
        time: wall-clock time: no answer outlives its token by our clock either.
    """

    def __init__(
        self,
        look_up: LookUp,
        cache: float,
        seconds: Callable[[], float],
        time: Callable[[], float],
    ) -> None:
        self._look_up = look_up
        self._cache = cache
        self._seconds = seconds
        self._time = time
        self._known: OrderedDict[bytes, tuple[float, KeystoneToken]] = OrderedDict()

    async def owner(self, token: str) -> KeystoneToken | None:
        """Return the user of a token, as Keystone said within the last seconds; None if invalid.

        Raises:
            KeystoneUnavailable: it is not known, and Keystone does not say.
        """
        digest = hashlib.sha256(token.encode()).digest()
        asked_at = self._seconds()
        until, known = self._known.get(digest, (0.0, None))
        if known is not None and asked_at < until:
            return known
        self._known.pop(digest, None)
        found = await self._look_up(token)
        if found is not None:
            self._remember(digest, found, asked_at)
        return found

    def _remember(self, digest: bytes, token: KeystoneToken, asked_at: float) -> None:
        left = min(self._cache, token.expires_at.timestamp() - self._time())
        if left <= 0:
            return
        self._known[digest] = asked_at + left, token
        self._known.move_to_end(digest)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
