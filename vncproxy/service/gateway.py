"""The proxy as a service: the order in which everything starts and stops."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ..config.descriptors import affordable, allow, shortage
from ..config.settings import Settings
from ..downstream import channel
from ..interfaces import IHasWarnings
from ..model import Identity
from ..session.consoles import HOST_TIME_LIMIT
from ..session.registry import SessionRegistry
from .components import CLOSE_TIME, Components
from .drain import Drain
from .figures import ProxyMetrics
from .recordings import STOP_TIME
from .reload import PreparedReload, Reload
from .running import RunningProxy
from .siblings import Siblings
from .start_lines import start_lines
from .store_check import StoreCheck


class Gateway(MultiService):
    """The listeners, and the start and stop of everything behind them.

    Attributes:
        sessions: the live sessions.
        metrics: of this process.
        siblings: what is known of other workers.
        on_drain: called when the proxy is told to take no new sessions.
    """

    log = Logger()

    def __init__(
        self,
        running: RunningProxy,
        metrics: ProxyMetrics,
        siblings: Siblings,
    ) -> None:
        super().__init__()
        self.metrics = metrics
        self.siblings = siblings
        self.on_drain: Callable[[], object] = lambda: None
        self.sessions: SessionRegistry = running.sessions
        self._running = running
        self._reload: Reload | None = None
        self._drain = Drain(running)
        self._reactor = self.sessions.services.reactor
        self._store_check = StoreCheck(lambda: self.components.store, self._reactor)

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        return self._running.settings

    @property
    def identity(self) -> Identity:
        """The identity of this process."""
        return self._running.identity

    @property
    def components(self) -> Components:
        """The token store and the backends of the configuration in force."""
        return self._running.components

    def privilegedStartService(self) -> None:
        """Start the listeners under ``twistd``.

        Raises:
            CannotStart: an address cannot be listened on.
        """
        with cannot_start():
            super().privilegedStartService()

    def startService(self) -> None:
        """Start the listeners under ``twist``, and write warnings to the log.

        Raises:
            CannotStart: an address cannot be listened on.
        """
        with cannot_start():
            super().startService()
        self._running.log.find_open_file()
        self._say_what_starts()
        self.warn()
        self._store_check.start()
        self.metrics.lag.start()
        if self._running.hosts is not None:
            self._running.hosts.start()
        if self._running.cluster is not None:
            self._running.cluster.start()
            following = Deferred.fromCoroutine(self._drain.follow_siblings())
            following.addErrback(lambda f: self.log.failure("other workers are not followed", f))
        self._running.links.start()
        if self._running.copies is not None:
            self._running.copies.start()
        if self._running.archive is not None:
            self._running.archive.start()

    def _say_what_starts(self) -> None:
        """Log the first lines; of several workers, one does."""
        if os.environ.get("VNCPROXY_WORKER", "1") == "1":
            for line in start_lines(self._running.settings):
                self.log.info("{line}", line=line)

    def stopService(self) -> Deferred[None]:
        """Stop listening, end the sessions with a reason, then close everything else."""
        return Deferred.fromCoroutine(self._stop(super().stopService()))

    def drain(self, timeout: float | None = None) -> Deferred[None]:
        """Empty the proxy: readiness is off, new sessions are refused, browsers move elsewhere.

        It goes on answering, and is empty until it is stopped.

        Args:
            timeout: seconds until all sessions are ended; ``proxy.drain_timeout`` by default.
                Another call can only shorten it.

        Returns:
            Fires when no session is left.
        """
        if timeout is None:
            timeout = self.settings.proxy.drain_timeout
        self._running.links.stop("the proxy drains")
        drained = self._drain.begin(timeout)
        self.on_drain()
        self._running.sites.end_events("draining")
        self.siblings.check()
        return drained

    def retire(self) -> Deferred[None]:
        """Stop accepting, while other processes accept at the same sockets, and keep the sessions.

        Connections that have been accepted are served once if they send their request in time, and
        then closed: `keep_alive` ends those of users that send none, and native viewers whose users
        are entering their tokens are told to try again. Browsers move to the other processes just
        before ``proxy.drain_timeout`` is over.

        Returns:
            Fires when no session is left, and no tunnel that passes on its way to another process.
        """
        for listener in self.services:
            if isinstance(listener, StreamServerEndpointService):
                listener.stopService()
        self._running.links.stop("the proxy is upgraded")
        return Deferred.fromCoroutine(self._retire())

    async def _retire(self) -> None:
        users, callers = self._running.sites.connections, self._running.sites.callers
        if self._running.reviews is not None:
            self._running.reviews.end_live()
        self._running.sites.end_events("stopping", close=True)
        users.closing = True
        callers.close_served()
        limits, begun = self.settings.limits, self._reactor.seconds()
        await self._wait_until(
            lambda: len(users) <= len(self.sessions) and not len(callers),
            max(limits.header_time, limits.keep_alive) + channel.CLOSE_TIME,
        )
        users.close_idle()
        callers.close_idle()
        waited = self._reactor.seconds() - begun
        retired = self._drain.retire(max(0.0, self.settings.proxy.drain_timeout - waited))
        await self._wait_until(lambda: not len(callers), channel.RESPONSE_TIME)
        await retired
        left = self.settings.proxy.drain_timeout - (self._reactor.seconds() - begun)
        await self._wait_until(lambda: not self._running.links.passing, left)

    async def _wait_until(self, is_so: Callable[[], bool], seconds: float) -> None:
        give_up = self._reactor.seconds() + seconds
        while not is_so() and self._reactor.seconds() < give_up:
            await deferLater(self._reactor, 0.1)

    def forget(self, worker_id: str) -> Deferred[None]:
        """End the announcement of another process of this proxy, which has ended."""
        if self._running.cluster is None:
            return succeed(None)
        return Deferred.fromCoroutine(self._running.cluster.presence.forget(worker_id))

    def finish(self) -> Deferred[None]:
        """Prepare a stop: empty the proxy within ``proxy.stop_timeout`` if sessions can move.

        Returns:
            Fires when there is nothing to wait for.
        """
        self._running.links.stop("the proxy stops")
        finished = self._drain.finish(self.settings.proxy.stop_timeout)
        self.siblings.check()
        return finished

    async def prepare_reload(self) -> PreparedReload:
        """Read the configuration again, and change nothing yet; needs `allow_reload`.

        Raises:
            ConfigurationError: with one line for each error.
        """
        assert self._reload is not None
        return await self._reload.prepare()

    def reopen_files(self) -> None:
        """Open the audit file and the log again: they have been renamed."""
        if self._reload is not None:
            self._reload.reopen_files()

    def allow_reload(self, read: Callable[[], Settings], registry: CollectorRegistry) -> None:
        """Make `reload` work.

        Args:
            read: returns the settings of the configuration as it is now; called in a thread.
            registry: where the metric of reloads is registered.
        """
        self._reload = Reload(read, self._running, self.warn, registry, self._reactor)

    def reload(self) -> None:
        """Read the configuration again; does nothing before `allow_reload`."""
        if self._reload is not None:
            self._reload.request_reload()

    def warn(self) -> None:
        """Log what is likely to be wrong with the settings in force."""
        self._fit_descriptors()
        if not self.components.backends and not self.components.sources:
            self.log.warn("no backend is configured, so there is no console to show")
        for kind, components in (
            ("service", self.components.services),
            ("token source", self.components.sources),
            ("backend", self.components.backends),
        ):
            for name, component in components.items():
                if IHasWarnings.providedBy(component):
                    for text in IHasWarnings(component).warnings():
                        self.log.warn("{kind} {name}: {text}", kind=kind, name=name, text=text)

    def _fit_descriptors(self) -> None:
        limits = self._running.settings.limits
        descriptors = allow(limits)
        self._running.sites.connections.descriptor_limit = affordable(limits, descriptors)
        if text := shortage(limits, descriptors):
            self.log.warn("{text}; raise RLIMIT_NOFILE (LimitNOFILE, ulimit -n)", text=text)

    async def _stop(self, listeners: Deferred[Any]) -> None:
        self._store_check.stop()
        self._running.links.stop("the proxy stops")
        self._running.links.close()
        if self._reload is not None:
            self._reload.disable()
        sites, limit = self._running.sites, 2 * self.sessions.services.timeouts.linger
        sites.end_events("stopping", close=True)
        sites.callers.close_served()
        if self._running.reviews is not None:
            self._running.reviews.end_live()
        ending = [
            self.sessions.stop(),
            sites.connections.stop(limit),
            sites.callers.stop(limit),
        ]
        await gatherResults(map(Deferred.fromCoroutine, ending))
        await listeners
        closing = [self.components.close(self._reactor), sites.close()]
        if self._running.cluster is not None:
            closing.append(self._running.cluster.stop())
        if self._running.hosts is not None:
            closing.append(self._running.hosts.stop())
        if self._reload is not None:
            closing.append(self._reload.stop())
        await gatherResults(map(Deferred.fromCoroutine, closing))
        if self._running.recordings is not None:
            await self._running.recordings.stop(STOP_TIME)
        if self._running.copies is not None:
            self._running.copies.stop()
        if self._running.reviews is not None:
            await self._running.reviews.close()
        if self._running.archive is not None:
            self._running.archive.stop()
        self._running.audit.close()
        self.metrics.lag.stop()


def longest_stop(settings: Settings) -> float:
    """Return the seconds that a stop takes at most, for service managers.

    Browsers move and viewers stay within ``proxy.stop_timeout``; the sessions that are left are
    ended then. A session that is opening may first redeem its token and give the use back, each
    within ``redis.timeout``; then it sends the reason in RFB and closes the connection, each within
    ``timeouts.linger``, as refusals do. An open session first waits `HOST_TIME_LIMIT` for its
    backend. Then recordings are written, within `STOP_TIME`.
    """
    close_timeout = settings.timeouts.linger
    sessions = max(2 * settings.redis.timeout + 2 * close_timeout, HOST_TIME_LIMIT + close_timeout)
    recordings = STOP_TIME if settings.recording.place else 0.0
    return settings.proxy.stop_timeout + sessions + CLOSE_TIME + recordings


class CannotStart(SystemExit, Exception):
    """Ends the process with one sentence.

    Also an ``Exception``: the first process of ``twistd`` waits for the one in the background,
    which reports nothing but exceptions to it; of anything else it would wait for ever.
    """


@contextmanager
def cannot_start() -> Iterator[None]:
    """Turn an address that cannot be listened on into `CannotStart`."""
    try:
        yield
    except CannotListenError as e:
        raise CannotStart(f"vncproxy: {e}") from e
