"""Lets one process of the cluster at a time take a picture of a machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ..errors import Busy, StoreUnavailable
from ..interfaces import IPortalStore
from ..model import VMAddress, new_id

T = TypeVar("T")

HELD: Final = 30.0
"""Seconds after which the turn of a process is over that was killed, or is slower than that."""

LONGEST_WAIT: Final = 5.0
"""Seconds until a process is refused that waits."""

INTERVAL: Final = 0.1
"""Seconds between two looks at whether the other process is done."""


class OneAtATime:
    """The turns of the processes that share a store.

    Args:
        store: knows whose turn it is.
    """

    log = Logger()

    def __init__(self, store: IPortalStore, clock: IReactorTime) -> None:
        self._store = store
        self._clock = clock

    async def run(self, vm: VMAddress, work: Callable[[], Awaitable[T]]) -> T:
        """Return what some work at a machine returns, once no other process works there.

        Raises:
            Busy: another one does, for too long.
            StoreUnavailable: that is not known.
        """
        name, claim = f"picture:{vm}", new_id()
        give_up = self._clock.seconds() + LONGEST_WAIT
        while await self._store.hold(name, claim, HELD):
            if self._clock.seconds() >= give_up:
                raise Busy(f"another process takes a picture of {vm}")
            await deferLater(self._clock, INTERVAL, _nothing)
        try:
            return await work()
        finally:
            # it is not waited for: the picture is there
            letting_go = Deferred.fromCoroutine(_let_go(self._store, name, claim))
            letting_go.addErrback(lambda why: why.trap(StoreUnavailable))


async def _let_go(store: IPortalStore, name: str, claim: str) -> None:
    await store.let_go(name, claim)


def _nothing() -> None:
    """Do nothing."""
