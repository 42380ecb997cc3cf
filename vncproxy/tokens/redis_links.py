"""Signed links in Redis: their first use makes them tokens, and lists say which are refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..errors import VNCProxyError
from ..interfaces import BeforeUse
from ..model import Grant, SessionLease, SignedLink, UnixTime
from ..redis.link import Operation, RedisLink
from . import scripts
from .own_memory import OwnMemory
from .records import encode
from .redis_answers import refusal
from .redis_keys import RedisKeys
from .redis_sessions import RedisSessions
from .resume import CLOCKS, LONGEST_LINK, REMEMBER

_REMEMBER_MS = int(REMEMBER * 1000)


class RedisLinks:
    """The part of a token store in Redis that is about signed links."""

    _link: RedisLink
    _keys: RedisKeys
    _memory: OwnMemory
    _sessions: RedisSessions
    _time: Callable[[], UnixTime]

    def _redeem(
        self,
        redis: Operation,
        token_id: str,
        cookie: str | None,
        before_use: BeforeUse | None,
        lease: SessionLease | None,
    ) -> Awaitable[Grant]:
        """Redeem a token by its id."""
        raise NotImplementedError

    def restore(self, grant: Grant) -> Awaitable[None]:
        """Give the use of a grant back, unless it is confirmed."""
        raise NotImplementedError

    async def redeem_link(
        self,
        link: SignedLink,
        resume_secret: str | None = None,
        before_use: BeforeUse | None = None,
        lease: SessionLease | None = None,
    ) -> Grant:
        """Redeem a signed link; its first use makes it a token like those that are issued."""
        grant = await self._sessions.run_counted(
            lambda redis: self._redeem_link(redis, link, resume_secret, before_use, lease), "redeem"
        )
        try:  # a revocation from here on ends the session, which is known by then
            await self._link.run(lambda redis: self._adopt(redis, link), "redeem")
        except VNCProxyError:
            self._sessions.leave_unconfirmed(lease, grant.token)
            await self.restore(grant)
            raise
        return grant

    async def _redeem_link(
        self,
        redis: Operation,
        link: SignedLink,
        cookie: str | None,
        before_use: BeforeUse | None,
        lease: SessionLease | None,
    ) -> Grant:
        await self._adopt(redis, link)
        return await self._redeem(redis, link.token_id, cookie, before_use, lease)

    async def _adopt(self, redis: Operation, link: SignedLink) -> None:
        """Make a link a token, unless it is one.

        Raises:
            TokenRevoked: its signer or its user was revoked.
        """
        token, keys = link.token, self._keys
        left = 0 if link.is_over else int((token.expires_at - self._time()) * 1000)
        revoked = keys.revoked_user(token.user), keys.revoked_signer(token.signer)
        answer = await redis.change(
            scripts.ADOPT,
            [*keys.with_indexes(link.token_id, token), *revoked],
            encode(token),
            left,
            link.token_id,
            _REMEMBER_MS,
            int(link.issued_at * 1000),
        )
        if answer == b"revoked":
            raise refusal(answer, link.token_id).about(token.vm, token.user)

    async def revoke_link(self, token_id: str) -> bool:
        """Revoke a signed link, also one that was never used."""
        keys, kept = self._keys.of_token(token_id), int(LONGEST_LINK * 1000) + _REMEMBER_MS
        known = await self._changed(scripts.REVOKE_LINK, keys, kept)
        self._memory.note_revocation(token_id)
        return bool(known)

    async def revoke_links_of_user(self, user: str) -> None:
        """Refuse the links that were signed for a user until now."""
        args = int(CLOCKS * 1000), int((LONGEST_LINK + CLOCKS) * 1000)
        await self._changed(scripts.REVOKE_LINKS_OF_USER, [self._keys.revoked_user(user)], *args)

    async def revoke_signer(self, signer: str) -> None:
        """Refuse all links of a signer from now on."""
        await self._changed(scripts.REVOKE_SIGNER, [self._keys.revoked_signer(signer)])

    async def _changed(self, script: str, keys: Sequence[str], *args: int) -> Any:
        async def change(redis: Operation) -> Any:
            answer = await redis.change(script, keys, *args)
            await redis.replicate()
            return answer

        return await self._link.run(change, "revoke")
