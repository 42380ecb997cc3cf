"""One caller types at a machine at a time, in all processes, so that keys do not interleave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from ..errors import Busy, StoreUnavailable
from ..model import VMAddress

T = TypeVar("T")

LONGEST_WAIT: Final = 60.0
"""Seconds for which a caller waits for its turn."""

MOST_WAITING: Final = 8
"""Callers of this process that wait for one machine."""

LEASE: Final = 15.0
"""Seconds after which another process has the turn of one that was killed."""

AGAIN: Final = 0.25
"""Seconds between two questions whether another process has ended."""

_PUBLIC: Final = "Keys are being typed at this machine. Try again in a moment."


class ITurns(Protocol):
    """Turns of one process of several."""

    def take(self, what: str, seconds: float) -> Awaitable[bool]:
        """Take a turn, or keep it; returns whether no other process has it."""

    def give_back(self, what: str) -> Awaitable[object]:
        """End this process's turn."""


class MachineTurns:
    """The turns of machines.

    Args:
        turns: of the cluster; None where this process is alone.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, turns: ITurns | None = None) -> None:
        self._clock = clock
        self._turns = turns
        self._locks: dict[VMAddress, DeferredLock] = {}

    async def run(self, vm: VMAddress, work: Callable[[], Awaitable[T]]) -> T:
        """Do something once none else types at a machine, in the order of the calls.

        Raises:
            Busy: that took too long, or too many wait.
            StoreUnavailable: whether another process types there is not known.
        """
        end = self._clock.seconds() + LONGEST_WAIT
        lock = self._locks.setdefault(vm, DeferredLock())
        if len(lock.waiting) >= MOST_WAITING:
            raise Busy(f"{len(lock.waiting)} wait to type at {vm}", public=_PUBLIC)
        try:
            await lock.acquire().addTimeout(LONGEST_WAIT, self._clock, _too_late)
            try:
                return await self._in_turn(f"type:{vm}", end, work)
            finally:
                lock.release()
        finally:
            if not lock.locked and self._locks.get(vm) is lock:
                del self._locks[vm]

    async def _in_turn(self, what: str, end: float, work: Callable[[], Awaitable[T]]) -> T:
        if self._turns is None:
            return await work()
        while not await self._turns.take(what, LEASE):
            if self._clock.seconds() >= end:
                raise Busy(f"another process has the turn {what}", public=_PUBLIC)
            await deferLater(self._clock, AGAIN)
        working = Deferred.fromCoroutine(_done(work))
        renewing = LoopingCall(self._renew, self._turns, what, working)
        renewing.clock = self._clock
        renewing.start(LEASE / 3, now=False)
        try:
            return await working
        finally:
            renewing.stop()
            Deferred.fromCoroutine(self._give_back(self._turns, what))

    def _renew(self, turns: ITurns, what: str, working: Deferred[Any]) -> Deferred[None]:
        return Deferred.fromCoroutine(self._keep(turns, what, working))

    async def _keep(self, turns: ITurns, what: str, working: Deferred[Any]) -> None:
        """Renew a turn; one that another process has got meanwhile ends what is done in it."""
        try:
            is_ours = await turns.take(what, LEASE)
        except StoreUnavailable:
            return  # then no other process takes it either
        if not is_ours:
            self.log.warn("the turn {what} was lost: this process stood still", what=what)
            working.cancel()

    async def _give_back(self, turns: ITurns, what: str) -> None:
        try:
            await turns.give_back(what)
        except StoreUnavailable:
            return  # it ends by itself


async def _done(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


def _too_late(result: Any, timeout: float) -> Any:
    result.trap(CancelledError)
    raise Busy(f"no turn within {timeout:g} s", public=_PUBLIC)
