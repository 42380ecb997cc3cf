"""The composition root: options of ``twistd vncproxy``, and how the parts are put together."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from pydantic import ValidationError
from twisted.application.service import IService
from twisted.python.usage import Options as UsageOptions

from .backends import find
from .config import load as config
from .config.listeners import without_wrapper
from .config.settings import Listen, Settings
from .downstream.accepting import Accepting
from .downstream.connections import Connections
from .downstream.tls_listener import ListenerTLS, listening
from .errors import ConfigurationError
from .interfaces import ISessionObserver
from .service.components import Parts, make_parts
from .service.gateway import Gateway
from .service.log_file import ProcessLog
from .service.monotonic import use_monotonic_clock
from .service.reload import Running
from .service.signals import Hangups
from .service.sites import Sites, services
from .session.audit import AuditLog, open_audit_file
from .session.metrics import Metrics
from .session.registry import Sessions
from .tokens.external import kinds as source_types

__all__ = ["Gateway", "Options", "Parts", "load", "makeService", "make_parts", "make_service"]


class Options(UsageOptions):
    """The command line of ``twistd vncproxy``."""

    synopsis = "[options]"
    longdesc = (
        "Serves consoles of virtual machines to browsers and TCP viewers. All options are "
        "described in etc/vncproxy.toml; `vncproxy check-config` tells what is wrong with a file."
    )
    optParameters = [
        ["config", "c", None, "the configuration file; without one, all options have their default"]
    ]

    def __init__(self) -> None:
        super().__init__()
        self.listen: dict[str, list[str]] = {}

    def opt_web(self, endpoint: str) -> None:
        """Listen for browsers here (an endpoint string) instead of listen.web; repeatable."""
        self.listen.setdefault("web", []).append(endpoint)

    def opt_xvp(self, endpoint: str) -> None:
        """Listen for TCP viewers here instead of listen.xvp; repeatable."""
        self.listen.setdefault("xvp", []).append(endpoint)

    def opt_api(self, endpoint: str) -> None:
        """Listen for the HTTP API here instead of listen.api; repeatable."""
        self.listen.setdefault("api", []).append(endpoint)

    def settings(self) -> Settings:
        """Read the configuration and put the command line's listeners in.

        Raises:
            ConfigurationError: with all that is wrong.
        """
        path = self["config"]
        settings = load(Path(path)) if path else Settings()
        listeners = {name: tuple(endpoints) for name, endpoints in self.listen.items()}
        return settings.model_copy(update={"listen": _listen(settings, listeners)})

    def postOptions(self) -> None:
        """Check the configuration before the process goes to the background."""
        try:
            self.checked = self.settings()
            if self["config"]:  # twistd may go to another directory before it is read again
                self["config"] = str(Path(self["config"]).absolute())
        except ConfigurationError as e:
            raise SystemExit(_usage_error(e)) from e


def _listen(settings: Settings, overrides: dict[str, tuple[str, ...]]) -> Listen:
    try:
        return Listen.model_validate({**settings.listen.model_dump(), **overrides})
    except ValidationError as e:
        lines = [
            f"--{error['loc'][0]}: {error['msg'].removeprefix('Value error, ')}"
            for error in e.errors()
        ]
        raise ConfigurationError("\n".join(lines)) from e


def _usage_error(error: ConfigurationError) -> int:
    """Print what is wrong with the configuration; returns the exit status."""
    print(error.detail, file=sys.stderr)
    return 2


def makeService(options: Options) -> IService:
    """Return the whole proxy as a service."""
    from twisted.internet import reactor

    use_monotonic_clock(reactor)
    try:
        gateway = make_service(
            options.checked, reactor, read=options.settings, process_options=options.parent or {}
        )
    except ConfigurationError as e:
        raise SystemExit(_usage_error(e)) from e
    Hangups(reactor, gateway.reload)
    return gateway


def load(path: Path) -> Settings:
    """Read a configuration file with the types of backends and token sources that there are.

    Raises:
        ConfigurationError: with all that is wrong.
    """
    return config.load(path, backend_settings, source_settings)


def backend_settings(kind: str) -> Any:
    """Return the settings model of a type of backend."""
    return find(kind).Settings


def source_settings(kind: str) -> Any:
    """Return the settings model of a type of token source."""
    return source_types.find(kind).Settings


def make_service(
    settings: Settings,
    reactor: Any,
    parts: Parts | None = None,
    read: Callable[[], Settings] | None = None,
    process_options: Mapping[str, Any] = MappingProxyType({}),
    observers: Sequence[ISessionObserver] = (),
) -> Gateway:
    """Return the whole proxy as a service.

    Args:
        parts: token store and backends, when they are not to be made from the settings.
        read: returns the settings that the configuration has now, for a reload; without it, the
            proxy cannot reload.
        observers: are told of sessions, beside the audit log and the metrics.
        process_options: of ``twistd`` or ``twist``, which say where the process logs to.

    Raises:
        ConfigurationError: a backend's SDK is missing, or a file cannot be used.
    """
    parts = parts or make_parts(settings, reactor)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    audit_file = open_audit_file(settings.log.audit)
    audit = AuditLog(proxy_name(settings), time.time, reactor, audit_file)
    audit.required = settings.log.audit_required
    connections = Connections(settings.limits, reactor, settings.public.trusted_proxies)
    metrics = Metrics(registry)
    told = (audit, metrics, connections.refusals, *observers)
    sessions = Sessions(services(settings, parts, told, time.time, reactor))
    sessions.obstacle = audit.refusal
    metrics.count_live(sessions.bytes_moved)
    metrics.count_connections(connections.counts)
    metrics.count_audit(lambda: (audit.waiting, audit.lost))
    sites = Sites(settings, sessions, parts, connections, registry)
    tls: list[ListenerTLS] = []
    log = ProcessLog(process_options)
    gateway = Gateway(Running(settings, parts, sessions, sites, audit, tls, log))
    accepting = Accepting(lambda: sessions.admission.waiting > 0, reactor)
    of_users = {without_wrapper(each)[0] for each in (*settings.listen.web, *settings.listen.xvp)}
    sessions.admission.crowded = accepting.pause
    for endpoint, site in sites.listeners(settings.listen):
        pausing = accepting.reactor(reactor) if endpoint in of_users else reactor
        listener, shown = listening(endpoint, site, pausing)
        gateway.addService(listener)
        tls += [shown] if shown else []
    if read is not None:
        gateway.allow_reload(read, registry)
    return gateway


def proxy_name(settings: Settings) -> str:
    """Return what this proxy is called in the audit log."""
    return settings.proxy.name or socket.gethostname()
