"""Tokens in Redis, shared by any number of proxies; ``docs/redis.md`` describes the records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from ..config.redis import RedisSettings
from ..errors import (
    StoreUnavailable,
    Superseded,
    TokenExpired,
    TokenRefused,
    TokenRevoked,
    TokenUnknown,
    TokenUsed,
    VNCProxyError,
)
from ..interfaces import IMayForget, ITokenStore
from ..model import Grant, Token, TokenStatus, UnixTime, VMAddress, new_claim, new_secret, secret_id
from ..redis.link import Operation, RedisLink
from ..redis.persistence import losses, read_info
from . import scripts
from .own_memory import OwnMemory
from .records import MalformedRecord, decode, encode
from .resume import MOST_COOKIES, OPENING, REMEMBER, resume_time

__all__ = ["RedisSettings", "RedisTokenStore"]

_REMEMBER_MS, _OPENING_MS = int(REMEMBER * 1000), int(OPENING * 1000)

MOST_ISSUED = 10_000
"""Records of tokens that this process issued and that nobody redeemed yet: they need not be looked
up, only be what Redis still has."""

_REFUSALS: Mapping[bytes, type[TokenRefused]] = {
    b"used": TokenUsed,
    b"expired": TokenExpired,
    b"revoked": TokenRevoked,
    b"unknown": TokenUnknown,
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """A token as Redis has it: ``record`` is None once its time is over.

    Attributes:
        now: milliseconds of Redis's clock, for what is compared with its own fields.
    """

    now: int
    record: bytes | None
    state: Mapping[bytes, bytes]

    @classmethod
    def read(cls, answer: Any) -> _Seen:
        now, record, fields = answer
        return cls(now, record, dict(zip(fields[::2], fields[1::2], strict=True)))

    @property
    def revoked(self) -> bool:
        return b"revoked" in self.state

    @property
    def redeemed_record(self) -> bytes:
        return self.state.get(b"record", b"")

    def has_resume(self, cookie_id: str) -> bool:
        return self._lasts(b"resume:" + cookie_id.encode())

    def resumable(self) -> bool:
        """Whether a browser may re-enter, or a session is opening."""
        return any(
            self._lasts(key) for key in self.state if key.startswith((b"resume:", b"opening:"))
        )

    def uses_left(self, token: Token) -> int | None:
        if self.record is None:
            return 0
        uses, used = token.policy.uses, int(self.state.get(b"used", b"0"))
        lost = [k for k in self.state if k.startswith(b"opening:") and not self._lasts(k)]
        return None if uses == 0 else max(0, uses - used + len(lost))

    def _lasts(self, key: bytes) -> bool:
        return int(self.state.get(key, b"0").rpartition(b":")[2]) > self.now


@implementer(IMayForget, ITokenStore)
class RedisTokenStore:
    """A token store for any number of proxies.

    It connects when it is first asked. Expiry is Redis's own, so the proxies' clocks may differ.

    Args:
        reactor: connects, resolves names and measures the time limits.
        settings: where Redis is.
        time: the wall-clock time that tokens are issued by.
        resume: seconds for which a resume cookie is good, from the first picture on; 0 makes none.

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
    ) -> None:
        self._link = RedisLink(reactor, settings)
        self._prefix = settings.prefix
        self._time = time
        self._resume = resume
        self._memory = OwnMemory()
        self._issued: dict[str, bytes] = {}

    async def issue(self, token: Token) -> str:
        """Store a token and return its secret."""
        secret = new_secret()
        token_id = secret_id(secret)
        ttl = max(1, int((token.expires_at - self._time()) * 1000))
        record = encode(token)
        keys, args = self._keys(token_id, token), (record, ttl, token_id, _REMEMBER_MS)
        await self._link.run(lambda redis: redis.change(scripts.ISSUE, keys, *args))
        self._issued[token_id] = record
        if len(self._issued) > MOST_ISSUED:
            del self._issued[next(iter(self._issued))]
        return secret

    async def redeem(
        self,
        secret: str,
        resume_secret: str | None = None,
        before_use: Callable[[Token | None], None] | None = None,
    ) -> Grant:
        """Take one use of a token, or re-enter with the resume cookie."""
        return await self._link.run(
            lambda redis: self._redeem(redis, secret, resume_secret, before_use)
        )

    async def _redeem(
        self,
        redis: Operation,
        secret: str,
        cookie: str | None,
        before_use: Callable[[Token | None], None] | None,
    ) -> Grant:
        token_id = secret_id(secret)
        objection, record = None, self._issued.get(token_id)
        if cookie is None and record is not None:
            try:
                if before_use is not None:
                    before_use(decode(record))
                return await self._take_issued(redis, token_id, record)
            except TokenRefused:
                pass  # what is wrong is found out below
            except VNCProxyError as e:
                objection = e  # which counts only where there is a use to take
        seen = await self._look(redis, token_id)
        self._check_revoked(seen, token_id)
        cookie_id = "" if cookie is None else secret_id(cookie)
        if cookie_id and seen.has_resume(cookie_id):
            token = self._decode(seen.redeemed_record, token_id)
            return await self._reenter(redis, token_id, token, cookie_id)
        if seen.record is None:
            raise self._known(_refusal(b"expired" if seen.state else b"unknown", token_id), seen)
        self._check_uses(seen, token_id)
        if before_use is not None:
            token = self._decode(seen.record, token_id)
            if seen.uses_left(token) != 0:
                if objection is not None and seen.record == record:
                    raise objection
                before_use(token)
        return await self._take(redis, token_id, seen.record, cookie_id)

    async def _take_issued(self, redis: Operation, token_id: str, record: bytes) -> Grant:
        """Take the first use of a token that this process issued, without looking at it before.

        Raises:
            TokenRefused: Redis has another record or none, or what it has is not good.
        """
        del self._issued[token_id]
        if self._memory.knows(token_id):
            raise _refusal(b"unknown", token_id)
        return await self._take(redis, token_id, record)

    def _check_revoked(self, seen: _Seen, token_id: str) -> None:
        if seen.revoked:
            self._memory.revoked(token_id)
        elif self._memory.is_revoked(token_id):
            self._warn_of_loss(token_id, "revoked")
        else:
            return
        raise _refusal(b"revoked", token_id)

    def _check_uses(self, seen: _Seen, token_id: str) -> None:
        """Refuse a token whose uses this process knows to be taken, whatever Redis knows."""
        mine = self._memory.uses(token_id)
        if not mine or seen.record is None:
            return
        token = self._decode(seen.record, token_id)
        if 0 < token.policy.uses <= mine:
            if seen.uses_left(token):
                self._warn_of_loss(token_id, "used")
            raise self._known(_refusal(b"used", token_id), seen)

    def _known(self, error: TokenRefused, seen: _Seen) -> TokenRefused:
        """Return an error that knows for the log whose token it is, as far as Redis still does."""
        try:
            token = decode(seen.record or seen.redeemed_record)
        except MalformedRecord:
            return error
        return error.about(token.vm, token.user)

    def _warn_of_loss(self, token_id: str, what: str) -> None:
        self.log.warn(
            "redis at {redis} has forgotten that token {token} was {what}: it may have crashed "
            "before it saved; docs/redis.md has the settings that prevent it",
            redis=self._link.settings.address,
            token=token_id[:12],
            what=what,
        )

    async def _reenter(
        self, redis: Operation, token_id: str, token: Token, cookie_id: str
    ) -> Grant:
        claim = new_claim()
        keys = [self._state + token_id]
        age = _age(await redis.change(scripts.REENTER, keys, cookie_id, claim), token_id)
        return Grant(token_id, token, age, resumed=True, cookie_id=cookie_id, claim=claim)

    async def _take(
        self, redis: Operation, token_id: str, record: bytes, cookie_before: str = ""
    ) -> Grant:
        token = self._decode(record, token_id)
        seconds = resume_time(token, self._resume)
        cookie = new_secret() if seconds else None
        cookie_id, claim = secret_id(cookie) if cookie else "", new_claim()
        grant = Grant(token_id, token, resume_secret=cookie, cookie_id=cookie_id, claim=claim)
        try:
            answer = await redis.change(
                scripts.TAKE,
                self._keys(token_id, token),
                record,
                token.policy.uses,
                _milliseconds(token.policy.max_duration),
                int(token.expires_at * 1000),
                grant.use,
                cookie_before,
                _milliseconds(seconds),
                _OPENING_MS,
                token_id,
                _REMEMBER_MS,
            )
        except Exception:
            self._give_back_unseen(grant)
            raise
        try:
            return replace(grant, age=_age(answer, token_id))
        except TokenRefused as e:
            raise e.about(token.vm, token.user) from None

    def _give_back_unseen(self, grant: Grant) -> None:
        """Give back a use that may have been taken though the answer was lost or late.

        Redis gives it back by itself otherwise, in `OPENING` seconds. Nothing is given back of what
        another session took: a use has a name of its own.
        """
        giving = Deferred.fromCoroutine(self.restore(grant))
        giving.addErrback(lambda why: why.trap(StoreUnavailable))

    async def confirm(self, grant: Grant) -> None:
        """Take note that a viewer is about to see the console."""
        answer = await self._link.run(lambda redis: self._confirm(redis, grant))
        if answer == b"superseded":
            raise Superseded("another session of the same browser took its place, says redis")
        if answer != b"confirmed":
            raise _refusal(answer, grant.token_id)
        if not grant.resumed:
            self._memory.used(grant.token_id)

    async def _confirm(self, redis: Operation, grant: Grant) -> bytes:
        keys, cookie, claim = [self._state + grant.token_id], grant.cookie_id, grant.claim
        if grant.resumed:
            answer: bytes = await redis.change(scripts.CONFIRM_RESUMED, keys, cookie, claim)
            return answer
        resume = _milliseconds(self._resume), _milliseconds(grant.token.policy.max_duration)
        args = (grant.use, cookie, claim, *resume, MOST_COOKIES)
        confirmed: bytes = await redis.change(scripts.CONFIRM, keys, *args)
        return confirmed

    async def restore(self, grant: Grant) -> None:
        """Give the use of a grant back, unless it is confirmed."""
        if grant.resumed:
            return
        keys, args = [self._state + grant.token_id], (grant.use, grant.token.policy.uses)
        await self._link.run(lambda redis: redis.change(scripts.RESTORE, keys, *args))

    async def show(self, token_id: str) -> TokenStatus:
        """Return a token that can still be redeemed or resumed."""
        seen = await self._link.run(lambda redis: self._look(redis, token_id))
        revoked = seen.revoked or self._memory.is_revoked(token_id)
        if revoked or (seen.record is None and not seen.resumable()):
            raise _refusal(b"unknown", token_id)
        record = seen.redeemed_record if seen.record is None else seen.record
        token = self._decode(record, token_id)
        left = seen.uses_left(token)
        if left == 0 and not seen.resumable():
            raise TokenUnknown(f"token {token_id[:12]} is spent")
        return TokenStatus(token_id, token, left)

    async def revoke(self, token_id: str) -> bool:
        """Take a token and its resume cookies back; False when there was none."""
        keys = [self._token + token_id, self._state + token_id]
        revoked = await self._link.run(
            lambda redis: redis.change(scripts.REVOKE, keys, _REMEMBER_MS)
        )
        if revoked:
            self._memory.revoked(token_id)
        return bool(revoked)

    async def revoke_vm(self, vm: VMAddress) -> Sequence[str]:
        """Take back all tokens of a machine, as far as its index names them."""
        return await self._revoke_all(self._vm(vm))

    async def revoke_user(self, user: str) -> Sequence[str]:
        """Take back all tokens of a user, as far as the index names them."""
        return await self._revoke_all(self._user(user))

    async def _revoke_all(self, index: str) -> Sequence[str]:
        args = (self._token, self._state, _REMEMBER_MS)
        revoked = await self._link.run(
            lambda redis: redis.change(scripts.REVOKE_ALL, [index], *args)
        )
        found = [token_id.decode() for token_id in revoked]
        for token_id in found:
            self._memory.revoked(token_id)
        return found

    async def once(self, key: str, ttl: float) -> bool:
        """Remember that something was done; False as long as it is remembered."""
        if self._memory.is_done(key):
            return False
        keys, milliseconds = [f"{self._prefix}once:{key}"], max(1, int(ttl * 1000))
        first = await self._link.run(lambda redis: redis.change(scripts.ONCE, keys, milliseconds))
        if first:
            self._memory.done(key, ttl)
        return bool(first)

    async def check(self) -> None:
        """Look at a token that is nobody's, which changes nothing and a replica refuses."""
        await self._link.run(lambda redis: self._look(redis, "none"))

    async def ping(self) -> str:
        """Try everything that the store needs and return a line with Redis's version."""
        return await self._link.run(self._ping)

    async def _ping(self, redis: Operation) -> str:
        keys = [f"{self._prefix}probe:{kind}" for kind in ("text", "hash", "set")]
        await redis.change(scripts.PROBE, keys)
        about = read_info((await redis.command("INFO", "server")).decode())
        version = about.get("redis_version", "of unknown version")
        return f"redis {version} at {self._link.settings.address}"

    async def losses(self) -> Sequence[str]:
        """Return in which ways Redis may forget that a token was used or revoked."""
        info = await self._link.run(self._info)
        try:
            config = await self._link.run(self._config)
        except StoreUnavailable:
            config = {}  # its permission shows passwords, and need not be given
        return list(losses(info, config))

    async def _info(self, redis: Operation) -> dict[str, str]:
        parts = [(await redis.command("INFO", part)).decode() for part in ("persistence", "memory")]
        return read_info("\n".join(parts))

    async def _config(self, redis: Operation) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in ("appendfsync", "save"):
            words = await redis.command("CONFIG", "GET", name)
            found.update({key.decode(): value.decode() for key, value in _pairs(words)})
        return found

    async def close(self) -> None:
        """Let go of the connection."""
        await self._link.close()

    async def _look(self, redis: Operation, token_id: str) -> _Seen:
        keys = [self._token + token_id, self._state + token_id]
        return _Seen.read(await redis.query(scripts.LOOK, keys))

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

    @property
    def _token(self) -> str:
        return f"{self._prefix}token:"

    @property
    def _state(self) -> str:
        return f"{self._prefix}state:"

    def _vm(self, vm: VMAddress) -> str:
        return f"{self._prefix}vm:{vm}"

    def _user(self, user: str) -> str:
        return f"{self._prefix}user:{user}"

    def _keys(self, token_id: str, token: Token) -> list[str]:
        own = [self._token + token_id, self._state + token_id]
        return [*own, self._vm(token.vm), self._user(token.user)]


def _pairs(words: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(words[::2], words[1::2], strict=True)


def _age(answer: Any, token_id: str) -> float:
    """Return how long ago a use was first taken, in seconds; or raise why it was refused."""
    if not isinstance(answer, list):
        raise _refusal(answer, token_id)
    return float(max(0, answer[1])) / 1000


def _milliseconds(seconds: float | None) -> int:
    return int((seconds or 0) * 1000)


def _refusal(why: bytes, token_id: str) -> TokenRefused:
    return _REFUSALS[why](f"token {token_id[:12]} is {why.decode()}")
