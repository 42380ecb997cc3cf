"""Gives orders to all processes, and waits until they are confirmed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..errors import ModeFixed, StoreUnavailable
from ..model import (
    Announcement,
    Changed,
    Decided,
    Ended,
    Identity,
    MachineHost,
    Messaged,
    Mode,
    SessionFilter,
    Unconfirmed,
    new_id,
)
from ..redis.link import Operation, RedisLink
from ..text import printable
from . import announcements, deciding, finding, scripts
from .keys import MOST_ORDERS, ORDERS_KEPT, ClusterKeys
from .obeying import Obedience, is_for
from .order import Kind, Order, encode

CONFIRM_TIME = 1.0
"""Seconds within which a process confirms an order."""

_LONGEST_REFUSAL = 300

_OTHER_VERSION = "The proxy of this session has a version that cannot change it. End the session."


@dataclass(slots=True)
class _Waiting:
    """An order that is not confirmed yet by everyone it is for.

    Attributes:
        ended: by the id of a process that has confirmed, how many sessions it ended.
        found: where processes say that a machine is.
        changes: what processes say of a session that is to change.
        decided: what became of a decision.
        messaged: what became of a message.
        missing: the processes that have not; None until it is known which there are.
        complete: fires when there are none.
    """

    ended: dict[str, int] = field(default_factory=dict)
    found: list[MachineHost] = field(default_factory=list)
    changes: list[Changed | str] = field(default_factory=list)
    decided: Decided | None = None
    messaged: Messaged | None = None
    missing: set[str] | None = None
    complete: Deferred[None] = field(default_factory=Deferred)

    def check(self) -> None:
        if self.missing is not None:
            self.missing -= self.ended.keys()
            if not self.missing and not self.complete.called:
                self.complete.callback(None)


class OrderGiver:
    """Gives orders.

    Args:
        identity: of this process.
        link: the connection for calls.
        keys: the names of keys.
        obedience: carries orders out in this process, without Redis.
        reactor: a clock.

    Attributes:
        unconfirmed: how many processes did not confirm an order in time.
        on_late: is called with an order, and the id of each of these processes.
    """

    log = Logger()

    def __init__(
        self,
        identity: Identity,
        link: RedisLink,
        keys: ClusterKeys,
        obedience: Obedience,
        reactor: Any,
    ) -> None:
        self.unconfirmed = 0
        self.on_late: Callable[[Order, str], None] = lambda order, worker_id: None
        self._identity = identity
        self._link = link
        self._keys = keys
        self._obedience = obedience
        self._reactor = reactor
        self._waiting: dict[str, _Waiting] = {}

    def new_order(
        self,
        kind: Kind,
        wanted: SessionFilter,
        *,
        reason: str = "",
        by: str = "",
        worker: str = "",
        mode: Mode | None = None,
    ) -> Order:
        """Return an order of this process."""
        return Order(new_id(), kind, wanted, reason, by, self._identity.worker_id, worker, mode)

    async def give(self, order: Order) -> Ended:
        """Carry an order out here and let all others do so; return when they have, or in a second.

        Raises:
            StoreUnavailable: it is carried out here, and nothing is known of other processes.
        """
        here = await self._obedience.obey(order)
        if order.worker == self._identity.worker_id:
            return Ended(here)
        try:
            there = await self.give_once(order)
        except StoreUnavailable:
            if order.worker:
                self.on_late(order, order.worker)
            raise
        for each in there.unconfirmed:
            self.on_late(order, each.worker)
        return Ended(here) + there

    async def give_once(self, order: Order) -> Ended:
        """Let others carry an order out, and return when they have, or in a second.

        Raises:
            StoreUnavailable: nothing is known of them.
        """
        waiting, late = await self._ask(order)
        return Ended(sum(waiting.ended.values()), tuple(self._unconfirmed(order, late)))

    async def change(self, order: Order) -> Changed:
        """Let another process change a session; return when it has, or in a second.

        Raises:
            ModeFixed: it refuses to.
            StoreUnavailable: nothing is known of it.
        """
        waiting, late = await self._ask(order)
        for answer in waiting.changes:
            if isinstance(answer, str):
                raise ModeFixed("the process of the session refuses", public=answer)
            return answer
        return Changed(known=False, unconfirmed=tuple(self._unconfirmed(order, late)))

    async def find(self, order: Order) -> Sequence[MachineHost]:
        """Ask all other processes for a machine; return what they know within a second.

        Raises:
            StoreUnavailable: they cannot be asked.
        """
        return (await self._ask(order))[0].found

    async def decide(self, order: Order) -> Decided | None:
        """Tell the process of a session what an approver decides; None where it knows none.

        Raises:
            StoreUnavailable: it is not known whether the process has taken it.
        """
        waiting, late = await self._ask(order)
        if late:
            raise StoreUnavailable(f"order {order.id} was not confirmed within {CONFIRM_TIME} s")
        return waiting.decided

    async def message(self, order: Order) -> Messaged:
        """Let another process show its user a message; return when it has, or in a second.

        A process of an earlier version, which cannot, answers that nothing was shown.

        Raises:
            StoreUnavailable: nothing is known of it.
        """
        waiting, late = await self._ask(order)
        if waiting.messaged is not None:
            return waiting.messaged
        return Messaged(known=False, unconfirmed=tuple(self._unconfirmed(order, late)))

    async def _ask(self, order: Order) -> tuple[_Waiting, Sequence[Announcement]]:
        """Send an order; returns the answers within a second, and the processes without one."""
        self._waiting[order.id] = waiting = _Waiting()
        try:
            workers = await self._send(order)
            waiting.missing = {each.identity.worker_id for each in workers}
            waiting.check()
            await self._wait(waiting.complete)
        finally:
            del self._waiting[order.id]
        missing = waiting.missing
        return waiting, [each for each in workers if each.identity.worker_id in missing]

    async def _send(self, order: Order) -> Sequence[Announcement]:
        """Send an order; returns the other processes that it is for."""
        keys = [self._keys.orders, self._keys.workers]
        args = encode(order), MOST_ORDERS, int(ORDERS_KEPT * 1000), self._keys.announcements

        async def send(redis: Operation) -> bytes:
            _, lines = await redis.change(scripts.GIVE_ORDER, keys, *args)
            return bytes(lines)

        workers = announcements.decode_all(await self._link.run(send, "give_order"))
        me = self._identity.worker_id
        return [w for w in workers if w.identity.worker_id != me and is_for(order, w.identity)]

    async def _wait(self, complete: Deferred[None]) -> None:
        timer = self._reactor.callLater(CONFIRM_TIME, complete.callback, None)
        try:
            await complete
        finally:
            if timer.active():
                timer.cancel()

    def _unconfirmed(self, order: Order, late: Iterable[Announcement]) -> Iterable[Unconfirmed]:
        for each in late:
            self.unconfirmed += 1
            who = each.identity
            self.log.warn(
                "proxy {proxy} (worker {process}) did not confirm order {order} within {limit} s",
                proxy=who.name,
                process=who.worker_id,
                order=order.id,
                limit=CONFIRM_TIME,
            )
            yield Unconfirmed(who.proxy_id, who.name, who.worker_id)

    def confirmed(self, message: bytes) -> None:
        """Take the answer of another process; one that is malformed or late changes nothing."""
        try:
            answer = json.loads(message)
            order, worker, ended = answer["order"], answer["worker"], int(answer.get("ended", 0))
            waiting, found = self._waiting.get(order), finding.decode(answer.get("found"))
        except (ValueError, ArithmeticError, KeyError, TypeError, AttributeError, RecursionError):
            self.log.warn("a malformed answer to an order was ignored")
            return
        if waiting is not None and isinstance(worker, str):
            waiting.ended[worker] = max(0, ended)
            waiting.found += found
            waiting.changes += _change(answer)
            waiting.decided = deciding.decode(answer.get("decided")) or waiting.decided
            waiting.messaged = _messaged(answer) or waiting.messaged
            waiting.check()


def _messaged(answer: Any) -> Messaged | None:
    """Return what a process says of a message; None where it says nothing of one."""
    if answer.get("unknown"):
        return Messaged(known=True)
    if "messaged" not in answer:
        return None
    return Messaged(known=bool(answer["messaged"]), shown=answer.get("shown") is True)


def _change(answer: Any) -> Iterable[Changed | str]:
    """Yield what a process says of a session that was to change: why it refuses, or the result."""
    if answer.get("unknown"):
        yield _OTHER_VERSION
    elif refused := answer.get("refused"):
        yield printable(str(refused), _LONGEST_REFUSAL)
    elif "changed" in answer:
        yield Changed(known=bool(answer["changed"]), reenters=bool(answer.get("reenters")))
