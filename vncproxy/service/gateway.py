"""The proxy as a service: in which order everything starts and stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from ..config.descriptors import affordable, allow, shortage
from ..config.settings import Settings
from ..interfaces import IHasWarnings
from ..session.consoles import MOST_PATIENCE
from ..session.registry import Sessions
from .components import CLOSE_TIME, Parts
from .reload import Reload, Running
from .store_check import StoreCheck


class Gateway(MultiService):
    """The listeners, and the order in which everything stops.

    Attributes:
        sessions: the live sessions.
    """

    log = Logger()

    def __init__(self, running: Running) -> None:
        super().__init__()
        self.sessions: Sessions = running.sessions
        self._running = running
        self._reload: Reload | None = None
        reactor = self.sessions.services.reactor
        self._store_check = StoreCheck(lambda: self.parts.store, reactor)

    @property
    def parts(self) -> Parts:
        """Token store and backends, as they are now."""
        return self._running.parts

    def privilegedStartService(self) -> None:
        """Listen, as ``twistd`` begins; an address that cannot be had ends the process."""
        with _one_sentence():
            super().privilegedStartService()

    def startService(self) -> None:
        """Listen, as ``twist`` begins; an address that cannot be had ends the process."""
        with _one_sentence():
            super().startService()
        self._running.log.find()
        self.warn()
        self._store_check.start()

    def stopService(self) -> Deferred[None]:
        """Stop listening, end the sessions with a reason, then close everything else."""
        return Deferred.fromCoroutine(self._stop(super().stopService()))

    def allow_reload(self, read: Callable[[], Settings], registry: CollectorRegistry) -> None:
        """Let the configuration be read again.

        Args:
            read: returns the settings that it has now; it runs in a thread.
            registry: where the metric about it is registered.
        """
        reactor = self.sessions.services.reactor
        self._reload = Reload(read, self._running, self.warn, registry, reactor)

    def reload(self) -> None:
        """Read the configuration again, unless it was not allowed."""
        if self._reload is not None:
            self._reload.ask()

    def warn(self) -> None:
        """Say what the settings allow and an operator should know."""
        self._fit_descriptors()
        if not self.parts.backends and not self.parts.sources:
            self.log.warn("no backend is configured, so there is no console to show")
        for what, parts in (
            ("token source", self.parts.sources),
            ("backend", self.parts.backends),
        ):
            for name, part in parts.items():
                if IHasWarnings.providedBy(part):
                    for text in IHasWarnings(part).warnings():
                        self.log.warn("{what} {name}: {text}", what=what, name=name, text=text)

    def _fit_descriptors(self) -> None:
        limits = self._running.settings.limits
        descriptors = allow(limits)
        self._running.sites.connections.affordable = affordable(limits, descriptors)
        if text := shortage(limits, descriptors):
            self.log.warn("{text}; raise RLIMIT_NOFILE (LimitNOFILE, ulimit -n)", text=text)

    async def _stop(self, listeners: Deferred[Any]) -> None:
        self._store_check.stop()
        if self._reload is not None:
            self._reload.forbid()
        linger = self.sessions.services.timeouts.linger
        ending = [self.sessions.stop(), self._running.sites.connections.stop(2 * linger)]
        await gatherResults(map(Deferred.fromCoroutine, ending))
        await listeners
        closing = [self.parts.close(self.sessions.services.reactor)]
        if self._reload is not None:
            closing.append(self._reload.stop())
        await gatherResults(map(Deferred.fromCoroutine, closing))
        self._running.audit.close()


def longest_stop(settings: Settings) -> float:
    """Return the seconds that a stop may take at most, for what waits for it to end.

    A session that is opening may first take its use of a token and give it back, each within
    ``redis.timeout``; its user is then told in RFB, and the connection closed, each within
    ``timeouts.linger``, as are those who are being refused. An open one asks its backend for
    `MOST_PATIENCE`, and is closed.
    """
    linger = settings.timeouts.linger
    sessions = max(2 * settings.redis.timeout + 2 * linger, MOST_PATIENCE + linger)
    return sessions + CLOSE_TIME


class CannotStart(SystemExit, Exception):
    """Ends the process with one sentence.

    An ``Exception``, too, because ``twistd`` tells the terminal that it left nothing else: its
    first process would wait for ever for the one in the background.
    """


@contextmanager
def _one_sentence() -> Iterator[None]:
    try:
        yield
    except CannotListenError as e:
        raise CannotStart(f"vncproxy: {e}") from e
