"""Tokens in Redis, shared by any number of proxies; ``docs/redis.md`` describes the records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from ..config.redis import RedisSettings
from ..errors import (
    ConsoleOccupied,
    OverLimit,
    TokenRefused,
    TokenUnknown,
    VNCProxyError,
)
from ..interfaces import BeforeUse, IHasSentinels, ILinkStore, IMayForget, ITokenStore
from ..model import (
    Grant,
    Mode,
    SessionLease,
    Token,
    TokenStatus,
    UnixTime,
    VMAddress,
    new_secret,
    secret_id,
)
from ..redis.link import OnOperation, Operation, RedisLink
from . import scripts
from .own_memory import OwnMemory
from .records import MalformedRecord, decode, encode
from .redis_answers import Unannounced, refusal
from .redis_keys import RedisKeys
from .redis_leases import RedisLeases
from .redis_links import RedisLinks
from .redis_sessions import RedisSessions
from .redis_status import read_losses, try_channels, try_commands
from .redis_token import StoredToken
from .resume import REMEMBER

__all__ = ["RedisSettings", "RedisTokenStore"]

_REMEMBER_MS = int(REMEMBER * 1000)

MOST_ISSUED = 10_000
"""Records kept of tokens that this process issued and that are not redeemed yet.

The first use of such a token takes one call to Redis instead of two.
"""


@implementer(IHasSentinels, ILinkStore, IMayForget, ITokenStore)
class RedisTokenStore(RedisLinks):
    """A token store for any number of proxies.

    It connects at the first call. Expiry is Redis's own, so the proxies' clocks may differ.

    Args:
        reactor: connects, resolves names and measures the time limits.
        settings: where Redis is.
        time: the wall-clock time that tokens are issued by.
        resume: seconds for which a resume cookie is good, from the first picture on; 0 makes none.
        on_operation: is called at the end of each operation.

    Attributes:
        leases: the sessions of this process in Redis.
        primary: knows which server is the primary, for other connections to the same Redis.
        outage: logs when Redis is away, for the same.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: RedisSettings,
        time: Callable[[], UnixTime],
        resume: float,
        on_operation: OnOperation = lambda name, seconds, failed: None,
    ) -> None:
        self._link = RedisLink(reactor, settings, on_operation=on_operation)
        self._reactor = reactor
        self.primary = self._link.primary
        self.outage = self._link.outage
        self._address = settings.address
        self._keys = RedisKeys(settings.prefix)
        self._time = time
        self._memory = OwnMemory()
        self._issued: dict[str, bytes] = {}
        self.leases = RedisLeases(self._link, self._keys, reactor)
        self._sessions = RedisSessions(self._link, self._keys, resume, self._memory, self.leases)

    async def issue(self, token: Token) -> str:
        """Store a token and return its secret."""
        secret = new_secret()
        token_id = secret_id(secret)
        ttl = max(1, int((token.expires_at - self._time()) * 1000))
        record = encode(token)
        keys, args = self._keys.with_indexes(token_id, token), (record, ttl, token_id, _REMEMBER_MS)
        await self._link.run(lambda redis: redis.change(scripts.ISSUE, keys, *args), "issue")
        self._issued[token_id] = record
        if len(self._issued) > MOST_ISSUED:
            del self._issued[next(iter(self._issued))]
        return secret

    def announce_by(self, announce: Callable[[], Awaitable[object]]) -> None:
        """Set what announces this process in Redis.

        It is called when Redis has no announcement of the process, whose sessions would not count.
        """
        self._sessions.announce = announce

    async def redeem(
        self,
        secret: str,
        resume_secret: str | None = None,
        before_use: BeforeUse | None = None,
        lease: SessionLease | None = None,
    ) -> Grant:
        """Take one use of a token, or re-enter with the resume cookie."""
        token_id = secret_id(secret)
        return await self._sessions.run_counted(
            lambda redis: self._redeem(redis, token_id, resume_secret, before_use, lease), "redeem"
        )

    async def _redeem(
        self,
        redis: Operation,
        token_id: str,
        cookie: str | None,
        before_use: BeforeUse | None,
        lease: SessionLease | None,
    ) -> Grant:
        refused, record = None, self._issued.get(token_id)
        if cookie is None and record is not None:
            try:
                if before_use is not None:
                    before_use(decode(record))
                return await self._take_issued(redis, token_id, record, lease)
            except TokenRefused:
                pass  # the reason is found out below
            except (OverLimit, ConsoleOccupied, Unannounced):
                self._issued[token_id] = record
                raise
            except VNCProxyError as e:
                refused = e  # by the caller, which counts only where there is a use to take
        stored = await self._read(redis, token_id)
        self._check_revoked(stored, token_id)
        cookie_id = "" if cookie is None else secret_id(cookie)
        if cookie_id and stored.has_resume(cookie_id):
            token = self._decode(stored.redeemed_record, token_id)
            if before_use is not None:
                before_use(token, enters_again=True)
            return await self._sessions.reenter(redis, token_id, token, cookie_id, lease)
        if stored.record is None:
            raise self._about(refusal(b"expired" if stored.state else b"unknown", token_id), stored)
        self._check_uses(stored, token_id)
        if before_use is not None:
            token = self._decode(stored.record, token_id)
            if cookie_id and stored.opens(cookie_id):
                before_use(token, enters_again=True)
            elif stored.uses_left(token) != 0:
                if refused is not None and stored.record == record:
                    raise refused
                before_use(token)
        return await self._take(redis, token_id, stored.record, cookie_id, lease)

    async def _take_issued(
        self, redis: Operation, token_id: str, record: bytes, lease: SessionLease | None
    ) -> Grant:
        """Take the first use of a token that this process issued, without reading it before.

        Raises:
            TokenRefused: Redis has another record or none, or what it has is not good.
        """
        del self._issued[token_id]
        if self._memory.knows(token_id):
            raise refusal(b"unknown", token_id)
        return await self._take(redis, token_id, record, "", lease)

    def _check_revoked(self, stored: StoredToken, token_id: str) -> None:
        if stored.revoked:
            self._memory.note_revocation(token_id)
        elif self._memory.is_revoked(token_id):
            self._warn_of_loss(token_id, "revoked")
        else:
            return
        raise refusal(b"revoked", token_id)

    def _check_uses(self, stored: StoredToken, token_id: str) -> None:
        """Refuse a token all of whose uses this process has seen taken, whatever Redis has."""
        mine = self._memory.uses(token_id)
        if not mine or stored.record is None:
            return
        token = self._decode(stored.record, token_id)
        if 0 < token.policy.uses <= mine:
            if stored.uses_left(token):
                self._warn_of_loss(token_id, "used")
            raise self._about(refusal(b"used", token_id), stored)

    def _about(self, error: TokenRefused, stored: StoredToken) -> TokenRefused:
        """Return an error with the machine and user for the log, as far as Redis still has them."""
        try:
            token = decode(stored.record or stored.redeemed_record)
        except MalformedRecord:
            return error
        return error.about(token.vm, token.user)

    def _warn_of_loss(self, token_id: str, what: str) -> None:
        self.log.warn(
            "redis at {redis} has forgotten that token {token} was {what}: it may have crashed "
            "before it saved; docs/redis.md has the settings that prevent it",
            redis=self._address,
            token=token_id[:12],
            what=what,
        )

    async def _take(
        self,
        redis: Operation,
        token_id: str,
        record: bytes,
        cookie_before: str,
        lease: SessionLease | None,
    ) -> Grant:
        token = self._decode(record, token_id)
        return await self._sessions.take(redis, token_id, token, record, cookie_before, lease)

    async def enter(self, grant: Grant, lease: SessionLease | None = None) -> Grant:
        """Count the session of another issuer's token, and consume what is good once."""
        return await self._sessions.enter(grant, lease)

    def leave(self, lease: SessionLease, token: Token) -> None:
        """Stop counting a session."""
        self.leases.leave(lease, token)

    async def confirm(self, grant: Grant) -> None:
        """Note that a viewer is about to see the console."""
        await self._sessions.confirm(grant)

    async def renew(self, grant: Grant, within: float | None = None) -> str:
        """Give the resume cookie of a grant another secret."""
        return await self._sessions.renew(grant, within)

    async def remember_mode(self, grant: Grant, mode: Mode) -> bool:
        """Remember what all later sessions of a resume cookie may do."""
        return await self._sessions.remember_mode(grant, mode)

    async def restore(self, grant: Grant) -> None:
        """Give the use of a grant back, unless it is confirmed."""
        await self._sessions.restore(grant)

    async def show(self, token_id: str) -> TokenStatus:
        """Return a token that can still be redeemed or resumed."""
        stored = await self._link.run(lambda redis: self._read(redis, token_id), "show")
        revoked = stored.revoked or self._memory.is_revoked(token_id)
        if revoked or (stored.record is None and not stored.resumable()):
            raise refusal(b"unknown", token_id)
        record = stored.redeemed_record if stored.record is None else stored.record
        token = self._decode(record, token_id)
        left = stored.uses_left(token)
        if left == 0 and not stored.resumable():
            raise TokenUnknown(f"token {token_id[:12]} is spent")
        return TokenStatus(token_id, token, left)

    async def revoke(self, token_id: str) -> bool:
        """Take a token and its resume cookies back; False when there was none."""
        return await self._link.run(lambda redis: self._revoke(redis, token_id), "revoke")

    async def _revoke(self, redis: Operation, token_id: str) -> bool:
        keys = self._keys.of_token(token_id)
        revoked = await redis.change(scripts.REVOKE, keys, _REMEMBER_MS)
        if revoked:
            self._memory.note_revocation(token_id)
            await redis.replicate()
        return bool(revoked)

    async def revoke_vm(self, vm: VMAddress) -> Sequence[str]:
        """Take back all tokens of a machine, as far as its index names them."""
        return await self._revoke_all(self._keys.vm(vm))

    async def revoke_user(self, user: str) -> Sequence[str]:
        """Take back all tokens of a user, as far as the index names them."""
        return await self._revoke_all(self._keys.user(user))

    async def _revoke_all(self, index: str) -> Sequence[str]:
        return await self._link.run(lambda redis: self._revoke_index(redis, index), "revoke")

    async def _revoke_index(self, redis: Operation, index: str) -> Sequence[str]:
        args = (self._keys.tokens, self._keys.states, _REMEMBER_MS)
        revoked = await redis.change(scripts.REVOKE_ALL, [index], *args)
        found = [token_id.decode() for token_id in revoked]
        for token_id in found:
            self._memory.note_revocation(token_id)
        if found:
            await redis.replicate()
        return found

    async def revoked(self, token_ids: Collection[str]) -> frozenset[str]:
        """Return those of some tokens that Redis or this process knows to be revoked."""
        mine = {token_id for token_id in token_ids if self._memory.is_revoked(token_id)}
        keys, ids = [self._keys.states], sorted({*token_ids} - mine)
        found: bytes = await self._link.run(lambda redis: redis.change(scripts.REVOKED, keys, *ids))
        return frozenset({*mine, *found.decode().split()})

    async def check(self) -> None:
        """Read a token that does not exist; a replica refuses that."""
        await self._link.run(lambda redis: self._read(redis, "none"), "check")

    async def ping(self) -> str:
        """Try everything that the proxy needs and return a line with Redis's version."""
        found = await self._link.run(
            lambda redis: try_commands(redis, self._keys, self._link.server), "check"
        )
        await try_channels(self._reactor, self._link, self._keys.channels())
        return found

    async def losses(self) -> Sequence[str]:
        """Return in which ways Redis may forget that a token was used or revoked."""
        return await read_losses(self._link)

    async def sentinels(self) -> Sequence[tuple[str, str, str]]:
        """Return what each sentinel says about the primary."""
        return await self._link.sentinels()

    async def close(self) -> None:
        """Close the connection."""
        await self.leases.close()
        await self._link.close()

    async def _read(self, redis: Operation, token_id: str) -> StoredToken:
        keys = self._keys.of_token(token_id)
        return StoredToken.read(await redis.query(scripts.LOOK, keys))

    def _decode(self, record: bytes, token_id: str) -> Token:
        try:
            return decode(record)
        except MalformedRecord as e:
            self.log.warn(
                "the record of token {token} cannot be used: {reason}",
                token=token_id[:12],
                reason=str(e),
            )
            raise TokenUnknown(f"the record of token {token_id[:12]} is malformed") from e
