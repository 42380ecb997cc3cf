"""The composition root: how the proxy is put together from its settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from twisted.application.internet import StreamServerEndpointService

from ..backends import find
from ..backends.zone import ZoneBackend
from ..config import load as config
from ..config.listeners import without_wrapper
from ..config.settings import Listen, Settings
from ..downstream.accepting import Accepting
from ..downstream.connections import Connections
from ..downstream.tls_listener import ListenerTLS, listener_service
from ..interfaces import IProxies, ISessionObserver
from ..metrics import Registry
from ..session.audit import AuditLog, open_audit_file
from ..session.registry import SessionRegistry
from ..tokens.external import kinds as source_types
from .cluster import Alone, Description, identity, make_cluster, make_portals
from .components import Components, make_components
from .figures import ProxyMetrics
from .gateway import Gateway
from .hosts import Hosts
from .log_file import ProcessLog
from .reload import RunningProxy
from .siblings import Siblings
from .sites import Sites, proxy_name, services
from .zone_links import make_links, surround

if TYPE_CHECKING:
    from ..cluster.cluster import Cluster

Inherit = Callable[[str, Any], tuple[str, Any]]


def make_service(
    settings: Settings,
    reactor: Any,
    components: Components | None = None,
    read: Callable[[], Settings] | None = None,
    process_options: Mapping[str, Any] = MappingProxyType({}),
    observers: Sequence[ISessionObserver] = (),
    inherit: Inherit | None = None,
) -> Gateway:
    """Return the whole proxy as a service.

    Args:
        components: token store and backends; without them, they are made from the settings.
        read: returns the settings of the configuration as it is now, for a reload; without it, the
            proxy cannot reload.
        process_options: of ``twistd`` or ``twist``; they name the log file of the process.
        observers: observers of sessions, beside the audit log and the metrics.
        inherit: for a worker: returns an endpoint string and a reactor for each listener.

    Raises:
        ConfigurationError: a backend's SDK is missing, or a file cannot be used.
    """
    metrics = ProxyMetrics(Registry(), reactor)
    calls = metrics.calls
    me = identity(settings)
    links = make_links(me, settings, reactor)
    components = components or make_components(settings, reactor, calls.redis_operation, links)
    audit = _audit_log(settings, reactor)
    connections = Connections(settings.limits, reactor, settings.public.trusted_proxies)
    every_observer = (audit, metrics.sessions, connections.refusals, *observers)
    sessions = SessionRegistry(
        services(settings, components, every_observer, time.time, reactor, me, calls.backend_step)
    )
    sessions.other_refusal = audit.refusal
    describe = Description(me, lambda: gateway.settings, sessions, time.time(), links)
    cluster = make_cluster(
        describe,
        me,
        settings,
        components,
        sessions,
        lambda: gateway.drain(),
        reactor,
        calls.redis_operation,
    )
    if cluster is not None:
        _join(sessions, cluster)
    proxies: IProxies = cluster if cluster else Alone(describe, lambda: gateway.drain())
    hosts = Hosts(
        me, lambda: gateway.settings, lambda: gateway.components, proxies, cluster, reactor
    )
    hosts.configure(settings, components)
    describe.serves = hosts.served.names
    sessions.elsewhere = hosts.following
    sites = Sites(
        settings,
        sessions,
        components,
        connections,
        cluster.sessions if cluster else sessions,
        proxies,
        metrics.registry,
        make_portals(settings, components, reactor, calls.redis_operation),
        audit.note,
        hosts,
        links.entrance,
    )
    surround(links, settings, components, sites, cluster, reactor)
    sites.api.on_answer = calls.api_answer
    accepting = Accepting(lambda: sessions.admission.waiting > 0, reactor)
    listeners = _listeners(settings.listen, sites, sessions, accepting, reactor, inherit)
    tls = [tls for _, tls in listeners if tls is not None]
    log = ProcessLog(process_options)
    running = RunningProxy(
        settings,
        components,
        sessions,
        sites,
        audit,
        tls,
        log,
        me,
        links,
        cluster,
        hosts,
    )
    metrics.read_from(running, accepting)
    siblings = Siblings(sessions, connections, accepting)
    sites.room_elsewhere = siblings.room_elsewhere
    sessions.on_count = siblings.check
    gateway = Gateway(running, metrics, siblings)
    for listener, _ in listeners:
        gateway.addService(listener)
    if read is not None:
        gateway.allow_reload(read, metrics.registry)
    return gateway


def _join(sessions: SessionRegistry, cluster: Cluster) -> None:
    """Let sessions be known to the cluster, and refused while its orders cannot be read."""
    before = sessions.other_refusal
    sessions.other_refusal = lambda: before() or cluster.refusal()
    sessions.on_redeemed = cluster.publisher.changed
    services = sessions.services
    sessions.services = replace(services, observers=(*services.observers, cluster.publisher))


def _audit_log(settings: Settings, reactor: Any) -> AuditLog:
    file = open_audit_file(settings.log.audit)
    audit = AuditLog(proxy_name(settings), time.time, reactor, file)
    audit.required = settings.log.audit_required
    return audit


def _listeners(
    listen: Listen,
    sites: Sites,
    sessions: SessionRegistry,
    accepting: Accepting,
    reactor: Any,
    inherit: Inherit | None,
) -> list[tuple[StreamServerEndpointService, ListenerTLS | None]]:
    """Return the service of each listener; those for users pause while too many users wait."""
    sessions.admission.on_crowded = accepting.pause
    of_users = {without_wrapper(each)[0] for each in (*listen.web, *listen.xvp)}
    found = []
    for endpoint, site in sites.listeners(listen):
        text, on = inherit(endpoint, reactor) if inherit else (endpoint, reactor)
        on = accepting.reactor(on) if endpoint in of_users else on
        found.append(listener_service(text, site, on))
    return found


def load(path: Path, text: bytes | None = None) -> Settings:
    """Read a configuration file; all installed types of backends and token sources are known.

    Args:
        text: what to read instead of the file's present text.

    Raises:
        ConfigurationError: with one line for each error.
    """
    return config.load(path, backend_settings, source_settings, text, ZoneBackend.Settings)


def backend_settings(kind: str) -> Any:
    """Return the settings model of a type of backend."""
    return find(kind).Settings


def source_settings(kind: str) -> Any:
    """Return the settings model of a type of token source."""
    return source_types.find(kind).Settings
