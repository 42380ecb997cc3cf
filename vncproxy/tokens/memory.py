"""Tokens in this process: the default of a single proxy, gone when it stops."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from zope.interface import implementer

from ..errors import TokenExpired, TokenRevoked, TokenUnknown, TokenUsed
from ..interfaces import ITokenStore
from ..model import (
    Grant,
    Token,
    TokenStatus,
    UnixTime,
    VMAddress,
    new_secret,
    secret_id,
)
from .resume import MOST_COOKIES, REMEMBER, Resume, resume_time


@dataclass(slots=True)
class _Entry:
    """A token with what happened to it; the resumes are keyed by the id of their cookie."""

    token: Token
    forget_at: UnixTime
    used: int = 0
    revoked: bool = False
    resumes: dict[str, Resume] = field(default_factory=dict)

    def prune(self, now: UnixTime) -> None:
        for cookie in [c for c, resume in self.resumes.items() if resume.expires_at <= now]:
            del self.resumes[cookie]

    def uses_left(self, now: UnixTime) -> int | None:
        if now >= self.token.expires_at:
            return 0
        uses = self.token.policy.uses
        return None if uses == 0 else max(0, uses - self.used)

    def alive(self, now: UnixTime) -> bool:
        """Whether there is something to take back."""
        self.prune(now)
        return not self.revoked and (now < self.token.expires_at or bool(self.resumes))


@implementer(ITokenStore)
class MemoryTokenStore:
    """A token store for one process.

    Args:
        time: wall-clock time.
        resume: seconds for which a resume cookie is good, from the redemption that made it; 0 makes
            none.
    """

    def __init__(self, time: Callable[[], UnixTime], resume: float) -> None:
        self._time = time
        self._resume = resume
        self._entries: dict[str, _Entry] = {}
        self._forget: list[tuple[UnixTime, str]] = []
        self._done: set[str] = set()
        self._undo: list[tuple[UnixTime, str]] = []

    async def issue(self, token: Token) -> str:
        """Store a token and return its secret."""
        self._forget_old()
        secret = new_secret()
        token_id = secret_id(secret)
        self._entries[token_id] = _Entry(token, forget_at=token.expires_at + REMEMBER)
        heapq.heappush(self._forget, (token.expires_at + REMEMBER, token_id))
        return secret

    async def redeem(self, secret: str, resume_secret: str | None = None) -> Grant:
        """Take one use of a token, or re-enter with the resume cookie."""
        token_id, now = secret_id(secret), self._time()
        entry = self._entries.get(token_id)
        if entry is None:
            raise TokenUnknown(f"no token {token_id[:12]}")
        if entry.revoked:
            raise TokenRevoked(f"token {token_id[:12]} was revoked")
        entry.prune(now)
        if resume_secret is not None and (found := entry.resumes.get(secret_id(resume_secret))):
            return Grant(token_id, entry.token, found.started_at, resumed=True)
        return self._take(token_id, entry, now)

    def _take(self, token_id: str, entry: _Entry, now: UnixTime) -> Grant:
        if now >= entry.token.expires_at:
            raise TokenExpired(f"token {token_id[:12]} is over since {entry.token.expires_at:.0f}")
        if entry.uses_left(now) == 0:
            raise TokenUsed(f"token {token_id[:12]}: {entry.used} uses are taken")
        entry.used += 1
        cookie = self._set_cookie(entry, now)
        return Grant(token_id, entry.token, started_at=now, resume_secret=cookie)

    def _set_cookie(self, entry: _Entry, now: UnixTime) -> str | None:
        seconds = resume_time(entry.token, self._resume)
        if not seconds:
            return None
        if len(entry.resumes) >= MOST_COOKIES:
            del entry.resumes[min(entry.resumes, key=lambda c: entry.resumes[c].expires_at)]
        cookie = new_secret()
        entry.resumes[secret_id(cookie)] = Resume(now, now + seconds)
        entry.forget_at = max(entry.forget_at, now + seconds)
        return cookie

    async def restore(self, grant: Grant) -> None:
        """Give the use of a grant back, and forget its resume cookie."""
        entry = self._entries.get(grant.token_id)
        if grant.resumed or entry is None:
            return
        if grant.resume_secret is not None:
            entry.resumes.pop(secret_id(grant.resume_secret), None)
        entry.used = max(0, entry.used - 1)

    async def show(self, token_id: str) -> TokenStatus:
        """Return a token that can still be redeemed or resumed."""
        now = self._time()
        entry = self._entries.get(token_id)
        if entry is None or not entry.alive(now):
            raise TokenUnknown(f"no token {token_id[:12]}")
        left = entry.uses_left(now)
        if left == 0 and not entry.resumes:
            raise TokenUnknown(f"token {token_id[:12]} is spent")
        return TokenStatus(token_id, entry.token, left)

    async def revoke(self, token_id: str) -> bool:
        """Take a token and its resume cookies back; False when there was none."""
        entry, now = self._entries.get(token_id), self._time()
        if entry is None or not entry.alive(now):
            return False
        entry.revoked = True
        entry.resumes.clear()
        entry.forget_at = max(now, entry.token.expires_at) + REMEMBER
        return True

    async def revoke_vm(self, vm: VMAddress) -> Sequence[str]:
        """Take back all tokens of a machine."""
        return await self._revoke_all(lambda token: token.vm == vm)

    async def revoke_user(self, user: str) -> Sequence[str]:
        """Take back all tokens of a user."""
        return await self._revoke_all(lambda token: token.user == user)

    async def _revoke_all(self, wanted: Callable[[Token], bool]) -> Sequence[str]:
        ids = [token_id for token_id, entry in self._entries.items() if wanted(entry.token)]
        return [token_id for token_id in ids if await self.revoke(token_id)]

    async def once(self, key: str, ttl: float) -> bool:
        """Remember that something was done; False as long as it is remembered."""
        now = self._time()
        while self._undo and self._undo[0][0] <= now:
            self._done.remove(heapq.heappop(self._undo)[1])
        if key in self._done:
            return False
        self._done.add(key)
        heapq.heappush(self._undo, (now + ttl, key))
        return True

    async def check(self) -> None:
        """Do nothing: it is always there."""

    async def ping(self) -> str:
        """Return one line about the store."""
        return f"memory of this process, {len(self._entries)} tokens"

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _forget_old(self) -> None:
        now = self._time()
        while self._forget and self._forget[0][0] <= now:
            _, token_id = heapq.heappop(self._forget)
            forget_at = self._entries[token_id].forget_at
            if forget_at <= now:
                del self._entries[token_id]
            else:
                heapq.heappush(self._forget, (forget_at, token_id))
