"""The composition root: how the proxy is put together from its settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twisted.application.internet import StreamServerEndpointService

from ..backends import find
from ..config import load as config
from ..config.listeners import without_wrapper
from ..config.settings import Listen, Settings
from ..downstream.accepting import Accepting
from ..downstream.connections import Connections
from ..downstream.tls_listener import ListenerTLS, listener_service
from ..interfaces import ISessionObserver
from ..metrics import Registry
from ..metrics.process import count_process
from ..session.audit import AuditLog, open_audit_file
from ..session.metrics import Metrics
from ..session.registry import SessionRegistry
from ..tokens.external import kinds as source_types
from .components import Components, make_components
from .gateway import Gateway
from .log_file import ProcessLog
from .reload import RunningProxy
from .sites import Sites, proxy_name, services


def make_service(
    settings: Settings,
    reactor: Any,
    components: Components | None = None,
    read: Callable[[], Settings] | None = None,
    process_options: Mapping[str, Any] = MappingProxyType({}),
    observers: Sequence[ISessionObserver] = (),
) -> Gateway:
    """Return the whole proxy as a service.

    Args:
        components: token store and backends; without them, they are made from the settings.
        read: returns the settings of the configuration as it is now, for a reload; without it, the
            proxy cannot reload.
        process_options: of ``twistd`` or ``twist``; they name the log file of the process.
        observers: observers of sessions, beside the audit log and the metrics.

    Raises:
        ConfigurationError: a backend's SDK is missing, or a file cannot be used.
    """
    components = components or make_components(settings, reactor)
    registry = Registry()
    audit = _audit_log(settings, reactor)
    metrics = Metrics(registry)
    connections = Connections(settings.limits, reactor, settings.public.trusted_proxies)
    every_observer = (audit, metrics, connections.refusals, *observers)
    sessions = SessionRegistry(services(settings, components, every_observer, time.time, reactor))
    sessions.other_refusal = audit.refusal
    _count(registry, metrics, sessions, connections, audit)
    sites = Sites(settings, sessions, components, connections, registry)
    listeners = _listeners(settings.listen, sites, sessions, reactor)
    tls = [tls for _, tls in listeners if tls is not None]
    log = ProcessLog(process_options)
    gateway = Gateway(RunningProxy(settings, components, sessions, sites, audit, tls, log))
    for listener, _ in listeners:
        gateway.addService(listener)
    if read is not None:
        gateway.allow_reload(read, registry)
    return gateway


def _audit_log(settings: Settings, reactor: Any) -> AuditLog:
    file = open_audit_file(settings.log.audit)
    audit = AuditLog(proxy_name(settings), time.time, reactor, file)
    audit.required = settings.log.audit_required
    return audit


def _count(
    registry: Registry,
    metrics: Metrics,
    sessions: SessionRegistry,
    connections: Connections,
    audit: AuditLog,
) -> None:
    """Let the metrics read their figures where they are counted."""
    count_process(registry)
    metrics.count_live(sessions.bytes_moved)
    metrics.count_connections(connections.counts)
    metrics.count_audit(lambda: (audit.waiting, audit.lost))


def _listeners(
    listen: Listen, sites: Sites, sessions: SessionRegistry, reactor: Any
) -> list[tuple[StreamServerEndpointService, ListenerTLS | None]]:
    """Return the service of each listener; those for users pause while too many users wait."""
    accepting = Accepting(lambda: sessions.admission.waiting > 0, reactor)
    sessions.admission.on_crowded = accepting.pause
    of_users = {without_wrapper(each)[0] for each in (*listen.web, *listen.xvp)}
    pausable = accepting.reactor(reactor)
    return [
        listener_service(endpoint, site, pausable if endpoint in of_users else reactor)
        for endpoint, site in sites.listeners(listen)
    ]


def load(path: Path) -> Settings:
    """Read a configuration file; all installed types of backends and token sources are known.

    Raises:
        ConfigurationError: with one line for each error.
    """
    return config.load(path, backend_settings, source_settings)


def backend_settings(kind: str) -> Any:
    """Return the settings model of a type of backend."""
    return find(kind).Settings


def source_settings(kind: str) -> Any:
    """Return the settings model of a type of token source."""
    return source_types.find(kind).Settings
