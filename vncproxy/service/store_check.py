"""Calls the token store when the proxy starts, so that the log says at once when it is away.

A store outside this process logs by itself when it fails and when it answers again, but nothing
calls it before the first user comes.
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
"""Seconds between two calls; the pause doubles from the first to the longest."""


class StoreCheck:
    """Calls the store until it has answered once.

    Args:
        store: returns the store of the configuration in force.
    """

    log = Logger()

    def __init__(self, store: Callable[[], ITokenStore], clock: IReactorTime) -> None:
        self._store = store
        self._clock = clock
        self._checking: Deferred[None] | None = None

    def start(self) -> None:
        """Call the store now, and again while it does not answer."""
        self._checking = Deferred.fromCoroutine(self._check_until_answered())
        self._checking.addErrback(self._failed)

    def stop(self) -> None:
        """Stop calling the store."""
        if self._checking is not None:
            self._checking.cancel()

    async def _check_until_answered(self) -> None:
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
            self.log.failure("the check of the token store failed", failure)
