"""Asks the token store when the proxy starts, so that the log says at once when it is away.

A store that is outside this process logs by itself when it fails and when it is back; but nothing
asks it before the first user comes.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import StoreUnavailable
from ..interfaces import ITokenStore

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds between two questions, which double from the first one on."""


class StoreCheck:
    """Asks until the store has answered once.

    Args:
        store: returns the store as it is now.
    """

    log = Logger()

    def __init__(self, store: Callable[[], ITokenStore], clock: IReactorTime) -> None:
        self._store = store
        self._clock = clock
        self._asking: Deferred[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._asking = Deferred.fromCoroutine(self._ask())
        self._asking.addErrback(self._failed)

    def stop(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self) -> None:
        pause = FIRST_PAUSE
        while not await self._answers():
            await deferLater(self._clock, pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _answers(self) -> bool:
        try:
            await self._store().check()
        except StoreUnavailable:
            return False
        return True

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("the token store could not be asked", failure)
