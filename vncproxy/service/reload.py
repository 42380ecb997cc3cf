"""Reads the configuration again while the proxy runs, and applies it.

Every step that can fail comes before the first change: a configuration with an error changes
nothing. Live sessions stay, with the time limits that they began with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import FileIO
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..blocking import BoundedCalls
from ..config.digest import configuration_digest
from ..config.settings import Settings
from ..downstream.tls_listener import LoadedCertificate
from ..errors import BackendError, ConfigurationError
from ..logs.process import process_logging
from ..model import Timeouts
from ..session.audit import open_audit_file
from .changes import changed_options, needs_restart
from .components import Component, Renewed, close_all, digests, renew
from .notify import Notifier
from .running import RunningProxy
from .session_services import services
from .zone_links import linked_zones

READ_TIME = 30.0
"""Seconds for reading the configuration and the files that it names."""

LIST_TIME = 30.0
"""Seconds that a call of the API may wait for a backend that has been removed."""


@dataclass(frozen=True, slots=True)
class NewConfiguration:
    """A configuration that has been read from its files and is not applied yet.

    Attributes:
        digests: of the files that backends and token sources name.
        tls: the certificates of the TLS listeners, in their order.
        audit: the audit file; None for the ordinary log.
    """

    settings: Settings
    digests: Mapping[str, bytes]
    tls: tuple[LoadedCertificate, ...]
    audit: FileIO | None

    def close_files(self) -> None:
        """Close the files that were opened, when the configuration is not applied."""
        if self.audit is not None:
            self.audit.close()


@dataclass(frozen=True, slots=True)
class PreparedReload:
    """A configuration that can be applied without an error; one of both calls has to follow.

    Attributes:
        apply: puts it in force; returns a sentence for each change.
        discard: closes what was made for it.
    """

    apply: Callable[[], list[str]]
    discard: Callable[[], None]


class Reload:
    """Reloads on request, one reload at a time, until the proxy stops.

    Args:
        read: returns the settings of the configuration file as it is now; called in a thread.
        running: the proxy that reloads change.
        on_reloaded: called after each reload that was applied.
        registry: where the metric is registered.
    """

    log = Logger()

    def __init__(
        self,
        read: Callable[[], Settings],
        running: RunningProxy,
        on_reloaded: Callable[[], object],
        registry: CollectorRegistry,
        reactor: Any,
    ) -> None:
        self._read = read
        self._running = running
        self._on_reloaded = on_reloaded
        self._reactor = reactor
        self._calls: BoundedCalls | None = None
        self._current: Deferred[None] | None = None
        self._again = self._stopped = False
        self._notifier = Notifier()
        self._retired: dict[IDelayedCall, tuple[Component, ...]] = {}
        self._in_force = Gauge(
            "vncproxy_configuration_in_force",
            "1 while the proxy runs by the configuration that it was told to read last.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._in_force.set(1)

    def request_reload(self) -> None:
        """Reload now, or once more when the current reload has finished."""
        if self._stopped:
            self.log.info("configuration not reloaded: the proxy is stopping")
        elif self._current is not None:
            self._again = True
        else:
            self._again = False
            current = self._current = Deferred.fromCoroutine(self._reload())
            current.addBoth(self._on_finished)

    def disable(self) -> None:
        """Ignore all further requests: the proxy is stopping."""
        self._stopped = True

    async def stop(self) -> None:
        """Cancel the current reload, and close the components that earlier ones retired."""
        self.disable()
        if self._current is not None:
            self._current.cancel()
        if self._calls is not None:
            self._calls.close()
        retired, self._retired = self._retired, {}
        for timer in retired:
            timer.cancel()
        await close_all(itertools.chain(*retired.values()), self._reactor)

    def _on_finished(self, result: object) -> None:
        self._current = None
        if isinstance(result, Failure):
            self.log.failure("a reload was not finished", result)
        if self._again and not self._stopped:
            self.request_reload()

    async def prepare(self) -> PreparedReload:
        """Read everything and make what is new; nothing is changed yet.

        Raises:
            ConfigurationError: with one line for each error.
        """
        try:
            new = await self._read_configuration()
        except BackendError as e:  # of the thread
            self._in_force.set(0)
            raise ConfigurationError(
                "its files are still being read: does a disk or a network file system hang?"
            ) from e
        except ConfigurationError:
            self._in_force.set(0)
            raise
        renewed, use_sites = self._renew(new)
        return PreparedReload(
            lambda: self._apply(new, renewed, use_sites), lambda: self._discard(new, renewed)
        )

    def reopen_files(self) -> None:
        """Open the audit file and the log again, and change nothing else."""
        try:
            self._running.audit.write_to(open_audit_file(self._running.settings.log.audit))
        except ConfigurationError as e:
            self.log.error("{error}", error=e.detail)
        self._reopen_log()

    async def _reload(self) -> None:
        self._notifier.reloading()
        try:
            changes = (await self.prepare()).apply()
        except ConfigurationError as e:
            self._log_refusal(e.detail.splitlines())
        except CancelledError:
            self.log.info("configuration not reloaded: the proxy is stopping")
        except Exception:  # noqa: BLE001 a defect must not keep the next reload from working
            self._in_force.set(0)
            self.log.failure("configuration not reloaded, everything goes on as before")
        else:
            self.log.info(
                "configuration reloaded: {changes}; configuration {digest} is in force",
                changes=", ".join(changes),
                digest=configuration_digest(self._running.settings),
            )
            log = self._running.settings.log
            process_logging.configure(log.format, log.level)
            self._on_reloaded()
        finally:
            self._notifier.ready()

    def _log_refusal(self, errors: Sequence[str]) -> None:
        self._in_force.set(0)
        self.log.error("configuration not reloaded, everything goes on as before; what is wrong:")
        for error in errors:
            self.log.error("configuration: {error}", error=error)

    async def _read_configuration(self) -> NewConfiguration:
        """Read everything, in a thread: a file system may hang."""
        if self._calls is None:
            self._calls = BoundedCalls(self._reactor, self._reactor, 1, 0, "reload")
        return await self._calls.call(
            READ_TIME, self._read_files, late=NewConfiguration.close_files
        )

    def _read_files(self) -> NewConfiguration:
        errors: list[str] = []
        settings = _collecting(errors, self._read)
        if settings is not None:
            errors += needs_restart(self._running.settings, settings)
        loaded = [_collecting(errors, tls.read) for tls in self._running.tls]
        _collecting(errors, self._running.log.check)
        audit = None
        if settings is not None and not errors:
            audit = _collecting(errors, partial(open_audit_file, settings.log.audit))
        if settings is None or errors:
            raise ConfigurationError("\n".join(errors))
        return NewConfiguration(settings, digests(settings), tuple(filter(None, loaded)), audit)

    def _apply(
        self, new: NewConfiguration, renewed: Renewed, use_sites: Callable[[], None]
    ) -> list[str]:
        """Apply a configuration that was prepared; returns a sentence for each change."""
        running, settings = self._running, new.settings
        use_sites()
        changes = [*changed_options(running.settings, settings), *renewed.changes]
        for tls, loaded in zip(running.tls, new.tls, strict=True):
            if tls.replace(loaded):
                changes.append(f"another certificate at {tls.endpoint}")
        before = running.sessions.services
        running.sessions.services = services(
            settings,
            renewed.components,
            before.observers,
            before.time,
            self._reactor,
            running.identity,
            before.on_step,
            before.page_requests,
            before.recorder,
            power=before.power,
            login=running.sites.start.rule(settings) if running.sites.start else None,
        )
        running.settings, running.components = settings, renewed.components
        if running.hosts is not None:
            running.hosts.configure(settings, renewed.components)
            running.hosts.start()
        running.links.update(linked_zones(settings))
        self._close_later(renewed.retired, before.timeouts, settings.timeouts)
        running.audit.write_to(new.audit)
        running.audit.required = settings.log.audit_required
        self._reopen_log()
        self._in_force.set(1)
        return changes or ["nothing has changed"]

    def _renew(self, new: NewConfiguration) -> tuple[Renewed, Callable[[], None]]:
        """Make the new components and sites: the last step that can fail."""
        settings, renewed = new.settings, None
        try:
            if self._stopped:
                raise ConfigurationError("the proxy is stopping")
            renewed = renew(self._running.components, settings, new.digests, self._reactor)
            return renewed, self._running.sites.prepare(settings, renewed.components)
        except BaseException:
            new.close_files()
            if renewed is not None:
                close_all(renewed.added, self._reactor)
            raise

    def _discard(self, new: NewConfiguration, renewed: Renewed) -> None:
        """Close what was made for a configuration that is not applied."""
        self._in_force.set(0)
        new.close_files()
        close_all(renewed.added, self._reactor)

    def _reopen_log(self) -> None:
        try:
            self._running.log.reopen()
        except OSError as e:
            self.log.error("the log cannot be opened again: {error}", error=e)

    def _close_later(self, components: tuple[Component, ...], *timeouts: Timeouts) -> None:
        """Close components when no session and no API call that uses them can be under way."""
        if not components:
            return
        opening = (3 * each.locate + 2 * (each.connect + each.handshake) for each in timeouts)

        def close() -> None:
            close_all(self._retired.pop(timer), self._reactor)

        timer = self._reactor.callLater(max(LIST_TIME, *opening), close)
        self._retired[timer] = components


def _collecting(errors: list[str], read: Callable[[], Any]) -> Any:
    """Return the result of a read, or append its errors and return None."""
    try:
        return read()
    except ConfigurationError as e:
        errors += e.detail.splitlines()
        return None
