"""How a proxy is emptied: by an order, in an upgrade, and before it stops."""

from __future__ import annotations

from contextlib import suppress

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..errors import StoreUnavailable
from ..model import Announcement
from ..session.draining import LEAVE_TIME, Draining, spread
from .running import RunningProxy

KNOWN_AFTER = 4.0
"""Seconds after its start in which a proxy becomes known to load balancers, by their checks."""


class Drain:
    """Empties a proxy.

    Args:
        running: the proxy, with its settings and the cluster that it is part of.
    """

    log = Logger()

    def __init__(self, running: RunningProxy) -> None:
        self._running = running
        self._draining = Draining(running.sessions, running.settings.tokens.resume)

    def begin(self, timeout: float) -> Deferred[None]:
        """Refuse new sessions, let pages move where they can, and end the rest after a time.

        Returns:
            Fires when no session is left.
        """
        self._running.sessions.draining = True
        return Deferred.fromCoroutine(self._begin(timeout))

    def retire(self, timeout: float) -> Deferred[None]:
        """Keep all sessions, while other processes take new ones; pages move before the end.

        A connection that was accepted before may still begin one.

        Returns:
            Fires when no session is left.
        """
        moving = spread(len(self._running.sessions)) + LEAVE_TIME
        return self._draining.begin(timeout, max(0.0, timeout - moving), refuse=False)

    def finish(self, timeout: float) -> Deferred[None]:
        """Drain within a time, if there is anywhere to move.

        Returns:
            Fires when there is nothing to wait for.
        """
        self._running.sessions.draining = True
        return Deferred.fromCoroutine(self._finish(timeout))

    async def follow_siblings(self) -> None:
        """Drain, if the other workers of the proxy do: this one has been started anew meanwhile."""
        cluster, me = self._running.cluster, self._running.identity
        if cluster is None or not me.worker:
            return
        with suppress(StoreUnavailable):
            siblings = [
                each
                for each in await cluster.presence.workers()
                if each.identity.proxy_id == me.proxy_id
                and each.identity.generation == me.generation
                and each.identity.worker_id != me.worker_id
            ]
            if siblings and all(each.draining for each in siblings):
                await self.begin(self._running.settings.proxy.drain_timeout)

    async def _begin(self, timeout: float) -> None:
        move_in = await self._move_in()
        if move_in is None:
            self.log.warn("there is no other proxy to move to, so all sessions stay")
        await self._draining.begin(timeout, move_in)

    async def _finish(self, timeout: float) -> None:
        move_in = await self._move_in() if len(self._running.sessions) else None
        if move_in is not None:
            await self._draining.begin(timeout, move_in)

    async def _move_in(self) -> float | None:
        """Return in how many seconds pages may move; None where no other proxy takes sessions.

        Others learn at the same time that this one takes none. While Redis is away, none takes any.
        """
        cluster = self._running.cluster
        if cluster is None:
            return None
        try:
            await cluster.presence.announce()
            others = [each for each in await cluster.presence.workers() if self._replaces(each)]
        except StoreUnavailable:
            return None
        now = self._running.sessions.services.time()
        ages = [max(0.0, now - each.started_at) for each in others]
        return max(0.0, KNOWN_AFTER - max(ages)) if ages else None

    def _replaces(self, other: Announcement) -> bool:
        """Return whether a process belongs to another proxy, under the same address."""
        running = self._running
        return (
            other.identity.proxy_id != running.identity.proxy_id
            and other.base_url == running.settings.public.announced[0]
            and other.serves is None
            and not other.draining
        )
