"""What every request of a caller passes: the rate of its key, and the note that it was used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..errors import StoreUnavailable
from ..interfaces import IPortalStore
from ..model import Rate
from ..portals.memory import MemoryPortalStore
from .caller import Caller
from .reply import Refusal

NOTED_AFTER = 10.0
"""Seconds after which the last uses of keys are written, in one batch."""


class Gate:
    """Admits requests.

    While the store does not answer, rates are counted in this process alone: a portal must be able
    to end sessions then.

    Args:
        clock: for batches, and monotonic time.
    """

    log = Logger()

    def __init__(self, store: IPortalStore, clock: IReactorTime) -> None:
        self._store = store
        self._clock = clock
        self._alone = MemoryPortalStore(clock.seconds)
        self._used: dict[str, float] = {}
        self._timer: Any = None

    async def admit(self, caller: Caller) -> None:
        """Count a request of a caller.

        Raises:
            Refusal: 429, the rate of its key admits no more now.
        """
        credential = caller.credential
        if credential is None:
            return
        self._note_use(credential.id)
        if credential.rates and (wait := await self._wait(credential.rates)):
            raise _too_many(caller, wait)

    async def _wait(self, rates: Sequence[Rate]) -> float:
        try:
            wait: float = await self._store.admit(rates)
        except StoreUnavailable:
            wait = await self._alone.admit(rates)
        return wait

    def _note_use(self, key_id: str) -> None:
        self._used[key_id] = self._clock.seconds()
        if self._timer is None:
            self._timer = self._clock.callLater(NOTED_AFTER, self._write)

    def _write(self) -> None:
        self._timer = None
        Deferred.fromCoroutine(self.write_uses()).addErrback(self._failed)

    async def write_uses(self) -> None:
        """Write when keys were last used, as far as it is not written yet.

        Raises:
            StoreUnavailable: they are written with the next ones.
        """
        used, self._used = self._used, {}
        if not used:
            return
        now = self._clock.seconds()
        try:
            await self._store.note_uses({key_id: now - at for key_id, at in used.items()})
        except StoreUnavailable:
            self._used = {**used, **self._used}
            raise

    async def close(self) -> None:
        """Write what is left, and write no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            await self.write_uses()
        except StoreUnavailable:
            return

    def _failed(self, failure: Any) -> None:
        if not failure.check(StoreUnavailable):
            self.log.failure("last uses of API keys were not written", failure)


def _too_many(caller: Caller, wait: float) -> Refusal:
    seconds = max(1, math.ceil(wait))
    message = f"the {caller} has sent too many requests; try again in {seconds} s"
    return Refusal(429, "rate-limited", message, headers=(("Retry-After", str(seconds)),))
