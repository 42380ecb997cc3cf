"""How sessions begin in Redis: a use or a cookie is taken, and the session is counted with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from twisted.internet.defer import Deferred

from ..errors import ConsoleOccupied, OverLimit, StoreUnavailable, Superseded, TokenRefused
from ..model import (
    KEPT,
    Grant,
    Mode,
    Place,
    SessionLease,
    Token,
    holder_of,
    new_claim,
    new_secret,
    secret_id,
)
from ..redis.link import Operation, RedisLink
from . import scripts
from .occupied import sharing_of
from .own_memory import OwnMemory
from .redis_answers import Unannounced, begun, milliseconds, refusal
from .redis_keys import RedisKeys
from .redis_leases import RedisLeases
from .resume import MOST_COOKIES, OPENING, REMEMBER, consent_time, resume_time

T = TypeVar("T")

_RETRACTABLE_MS = 10_000
"""Milliseconds for which a confirmation can be retracted that too few replicas have."""

_REMEMBER_MS, _OPENING_MS = int(REMEMBER * 1000), int(OPENING * 1000)


class RedisSessions:
    """The scripts by which sessions begin.

    Args:
        resume: seconds for which a resume cookie is good, from the first picture on; 0 makes none.
        memory: what this process knows, whatever Redis forgets.

    Attributes:
        announce: announces this process in Redis; called when Redis has no announcement of it, so
            that its sessions would not count.
    """

    def __init__(
        self,
        link: RedisLink,
        keys: RedisKeys,
        resume: float,
        memory: OwnMemory,
        leases: RedisLeases,
    ) -> None:
        self._link = link
        self._keys = keys
        self._resume = resume
        self._memory = memory
        self._leases = leases
        self._retractable = _RETRACTABLE_MS if link.settings.wait_replicas else 0
        self.announce: Callable[[], Awaitable[object]] = _announce_not

    async def run_counted(self, work: Callable[[Operation], Awaitable[T]], name: str) -> T:
        """Run an operation that counts a session; once more where Redis was not up to date.

        Raises:
            OverLimit: there are too many sessions.
            ConsoleOccupied: another session has the machine.
            StoreUnavailable: Redis does not answer, or this process is not announced.
        """
        try:
            return await self._link.run(work, name)
        except Unannounced:
            await self.announce()
        except (OverLimit, ConsoleOccupied):
            if not self._leases.has_left:
                raise
            await self._leases.flush()
        try:
            return await self._link.run(work, name)
        except Unannounced as e:
            raise StoreUnavailable("redis has no announcement of this process") from e

    async def reenter(
        self,
        redis: Operation,
        token_id: str,
        token: Token,
        cookie_id: str,
        lease: SessionLease | None,
    ) -> Grant:
        """Begin a session by a resume cookie."""
        claim, places = _claim(lease), _places(lease, token)
        grant = Grant(token_id, token, resumed=True, cookie_id=cookie_id, claim=claim)
        keys = [self._keys.state(token_id), *self._live(places)]
        most = [place.most for place in places]
        beside = self._beside_others(grant, lease)
        args: tuple[str | int, ...] = (cookie_id, claim, *beside, *most)
        try:
            answer = await redis.change(scripts.REENTER, keys, *args)
        except Exception:
            self.leave_unconfirmed(lease, token)
            raise
        return begun(grant, answer, lease)

    def _beside_others(self, grant: Grant, lease: SessionLease | None) -> tuple[str, str, str]:
        """Return how a session is shared, what it holds a machine by, and where processes are."""
        takes = lease is not None and lease.takes
        sharing = sharing_of(grant.token, resumed=grant.resumed, takes=takes)
        return sharing, holder_of(grant.token, grant.cookie_id), self._keys.workers

    async def take(
        self,
        redis: Operation,
        token_id: str,
        token: Token,
        record: bytes,
        cookie_before: str,
        lease: SessionLease | None,
    ) -> Grant:
        """Take a use of a token.

        Args:
            record: what the token was read from.
            cookie_before: the id of a cookie whose session may still be opening with a use.
        """
        seconds, places = resume_time(token, self._resume), _places(lease, token)
        cookie = new_secret() if seconds else None
        cookie_id = secret_id(cookie) if cookie else ""
        grant = Grant(
            token_id, token, resume_secret=cookie, cookie_id=cookie_id, claim=_claim(lease)
        )
        try:
            answer = await redis.change(
                scripts.TAKE,
                [*self._keys.with_indexes(token_id, token), *self._live(places)],
                record,
                token.policy.uses,
                milliseconds(token.policy.max_duration),
                int(token.expires_at * 1000),
                grant.use,
                cookie_before,
                milliseconds(seconds),
                _OPENING_MS + milliseconds(consent_time(token, lease)),
                token_id,
                _REMEMBER_MS,
                grant.claim,
                *self._beside_others(grant, lease),
                *[place.most for place in places],
            )
            if isinstance(answer, list) and answer[0] == b"taken":
                await redis.replicate()
        except Exception:
            self.leave_unconfirmed(lease, token)
            self._give_back_unconfirmed(grant)
            raise
        try:
            return begun(grant, answer, lease)
        except TokenRefused as e:
            raise e.about(token.vm, token.user) from None

    async def enter(self, grant: Grant, lease: SessionLease | None) -> Grant:
        """Count the session of another issuer's token, and consume what is good once."""
        once = grant.once
        if once is not None and self._memory.is_done(once.key):
            raise refusal(b"used", grant.token_id)
        try:
            entered = await self.run_counted(
                lambda redis: self._enter(redis, grant, lease), "enter"
            )
        except StoreUnavailable:
            self.leave_unconfirmed(lease, grant.token)
            self._give_back_unconfirmed(grant)
            raise
        if once is not None:
            self._memory.note_done(once.key, once.ttl)
        return entered

    async def _enter(self, redis: Operation, grant: Grant, lease: SessionLease | None) -> Grant:
        once, places = grant.once, _places(lease, grant.token)
        keys = [self._keys.once(once.key if once else ""), *self._live(places)]
        ttl = max(1, milliseconds(once.ttl)) if once else 0
        name, most = lease.name if lease else "", [place.most for place in places]
        beside = self._beside_others(grant, lease)
        args: tuple[str | int, ...] = (ttl, grant.claim, name, *beside, *most)
        entered = begun(grant, await redis.change(scripts.ENTER, keys, *args), lease)
        if once is not None:
            await redis.replicate()
        return entered

    async def confirm(self, grant: Grant) -> None:
        """Note that a viewer is about to see the console."""
        answer = await self._link.run(lambda redis: self._confirm(redis, grant), "confirm")
        if answer == b"superseded":
            raise Superseded("another session of the same browser took its place, says redis")
        if answer == b"lost":
            raise StoreUnavailable("redis has lost that the use was taken: a failover")
        if answer != b"confirmed":
            raise refusal(answer, grant.token_id)
        if not grant.resumed:
            self._memory.note_use(grant.token_id)

    async def _confirm(self, redis: Operation, grant: Grant) -> bytes:
        keys, cookie, claim = [self._keys.state(grant.token_id)], grant.cookie_id, grant.claim
        mode = grant.mode.value if grant.mode is not None else ""
        if grant.resumed:
            answer: bytes = await redis.change(scripts.CONFIRM_RESUMED, keys, cookie, claim, mode)
            return answer
        resume = milliseconds(self._resume), milliseconds(grant.token.policy.max_duration)
        args = (grant.use, cookie, claim, *resume, MOST_COOKIES, self._retractable, mode)
        confirmed: bytes = await redis.change(scripts.CONFIRM, keys, *args)
        if confirmed == b"confirmed":
            await self._replicate_confirmation(redis, grant)
        return confirmed

    async def _replicate_confirmation(self, redis: Operation, grant: Grant) -> None:
        try:
            await redis.replicate()
        except Exception:
            retracting = Deferred.fromCoroutine(self._retract(grant))
            retracting.addErrback(lambda why: why.trap(StoreUnavailable))
            raise

    async def _retract(self, grant: Grant) -> None:
        """Give back a confirmed use whose console is not shown."""
        keys = [self._keys.state(grant.token_id)]
        args = (grant.use, grant.cookie_id, grant.token.policy.uses)
        await self._link.run(lambda redis: redis.change(scripts.RETRACT, keys, *args), "restore")

    async def renew(self, grant: Grant, within: float | None) -> str:
        """Give the resume cookie of a grant another secret."""
        secret, keys, token = new_secret(), [self._keys.state(grant.token_id)], grant.token
        if token.excludes_others:
            keys.append(self._keys.exclusive(token.vm))
        args = (grant.cookie_id, secret_id(secret), milliseconds(within))
        answer = await self._link.run(lambda redis: self._renew(redis, keys, *args), "renew")
        if answer != b"renewed":
            raise refusal(answer, grant.token_id)
        return secret

    async def _renew(self, redis: Operation, keys: list[str], *args: str | int) -> bytes:
        answer: bytes = await redis.change(scripts.RENEW, keys, *args)
        await redis.replicate()
        return answer

    async def remember_mode(self, grant: Grant, mode: Mode) -> bool:
        """Remember what all later sessions of a resume cookie may do."""
        if not grant.cookie_id:
            return False
        keys = [self._keys.state(grant.token_id)]
        args = (grant.cookie_id, grant.claim, mode.value)
        answer = await self._link.run(lambda redis: self._remember(redis, keys, *args), "mode")
        if answer == b"superseded":
            raise Superseded("another session of the same browser took its place, says redis")
        return bool(answer == b"remembered")

    async def _remember(self, redis: Operation, keys: list[str], *args: str) -> bytes:
        answer: bytes = await redis.change(scripts.REMEMBER_MODE, keys, *args)
        await redis.replicate()
        return answer

    async def restore(self, grant: Grant) -> None:
        """Give the use of a grant back, unless it is confirmed, or what it consumed."""
        if grant.resumed:
            return
        if grant.once is not None:
            script, keys = scripts.FORGET, [self._keys.once(grant.once.key)]
            args: tuple[str | int, ...] = (grant.claim,)
            self._memory.forget_done(grant.once.key)
        else:
            script, keys = scripts.RESTORE, [self._keys.state(grant.token_id)]
            args = (grant.use, grant.token.policy.uses)
        await self._link.run(lambda redis: redis.change(script, keys, *args), "restore")

    def _live(self, places: Sequence[Place]) -> list[str]:
        return [self._keys.live(place.of) for place in places]

    def leave_unconfirmed(self, lease: SessionLease | None, token: Token) -> None:
        """Remove a session that may have been counted although its beginning has failed."""
        if lease is not None:
            # an older session may live on, of which only this one's place was known
            self._leases.leave(replace(lease, keep=KEPT, failed=True), token, again=True)

    def _give_back_unconfirmed(self, grant: Grant) -> None:
        """Give back a use that may have been taken although the answer was lost or late.

        Without that, the scripts give it back in `OPENING` seconds. A use has a name of its own, so
        no other session's is given back.
        """
        if grant.endpoint is not None and grant.once is None:
            return
        restoring = Deferred.fromCoroutine(self.restore(grant))
        restoring.addErrback(lambda why: why.trap(StoreUnavailable))


async def _announce_not() -> None:
    """Leave the process unannounced: nothing was given that announces it."""


def _claim(lease: SessionLease | None) -> str:
    return lease.name if lease else new_claim()


def _places(lease: SessionLease | None, token: Token) -> tuple[Place, ...]:
    return lease.places(token) if lease else ()
