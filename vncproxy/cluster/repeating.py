"""Orders that a process did not confirm in time, and may have lost: they are given to it again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import StoreUnavailable
from ..model import Announcement, SessionFilter
from ..text import printable
from .giving import OrderGiver
from .keys import ORDERS_KEPT
from .order import Kind, Order
from .presence import Presence
from .sessions import ClusterSessions

MOST_LATE = 1000
"""Orders that are remembered; beyond them, the oldest is forgotten."""


@dataclass(frozen=True, slots=True, eq=False)
class _Late:
    """An order that one process has not confirmed.

    Attributes:
        worker_id: of the process.
        given_at: by the monotonic clock.
    """

    order: Order
    worker_id: str
    given_at: float


class LateOrders:
    """The orders of this process that others did not confirm.

    A process that was cut off obeys what it has missed by itself, as far as Redis has it still.
    What is repeated names the sessions that had begun before the order: no newer one ends.

    Args:
        giver: gives orders.
        presence: which other processes there are.
        sessions: those of all processes.
        clock: for the age of orders.
    """

    log = Logger()

    def __init__(
        self,
        giver: OrderGiver,
        presence: Presence,
        sessions: ClusterSessions,
        clock: IReactorTime,
    ) -> None:
        self._giver = giver
        self._presence = presence
        self._sessions = sessions
        self._clock = clock
        self._late: deque[_Late] = deque(maxlen=MOST_LATE)
        self._repeating: Deferred[None] | None = None
        giver.on_late = self._note

    def _note(self, order: Order, worker_id: str) -> None:
        self._late.append(_Late(order, worker_id, self._clock.seconds()))

    def begin_repeating(self) -> None:
        """Begin to give them again, beside everything else, unless that is going on already."""
        if self._late and self._repeating is None:
            self._repeating = repeating = Deferred.fromCoroutine(self.repeat())
            repeating.addErrback(self._failed)
            repeating.addBoth(self._ended)

    def stop(self) -> None:
        """Give none again any more."""
        if self._repeating is not None:
            self._repeating.cancel()

    async def repeat(self) -> None:
        """Give them again to the processes that are there and have not obeyed.

        A process that does not confirm one of them gets no further one this time: the others do
        not wait for it again and again.

        Raises:
            StoreUnavailable: Redis does not answer; some are given again.
        """
        workers = {each.identity.worker_id: each for each in await self._presence.workers()}
        silent: set[str] = set()
        for late in list(self._late):
            age = self._clock.seconds() - late.given_at
            worker = workers.get(late.worker_id)
            if worker is None:
                if age > ORDERS_KEPT:
                    self._forget(late)
            elif late.worker_id not in silent and not await self._repeat(late, worker, age):
                silent.add(late.worker_id)

    async def _repeat(self, late: _Late, worker: Announcement, age: float) -> bool:
        """Give one of them again; returns whether its process has confirmed it, or obeyed it."""
        missed = await self._missed(late.order, worker, age)
        if missed is None:
            known = late.order.kind is not Kind.END or await self._has_written_all(worker)
            if known:
                self._forget(late)
            return known
        self.log.info(
            "order {order} is given again to {proxy} (worker {process}), which has not obeyed it",
            order=late.order.id,
            proxy=printable(worker.identity.name),
            process=late.worker_id,
        )
        confirmed = not (await self._giver.give_once(missed)).unconfirmed
        if not confirmed and self._forget(late):  # the next time, it is the turn of another one
            self._late.append(late)
        return confirmed

    def _forget(self, late: _Late) -> bool:
        """Remove one; returns False where it was the oldest of too many, and is gone already."""
        known = late in self._late
        if known:
            self._late.remove(late)
        return known

    def _ended(self, _: object) -> None:
        self._repeating = None

    def _failed(self, failure: Failure) -> None:
        if not failure.check(StoreUnavailable, CancelledError):
            self.log.failure("late orders were not given again", failure)

    async def _has_written_all(self, worker: Announcement) -> bool:
        """Return whether Redis has all sessions of a process.

        It has none for some seconds of one that was cut off for longer than its lease, and is back.
        """
        return len(await self._sessions.of_worker(worker, SessionFilter())) >= worker.sessions

    async def _missed(self, order: Order, worker: Announcement, age: float) -> Order | None:
        """Return what a process has still to do; None for nothing."""
        worker_id = worker.identity.worker_id
        if order.kind is Kind.DRAIN:
            return None if worker.draining else replace(order, worker=worker_id)
        if order.kind is not Kind.END:
            return None
        found = await self._sessions.of_worker(worker, replace(order.wanted, proxy=None))
        ids = frozenset(session.id for session in found if session.seconds > age)
        return replace(order, wanted=SessionFilter(ids=ids), worker=worker_id) if ids else None
