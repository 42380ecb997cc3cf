"""Signed links in the memory of one process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ..errors import TokenRevoked
from ..interfaces import BeforeUse
from ..model import (
    ConsoleType,
    Grant,
    Policy,
    SessionLease,
    SignedLink,
    Token,
    UnixTime,
    VMAddress,
)
from .resume import CLOCKS, LONGEST_LINK


class MemoryLinks:
    """The part of a token store in memory that is about signed links."""

    _entries: Mapping[str, object]

    def __init__(self, time: Callable[[], UnixTime]) -> None:
        self._time = time
        self._revoked_users: dict[str, UnixTime] = {}
        self._revoked_signers: set[str] = set()

    def revoke(self, token_id: str) -> Awaitable[bool]:
        """Revoke a token."""
        raise NotImplementedError

    def _enter(self, token_id: str, token: Token) -> None:
        """Keep a token."""
        raise NotImplementedError

    def _redeem(
        self,
        token_id: str,
        cookie: str | None,
        before_use: BeforeUse | None,
        lease: SessionLease | None,
    ) -> Grant:
        """Redeem a token by its id."""
        raise NotImplementedError

    async def redeem_link(
        self,
        link: SignedLink,
        resume_secret: str | None = None,
        before_use: BeforeUse | None = None,
        lease: SessionLease | None = None,
    ) -> Grant:
        """Redeem a signed link; its first use makes it a token like those that are issued."""
        token = link.token
        until = self._revoked_users.get(token.user, 0.0)
        if token.signer in self._revoked_signers or link.issued_at <= until:
            refused = TokenRevoked(f"token {link.token_id[:12]}: its signer or user was revoked")
            raise refused.about(token.vm, token.user)
        if not link.is_over and link.token_id not in self._entries:
            self._enter(link.token_id, token)
        return self._redeem(link.token_id, resume_secret, before_use, lease)

    async def revoke_link(self, token_id: str) -> bool:
        """Revoke a signed link, also one that was never used."""
        if token_id in self._entries:
            return await self.revoke(token_id)
        ends = self._time() + LONGEST_LINK
        unknown = Token(VMAddress("link", "x"), "", ConsoleType.NOVNC, Policy(), ends, ends)
        self._enter(token_id, unknown)
        await self.revoke(token_id)
        return False

    async def revoke_links_of_user(self, user: str) -> None:
        """Refuse the links that were signed for a user until now."""
        now = self._time()
        self._revoked_users = {
            name: at for name, at in self._revoked_users.items() if at > now - LONGEST_LINK
        }
        self._revoked_users[user] = now + CLOCKS

    async def revoke_signer(self, signer: str) -> None:
        """Refuse all links of a signer from now on."""
        self._revoked_signers.add(signer)
