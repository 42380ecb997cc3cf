"""The sessions of this process in the ``live:`` sets of Redis: removed, registered, kept.

The redemption enters a session; what follows is done here, in batches. What Redis does not take is
kept, and tried again at the next batch or heartbeat. Where the process dies, its announcement ends,
and its sessions count no more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..errors import StoreUnavailable
from ..model import SessionLease, Token, holder_of
from ..redis.link import Operation, RedisLink
from ..redis.protocol import Protocol
from . import scripts
from .redis_keys import RedisKeys

BATCH_INTERVAL = 0.2
"""Seconds between two batches of sessions that ended."""

MOST_IN_BATCH = 100
"""Sessions in one call; each is in three sets at most."""

RENEWAL = 300.0
"""Seconds after which live sessions are registered again."""

MOST_LEFT = 50_000
"""Sessions that are kept to be removed, about 300 bytes each.

More could only be those whose beginning failed while Redis was away, of which few are in a set.
"""

Membership = tuple[str, str]
"""The key of a set, and the name of a session."""

Held = tuple[SessionLease, Token]
"""A session that counts, and its token."""

OnLost = Callable[[str, str, str, str], object]
"""Is called with the id of a session, the name and user of another one, and a reason's code."""


class RedisLeases:
    """The memberships of this process's sessions.

    Args:
        link: the connection to Redis.
        clock: measures the time between batches.

    Attributes:
        held: returns the sessions that count now, with their tokens.
        on_lost: is called with each session whose machine another one has taken while this process
            was not announced.
    """

    def __init__(self, link: RedisLink, keys: RedisKeys, clock: IReactorTime) -> None:
        self.held: Callable[[], Iterable[Held]] = lambda: ()
        self.on_lost: OnLost = lambda session_id, by, user, why: None
        self._link = link
        self._keys = keys
        self._clock = clock
        self._left = _queue()
        self._left_again: tuple[deque[Held], deque[Held]] = _queue(), _queue()
        self._flushes = 0
        self._is_registering = False
        self._next_batch: IDelayedCall | None = None
        self._last_batch = self._registered_at = float("-inf")
        self._connection: Protocol | None = None

    @property
    def has_left(self) -> bool:
        """Whether Redis may still count sessions that have ended."""
        return bool(self._left or self._flushes)

    def leave(self, lease: SessionLease, token: Token, *, again: bool = False) -> None:
        """Remove a session from its sets soon.

        Args:
            again: whether to remove it once more at the heartbeat after the next: a call that has
                failed may enter it yet.
        """
        self._left.append((lease, token))
        if again or self._is_registering:
            self._left_again[1].append((lease, token))
        if self._next_batch is None:
            wait = max(0.0, self._last_batch + BATCH_INTERVAL - self._clock.seconds())
            self._next_batch = self._clock.callLater(wait, self._begin_batch)

    def _begin_batch(self) -> None:
        self._next_batch = None
        self._last_batch = self._clock.seconds()
        removing = Deferred.fromCoroutine(self.flush())
        removing.addErrback(lambda why: why.trap(StoreUnavailable))

    async def flush(self) -> None:
        """Remove from their sets the sessions that have ended until now.

        Raises:
            StoreUnavailable: those that are left are removed with the next batch.
        """
        left, self._left = self._left, _queue()
        self._flushes += 1
        try:
            await self._keep([each for each in left if each[1].excludes_others])
            for batch in self._batches(list(left)):
                await self._change("leave", scripts.LEAVE, batch, self._keys.prefix)
        except BaseException:
            self._left.extendleft(reversed(left))
            raise
        finally:
            self._flushes -= 1

    async def renew(self, was_announced: bool) -> None:
        """Register the live sessions again, where Redis may not have them or for their expiry.

        Call it after each heartbeat, and `flush` before.

        Args:
            was_announced: whether Redis still had the announcement of this process.

        Raises:
            StoreUnavailable: some are not registered; the next call tries again.
        """
        now = self._clock.seconds()
        due = now - self._registered_at >= RENEWAL
        connection = self._link.connection
        if due or not was_announced or connection is not self._connection:
            self._registered_at = float("-inf")
            await self._register()
            if due:
                await self._prune()
            self._registered_at, self._connection = now, connection or self._link.connection
        older, newer = self._left_again
        self._left += older
        self._left_again = newer, _queue()

    async def _register(self) -> None:
        """Register the sessions that count now; those that end meanwhile are removed once more."""
        self._is_registering = True
        try:
            held = list(self.held())
            for batch in self._batches(held):
                await self._change("register", scripts.REGISTER, batch)
            await self._hold([each for each in held if each[1].excludes_others])
            self._left += self._left_again[1]
        finally:
            self._is_registering = False
        await self.flush()

    async def _keep(self, left: list[Held]) -> None:
        """Keep machines for the next session of the same user, or no longer."""
        for start in range(0, len(left), MOST_IN_BATCH):
            batch = left[start : start + MOST_IN_BATCH]
            words = [
                (lease.name, str(int(lease.keep * 1000)), str(int(lease.failed)))
                for lease, _ in batch
            ]
            args = self._keys.workers, *chain(*words)
            await self._run("keep", scripts.KEEP, self._exclusive(batch), *args)

    async def _hold(self, held: list[Held]) -> None:
        """Let sessions hold the machines that they have to themselves, and tell which cannot."""
        for start in range(0, len(held), MOST_IN_BATCH):
            batch = held[start : start + MOST_IN_BATCH]
            words = (
                (
                    lease.name,
                    holder_of(token, lease.cookie_id),
                    token.user,
                    str(int(lease.age * 1000)),
                )
                for lease, token in batch
            )
            args = self._keys.workers, *chain(*words)
            lost = await self._run("hold", scripts.HOLD, self._exclusive(batch), *args)
            for name, *more in lost:
                by, user, why = (each.decode() for each in more)
                self.on_lost(name.decode().rpartition("/")[2], by, user, why)

    def _exclusive(self, batch: list[Held]) -> list[str]:
        return [self._keys.exclusive(token.vm) for _, token in batch]

    async def _prune(self) -> None:
        """Remove sessions of dead processes from the sets that this process has sessions in.

        Else a set that is never full would keep them for as long as anything is in it.
        """
        sets = list(dict.fromkeys(key for key, _ in self._memberships(list(self.held()))))
        for start in range(0, len(sets), MOST_IN_BATCH):
            batch = sets[start : start + MOST_IN_BATCH]
            await self._run("prune", scripts.PRUNE, batch, self._keys.workers)

    async def close(self) -> None:
        """Remove the sessions that have ended, if Redis answers."""
        if self._next_batch is not None:
            self._next_batch.cancel()
            self._next_batch = None
        with suppress(StoreUnavailable):  # they count until the announcement of this process ends
            await self.flush()

    def _batches(self, sessions: list[Held]) -> Iterator[list[Membership]]:
        for start in range(0, len(sessions), MOST_IN_BATCH):
            yield list(self._memberships(sessions[start : start + MOST_IN_BATCH]))

    def _memberships(self, sessions: list[Held]) -> Iterator[Membership]:
        for lease, token in sessions:
            name = lease.name
            for place in lease.places(token):
                yield self._keys.live(place.of), name

    async def _change(
        self, operation: str, script: str, batch: list[Membership], *more: str
    ) -> None:
        keys, names = [key for key, _ in batch], [name for _, name in batch]
        await self._run(operation, script, keys, *names, *more)

    async def _run(self, operation: str, script: str, keys: list[str], *args: str) -> Any:
        async def change(redis: Operation) -> Any:
            return await redis.change(script, keys, *args)

        return await self._link.run(change, operation)


def _queue() -> deque[Held]:
    return deque(maxlen=MOST_LEFT)
