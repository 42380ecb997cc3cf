"""Tokens in this process: the default of a single proxy, gone when it stops.

All times are in seconds of a monotonic clock: a step of the wall clock changes no token's life.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace

from zope.interface import implementer

from ..errors import Superseded, TokenExpired, TokenRevoked, TokenUnknown, TokenUsed
from ..interfaces import BeforeUse, ILinkStore, ITokenStore
from ..model import (
    Grant,
    Mode,
    SessionLease,
    Token,
    TokenStatus,
    UnixTime,
    VMAddress,
    new_claim,
    new_secret,
    secret_id,
)
from .live_counts import LiveCounts
from .memory_entry import Entry
from .memory_links import MemoryLinks
from .resume import (
    MOST_COOKIES,
    REMEMBER,
    Resume,
    opening_time,
    resume_end,
    resume_time,
)


@implementer(ILinkStore, ITokenStore)
class MemoryTokenStore(MemoryLinks):
    """A token store for one process.

    Args:
        time: wall-clock time, by which the remaining time of an issued token is computed.
        resume: seconds for which a resume cookie is good, from the first picture on; 0 makes none.
        seconds: a monotonic clock, for everything else.
    """

    def __init__(
        self, time: Callable[[], UnixTime], resume: float, seconds: Callable[[], float]
    ) -> None:
        self._time = time
        self._seconds = seconds
        self._resume = resume
        self._entries: dict[str, Entry] = {}
        self._forget: list[tuple[float, str]] = []
        self._counts = LiveCounts(seconds)
        self._done: dict[str, float] = {}
        MemoryLinks.__init__(self, time)
        self._undo: list[tuple[float, str]] = []

    async def issue(self, token: Token) -> str:
        """Store a token and return its secret."""
        self._forget_old()
        secret = new_secret()
        self._enter(secret_id(secret), token)
        return secret

    async def redeem(
        self,
        secret: str,
        resume_secret: str | None = None,
        before_use: BeforeUse | None = None,
        lease: SessionLease | None = None,
    ) -> Grant:
        """Take one use of a token, or re-enter with the resume cookie."""
        return self._redeem(secret_id(secret), resume_secret, before_use, lease)

    def _enter(self, token_id: str, token: Token) -> None:
        expires_at = self._seconds() + token.expires_at - self._time()
        forget_at = expires_at + REMEMBER
        self._entries[token_id] = Entry(token, expires_at, forget_at)
        heapq.heappush(self._forget, (forget_at, token_id))

    def _redeem(
        self,
        token_id: str,
        cookie: str | None,
        before_use: BeforeUse | None,
        lease: SessionLease | None,
    ) -> Grant:
        now, entry = self._seconds(), self._entries.get(token_id)
        if entry is None:
            raise TokenUnknown(f"no token {token_id[:12]}")
        if entry.revoked:
            raise entry.refusal(TokenRevoked(f"token {token_id[:12]} was revoked"))
        entry.prune(now)
        cookie_id = secret_id(cookie) if cookie is not None else ""
        if before_use is not None and (cookie_id in entry.resumes or cookie_id in entry.opening):
            before_use(entry.token, enters_again=True)
        elif before_use is not None and entry.uses_left(now) != 0:
            before_use(entry.token)
        if cookie_id in entry.resumes:
            return self._reenter(token_id, entry, cookie_id, now, lease)
        return self._take(token_id, entry, now, cookie_id, lease)

    def _reenter(
        self, token_id: str, entry: Entry, cookie_id: str, now: float, lease: SessionLease | None
    ) -> Grant:
        resume, claim = entry.resumes[cookie_id], lease.name if lease else new_claim()
        age, mode = now - resume.started_at, resume.mode
        grant = Grant(token_id, entry.token, age, resumed=True, cookie_id=cookie_id, claim=claim)
        grant = self._count(lease, replace(grant, mode=mode), entry.newest.get(cookie_id, ""))
        entry.newest[cookie_id] = claim
        return grant

    async def remember_mode(self, grant: Grant, mode: Mode) -> bool:
        """Remember what all later sessions of a resume cookie may do."""
        entry = self._entries.get(grant.token_id)
        return entry is not None and entry.remember_mode(grant, mode)

    def _count(self, lease: SessionLease | None, grant: Grant, older: str) -> Grant:
        """Count a session with a lease; returns its grant."""
        return self._counts.enter(lease, self._counts.check(lease, grant, older), older)

    def _take(
        self, token_id: str, entry: Entry, now: float, opening: str, lease: SessionLease | None
    ) -> Grant:
        """Take a use, or take over the one that this cookie's session is still opening with."""
        if (over := now - entry.expires_at) >= 0:
            raise entry.refusal(TokenExpired(f"token {token_id[:12]} is over since {over:.0f} s"))
        grant, older = self._grant(token_id, entry.token, lease), entry.newest.get(opening, "")
        if opening in entry.opening or entry.has_use(now):
            grant = self._counts.check(lease, grant, older)
            entry.give_back(opening)
        if not entry.has_use(now):
            used = TokenUsed(f"token {token_id[:12]}: {entry.used} uses are taken")
            raise entry.refusal(used)
        first = entry.take(now)
        grant = replace(self._counts.enter(lease, grant, older), age=now - first)
        opened_by = now + opening_time(entry.token, lease)
        entry.opening[grant.use] = Resume(first, opened_by)
        if grant.cookie_id:
            entry.newest[grant.cookie_id] = grant.claim
        seconds = resume_time(entry.token, self._resume)
        entry.forget_at = max(entry.forget_at, opened_by + seconds)
        return grant

    def _grant(self, token_id: str, token: Token, lease: SessionLease | None) -> Grant:
        """Return what a session gets that takes a use."""
        cookie = new_secret() if resume_time(token, self._resume) else None
        return Grant(
            token_id,
            token,
            resume_secret=cookie,
            cookie_id=secret_id(cookie) if cookie else "",
            claim=lease.name if lease else new_claim(),
        )

    async def confirm(self, grant: Grant) -> None:
        """Note that a viewer is about to see the console."""
        entry, now = self._entries.get(grant.token_id), self._seconds()
        if entry is None:
            raise TokenUnknown(f"no token {grant.token_id[:12]}")
        if entry.revoked:
            raise TokenRevoked(f"token {grant.token_id[:12]} was revoked")
        if grant.resumed:
            if entry.newest.get(grant.cookie_id, grant.claim) != grant.claim:
                raise Superseded("another session with the same cookie began")
            if grant.mode is not None:
                entry.remember_mode(grant, grant.mode)
            return
        opening = entry.opening.pop(grant.use, None)
        if opening is None:
            raise Superseded("its use was given to another session")
        if grant.cookie_id:
            self._set_cookie(entry, grant, opening.started_at, now)

    def _set_cookie(self, entry: Entry, grant: Grant, first: float, now: float) -> None:
        ends = resume_end(entry.token, self._resume, first, now)
        if len(entry.resumes) >= MOST_COOKIES:
            entry.remove_cookie(min(entry.resumes, key=lambda c: entry.resumes[c].expires_at))
        entry.resumes[grant.cookie_id] = Resume(first, ends, mode=grant.mode)
        entry.newest[grant.cookie_id] = grant.claim

    async def renew(self, grant: Grant, within: float | None = None) -> str:
        """Give the resume cookie of a grant another secret."""
        entry = self._entries.get(grant.token_id)
        if entry is None or entry.revoked:
            raise TokenRevoked(f"token {grant.token_id[:12]} was revoked")
        now = self._seconds()
        entry.prune(now)
        if grant.cookie_id not in entry.resumes:
            raise TokenExpired(f"token {grant.token_id[:12]} is resumed no more")
        secret, resume = new_secret(), entry.resumes[grant.cookie_id]
        entry.remove_cookie(grant.cookie_id)
        entry.resumes[secret_id(secret)] = resume.renewed(now, within)
        self._counts.renew(entry.token, grant.cookie_id, secret_id(secret))
        return secret

    async def restore(self, grant: Grant) -> None:
        """Give the use of a grant back, unless it is confirmed."""
        if grant.once is not None:
            self._done.pop(grant.once.key, None)
        entry = self._entries.get(grant.token_id)
        if entry is not None and not grant.resumed:
            entry.give_back(grant.use)

    async def show(self, token_id: str) -> TokenStatus:
        """Return a token that can still be redeemed or resumed."""
        now = self._seconds()
        entry = self._entries.get(token_id)
        if entry is None or not entry.can_be_revoked(now):
            raise TokenUnknown(f"no token {token_id[:12]}")
        left = entry.uses_left(now)
        if left == 0 and not entry.can_be_resumed():
            raise TokenUnknown(f"token {token_id[:12]} is spent")
        return TokenStatus(token_id, entry.token, left)

    async def revoke(self, token_id: str) -> bool:
        """Take a token and its resume cookies back; False when there was none."""
        entry, now = self._entries.get(token_id), self._seconds()
        if entry is None or not entry.can_be_revoked(now):
            return False
        entry.revoked = True
        entry.resumes.clear()
        entry.opening.clear()
        entry.forget_at = max(now, entry.expires_at) + REMEMBER
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

    async def enter(self, grant: Grant, lease: SessionLease | None = None) -> Grant:
        """Count the session of another issuer's token, and consume what is good once."""
        once, now = grant.once, self._seconds()
        self._forget_done(now)
        if once is not None and once.key in self._done:
            raise TokenUsed(f"token {grant.token_id[:12]} was used before")
        grant = self._count(lease, grant, "")
        if once is not None:
            self._done[once.key] = now + once.ttl
            heapq.heappush(self._undo, (now + once.ttl, once.key))
        return grant

    def _forget_done(self, now: float) -> None:
        while self._undo and self._undo[0][0] <= now:
            key = heapq.heappop(self._undo)[1]
            if self._done.get(key, now) <= now:
                self._done.pop(key, None)

    def leave(self, lease: SessionLease, token: Token) -> None:
        """Stop counting a session."""
        self._counts.leave(lease, token)

    async def check(self) -> None:
        """Do nothing: memory always answers."""

    async def ping(self) -> str:
        """Return one line about the store."""
        return f"memory of this process, {len(self._entries)} tokens"

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _forget_old(self) -> None:
        now = self._seconds()
        while self._forget and self._forget[0][0] <= now:
            _, token_id = heapq.heappop(self._forget)
            forget_at = self._entries[token_id].forget_at
            if forget_at <= now:
                del self._entries[token_id]
            else:
                heapq.heappush(self._forget, (forget_at, token_id))
