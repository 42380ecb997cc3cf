"""Announces this process in Redis, so that its sessions count in the limits of all proxies."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..config.settings import Settings
from ..errors import StoreUnavailable
from ..session.registry import SessionRegistry
from .components import Components, own_store

LEASE = 15.0
"""Seconds for which an announcement is good; sessions of a process that died count no longer."""

INTERVAL = 5.0
"""Seconds between two heartbeats."""


class Heartbeat:
    """Announces a process until it is stopped.

    Args:
        store: a `vncproxy.tokens.redis.RedisTokenStore`.
        lease: seconds for which an announcement is good.
        interval: seconds between two of them.
    """

    log = Logger()

    def __init__(
        self,
        store: Any,
        worker_id: str,
        reactor: Any,
        lease: float = LEASE,
        interval: float = INTERVAL,
    ) -> None:
        self._store = store
        self._worker_id = worker_id
        self._reactor = reactor
        self._lease = lease
        self._interval = interval
        self._beating: Deferred[None] | None = None
        store.announce_by(self.beat)

    def start(self) -> None:
        """Announce the process now, and renew the announcement until `stop`."""
        self._beating = Deferred.fromCoroutine(self._run())
        self._beating.addErrback(self._log_failure)

    async def stop(self) -> None:
        """End the announcement; where Redis is away, it ends by itself."""
        if self._beating is not None:
            self._beating.cancel()
            try:
                await self._store.announce(self._worker_id, 0)
            except StoreUnavailable as e:
                self.log.info("the announcement in redis is left to expire: {why}", why=e.detail)

    async def beat(self) -> None:
        """Renew the announcement, and what depends on it.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        await self._store.leases.flush()
        was_announced = await self._store.announce(self._worker_id, self._lease)
        await self._store.leases.renew(was_announced)

    async def _run(self) -> None:
        while True:
            try:
                await self.beat()
            except StoreUnavailable:
                pass  # the link has logged it
            except Exception:  # noqa: BLE001 a defect must not end the announcement
                self.log.failure("a heartbeat failed")
            await deferLater(self._reactor, self._interval)

    def _log_failure(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("the announcement in redis has ended", failure)


def make_heartbeat(
    settings: Settings, components: Components, sessions: SessionRegistry, reactor: Any
) -> Heartbeat | None:
    """Return the heartbeat of this process; None where the tokens are not in Redis."""
    if settings.tokens.store != "redis":
        return None
    # txredisapi installs the reactor on import, and importing this module must not
    from ..tokens.redis import RedisTokenStore

    store = own_store(components.store)
    if not isinstance(store, RedisTokenStore):
        return None
    store.leases.held = sessions.held
    return Heartbeat(store, sessions.services.worker_id, reactor)
