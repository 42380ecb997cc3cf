"""Reads the configuration again while the proxy runs, and puts it in place of the old one.

Whatever can fail comes first: a configuration with a mistake is refused whole, and everything goes
on as before. Sessions stay, and keep the limits on their time that they began with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import FileIO
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..blocking import BoundedCalls
from ..config.settings import Settings
from ..downstream.tls_listener import ListenerTLS, Shown
from ..errors import BackendError, ConfigurationError
from ..model import Timeouts
from ..session.audit import AuditLog, open_audit_file
from ..session.registry import Sessions
from .components import Made, Parts, Renewed, close_all, digests, renew
from .log_file import ProcessLog
from .sites import Sites, services

READ_TIME = 30.0
"""Seconds that the configuration and the files it names may take to be read."""

LIST_TIME = 30.0
"""Seconds that a call of the API may wait for a backend that is not configured any more."""

_READ_AGAIN: Final = {
    "public",
    "limits",
    "timeouts",
    "relay",
    "log",
    "api",
    "backends",
    "token_sources",
    ("proxy", "instances"),
    ("tokens", "ttl"),
    ("tokens", "max_ttl"),
}
"""The tables, and the keys of other tables, that a reload puts in place."""


@dataclass(slots=True)
class Running:
    """What runs by the settings, and can be made to run by others.

    Attributes:
        tls: the listeners that speak TLS.
        log: the file that the process logs to.
    """

    settings: Settings
    parts: Parts
    sessions: Sessions
    sites: Sites
    audit: AuditLog
    tls: Sequence[ListenerTLS]
    log: ProcessLog


@dataclass(frozen=True, slots=True)
class Fresh:
    """What was read from files, and is not in place yet.

    Attributes:
        files: digests of those that backends and token sources name.
    """

    settings: Settings
    files: Mapping[str, bytes]
    shown: tuple[Shown, ...]
    audit: FileIO | None

    def drop(self) -> None:
        """Let go of the files that were opened."""
        if self.audit is not None:
            self.audit.close()


class Reload:
    """Reloads whenever it is asked to: one after the other, and never while the proxy stops.

    Args:
        read: returns the settings that the configuration file has now; it runs in a thread.
        running: what the settings are put in place of.
        done: called after each reload that changed something.
        registry: where the metric is registered.
    """

    log = Logger()

    def __init__(
        self,
        read: Callable[[], Settings],
        running: Running,
        done: Callable[[], object],
        registry: CollectorRegistry,
        reactor: Any,
    ) -> None:
        self._read = read
        self._running = running
        self._done = done
        self._reactor = reactor
        self._calls: BoundedCalls | None = None
        self._current: Deferred[None] | None = None
        self._again = self._stopped = False
        self._retired: dict[IDelayedCall, tuple[Made, ...]] = {}
        self._in_force = Gauge(
            "vncproxy_configuration_in_force",
            "1 while the proxy runs by the configuration that it was told to read last.",
            registry=registry,
        )
        self._in_force.set(1)

    def ask(self) -> None:
        """Reload now, or once more when the reload under way is over."""
        if self._stopped:
            self.log.info("configuration not reloaded: the proxy is stopping")
        elif self._current is not None:
            self._again = True
        else:
            self._again = False
            current = self._current = Deferred.fromCoroutine(self._reload())
            current.addBoth(self._over)

    def forbid(self) -> None:
        """Reload no more: the proxy is stopping."""
        self._stopped = True

    async def stop(self) -> None:
        """Give up the reload under way, and close what earlier ones have left."""
        self.forbid()
        if self._current is not None:
            self._current.cancel()
        if self._calls is not None:
            self._calls.close()
        retired, self._retired = self._retired, {}
        for timer in retired:
            timer.cancel()
        await close_all(itertools.chain(*retired.values()), self._reactor)

    def _over(self, result: object) -> None:
        self._current = None
        if isinstance(result, Failure):
            self.log.failure("a reload was not finished", result)
        if self._again and not self._stopped:
            self.ask()

    async def _reload(self) -> None:
        try:
            changes = self._put_in_place(await self._fresh())
        except ConfigurationError as e:
            self._refused(e.detail.splitlines())
        except BackendError:  # of the thread
            self._refused(
                ["its files are still being read: does a disk or a network file system hang?"]
            )
        except CancelledError:
            self.log.info("configuration not reloaded: the proxy is stopping")
        except Exception:  # noqa: BLE001 a defect must not keep the next reload from working
            self._in_force.set(0)
            self.log.failure("configuration not reloaded, everything goes on as before")
        else:
            self._in_force.set(1)
            self.log.info("configuration reloaded: {changes}", changes=", ".join(changes))
            self._done()

    def _refused(self, mistakes: Sequence[str]) -> None:
        self._in_force.set(0)
        self.log.error("configuration not reloaded, everything goes on as before; what is wrong:")
        for mistake in mistakes:
            self.log.error("configuration: {mistake}", mistake=mistake)

    async def _fresh(self) -> Fresh:
        """Read everything, in a thread: a file system may hang."""
        if self._calls is None:
            self._calls = BoundedCalls(self._reactor, self._reactor, 1, 0, "reload")
        return await self._calls.call(READ_TIME, self._read_files, late=Fresh.drop)

    def _read_files(self) -> Fresh:
        mistakes: list[str] = []
        settings = _noting(mistakes, self._read)
        if settings is not None:
            mistakes += needs_restart(self._running.settings, settings)
        shown = [_noting(mistakes, tls.read) for tls in self._running.tls]
        _noting(mistakes, self._running.log.check)
        audit = None
        if settings is not None and not mistakes:
            audit = _noting(mistakes, partial(open_audit_file, settings.log.audit))
        if settings is None or mistakes:
            raise ConfigurationError("\n".join(mistakes))
        return Fresh(settings, digests(settings), tuple(filter(None, shown)), audit)

    def _put_in_place(self, fresh: Fresh) -> list[str]:
        """Let everything run by what was read; returns what has changed, in words."""
        running, settings = self._running, fresh.settings
        renewed = self._renewed(fresh)
        changes = [*_changes(running.settings, settings), *renewed.changes]
        for tls, shown in zip(running.tls, fresh.shown, strict=True):
            if tls.show(shown):
                changes.append(f"another certificate at {tls.endpoint}")
        before = running.sessions.services
        running.sessions.services = services(
            settings, renewed.parts, before.observers, before.time, self._reactor
        )
        running.settings, running.parts = settings, renewed.parts
        self._retire(renewed.retired, before.timeouts, settings.timeouts)
        running.audit.write_to(fresh.audit)
        running.audit.required = settings.log.audit_required
        self._reopen_log()
        return changes or ["nothing has changed"]

    def _renewed(self, fresh: Fresh) -> Renewed:
        """Make what can still fail; after this, nothing can."""
        settings, renewed = fresh.settings, None
        try:
            if self._stopped:
                raise ConfigurationError("the proxy is stopping")
            renewed = renew(self._running.parts, settings, fresh.files, self._reactor)
            self._running.sites.renew(settings, renewed.parts)
        except BaseException:
            fresh.drop()
            if renewed is not None:
                close_all(renewed.fresh, self._reactor)
            raise
        return renewed

    def _reopen_log(self) -> None:
        try:
            self._running.log.reopen()
        except OSError as e:
            self.log.error("the log cannot be opened again: {error}", error=e)

    def _retire(self, parts: tuple[Made, ...], *timeouts: Timeouts) -> None:
        """Close what is not configured any more, when whatever began before has ended."""
        if not parts:
            return
        opening = (3 * each.locate + 2 * (each.connect + each.handshake) for each in timeouts)

        def close() -> None:
            close_all(self._retired.pop(timer), self._reactor)

        timer = self._reactor.callLater(max(LIST_TIME, *opening), close)
        self._retired[timer] = parts


def needs_restart(old: Settings, new: Settings) -> Iterator[str]:
    """Yield a sentence for each option that has changed and is only read at the start."""
    for table, key in _differences(old, new):
        in_use = table != "redis" or old.tokens.store == "redis"
        if in_use and not {table, (table, key)} & _READ_AGAIN:
            yield (
                f"[{table}] {key} is only read at the start: restart the proxy, or put the value "
                "back that it started with"
            )


def _changes(old: Settings, new: Settings) -> list[str]:
    named = ("backends", "token_sources")
    return [f"[{table}] {key}" for table, key in _differences(old, new) if table not in named]


def _differences(old: Settings, new: Settings) -> Iterator[tuple[str, str]]:
    """Yield table and key of each option that has another value."""
    for table in type(old).model_fields:
        before, after = getattr(old, table), getattr(new, table)
        for key in _keys(before):
            if getattr(before, key) != getattr(after, key):
                yield table, key
        if isinstance(before, dict) and before != after:
            yield table, ""


def _keys(table: Any) -> Iterable[str]:
    """Return the keys of a table: some are pydantic's models, some dataclasses."""
    if isinstance(table, dict):
        return ()
    fields = getattr(type(table), "model_fields", None) or type(table).__dataclass_fields__
    return list(fields)


def _noting(mistakes: list[str], read: Callable[[], Any]) -> Any:
    """Return what is read, or note what is wrong and return None."""
    try:
        return read()
    except ConfigurationError as e:
        mistakes += e.detail.splitlines()
        return None
