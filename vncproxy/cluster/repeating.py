"""Orders that a process did not confirm in time, and may have lost: they are given to it again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..model import Announcement, SessionFilter
from ..text import printable
from .giving import OrderGiver
from .keys import ORDERS_KEPT
from .order import Kind, Order
from .presence import Presence
from .sessions import ClusterSessions

MOST_LATE = 1000
"""Orders that are remembered; beyond them, the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
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
        giver.on_late = self._note

    def _note(self, order: Order, worker_id: str) -> None:
        self._late.append(_Late(order, worker_id, self._clock.seconds()))

    async def repeat(self) -> None:
        """Give them again to the processes that are there and have not obeyed.

        Raises:
            StoreUnavailable: Redis does not answer; some are given again.
        """
        if not self._late:
            return
        workers = {each.identity.worker_id: each for each in await self._presence.workers()}
        for late in list(self._late):
            age = self._clock.seconds() - late.given_at
            worker = workers.get(late.worker_id)
            if worker is not None:
                await self._repeat(late, worker, age)
            elif age > ORDERS_KEPT:
                self._late.remove(late)

    async def _repeat(self, late: _Late, worker: Announcement, age: float) -> None:
        missed = await self._missed(late.order, worker, age)
        if missed is None:
            self._late.remove(late)
            return
        self.log.info(
            "order {order} is given again to {proxy} (worker {process}), which has not obeyed it",
            order=late.order.id,
            proxy=printable(worker.identity.name),
            process=late.worker_id,
        )
        await self._giver.give_once(missed)

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
