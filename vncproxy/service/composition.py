"""The composition root: how the proxy is put together from its settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from twisted.application.internet import StreamServerEndpointService

from ..config.listeners import without_wrapper
from ..config.settings import Listen, Settings
from ..downstream.accepting import Accepting
from ..downstream.connections import Connections
from ..downstream.tls_listener import ListenerTLS, listener_service
from ..interfaces import IProxies, ISessionObserver
from ..metrics import Registry
from ..power import MachinePower, PowerAudit
from ..session.audit import AuditLog, open_audit_file
from ..session.page import BUILT_IN, PageRequest
from ..session.page_about import PageAbout
from ..session.page_power import PagePower
from ..session.registry import SessionRegistry
from ..together.inviting import Invitations
from .announced import proxy_name
from .api_resources import ApiResources
from .archive import make_archive
from .cluster import Description, identity, make_alone, make_cluster, make_portals
from .components import Components, make_components
from .figures import ProxyMetrics
from .gateway import Gateway
from .hosts import Hosts
from .log_file import ProcessLog
from .pictures import make_album
from .pruning import make_pruning
from .recordings import make_recordings
from .replaying import make_copies
from .reviews import Reviews, make_reviews
from .running import RunningProxy
from .session_services import services
from .siblings import Siblings
from .sites import Sites
from .start_page import make_start_page
from .together import links_to_sessions, make_company
from .turns import turns_of
from .waiting import make_waiting
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
    parts = _Parts(settings, reactor, components, observers)
    listeners = _listeners(settings.listen, parts, reactor, inherit)
    tls = [tls for _, tls in listeners if tls is not None] + parts.sites.viewers_tls
    running = parts.running(tls, ProcessLog(process_options))
    parts.metrics.read_from(running, parts.accepting)
    gateway = parts.gateway = Gateway(running, parts.metrics, parts.make_siblings())
    for listener, _ in listeners:
        gateway.addService(listener)
    if read is not None:
        gateway.allow_reload(read, parts.metrics.registry)
    return gateway


class _Parts:
    """The parts of a proxy, each made from those before it.

    Attributes:
        gateway: made of all of them; some ask it for the settings in force, or let it drain.
    """

    gateway: Gateway

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        components: Components | None,
        observers: Sequence[ISessionObserver],
    ) -> None:
        self.settings, self.reactor = settings, reactor
        self.metrics = ProxyMetrics(Registry(), reactor)
        self.on_operation = self.metrics.calls.redis_operation
        self.me = identity(settings)
        self.links = make_links(self.me, settings, reactor)
        self.components = components or make_components(
            settings, reactor, self.on_operation, self.links
        )
        self.audit = _audit_log(settings, reactor)
        self.connections = Connections(settings.limits, reactor, settings.public.trusted_proxies)
        self.archive = make_archive(settings, reactor)
        self.copies = make_copies(settings, reactor)
        self.recordings = make_recordings(
            settings, self.audit.note, reactor, self.copies.add if self.copies else None
        )
        self.power = MachinePower(
            lambda: self.gateway.components.backends,
            reactor,
            PowerAudit(self.audit.note, self.metrics.sessions.count_power),
        )
        self.start = make_start_page(
            settings, self.components, self.audit.note, reactor, self.on_operation
        )
        self.sessions = self._make_sessions(observers)
        self.describe = self._make_description()
        self.cluster = self._make_cluster()
        self.company = make_company(self.sessions, self.cluster, self.audit.note, reactor)
        self.proxies: IProxies = self.cluster or make_alone(
            self.sessions, self.describe, self._drain
        )
        self.hosts = self._make_hosts()
        self.reviews = self._make_reviews()
        self.sites = self._make_sites()
        self.accepting = Accepting(lambda: self.sessions.admission.waiting > 0, reactor)

    def running(self, tls: Sequence[ListenerTLS], log: ProcessLog) -> RunningProxy:
        """Return what a reload renews, and what it leaves as it is."""
        return RunningProxy(
            self.settings,
            self.components,
            self.sessions,
            self.sites,
            self.audit,
            tls,
            log,
            self.me,
            self.links,
            self.cluster,
            self.hosts,
            self.recordings,
            self.copies,
            self.reviews,
            self.archive,
        )

    def make_siblings(self) -> Siblings:
        """Return what is known of other workers, which sessions and sites ask from then on."""
        siblings = Siblings(self.sessions, self.connections, self.accepting)
        self.sites.room_elsewhere = siblings.room_elsewhere
        self.sessions.on_count = siblings.check
        return siblings

    def _drain(self) -> object:
        return self.gateway.drain()

    def _settings_in_force(self) -> Settings:
        return self.gateway.settings

    def _make_sessions(self, observers: Sequence[ISessionObserver]) -> SessionRegistry:
        own = self.audit, self.metrics.sessions, self.connections.refusals
        recording = () if self.recordings is None else (self.recordings,)
        every_observer = *own, *recording, *observers
        sessions = SessionRegistry(
            services(
                self.settings,
                self.components,
                every_observer,
                time.time,
                self.reactor,
                self.me,
                self.metrics.calls.backend_step,
                self._page_requests(),
                self.recordings,
                power=self.power,
                login=self.start.rule(self.settings),
            )
        )
        sessions.other_refusal = self.audit.refusal
        return sessions

    def _page_requests(self) -> Mapping[str, PageRequest]:
        """Return what answers the requests of pages, by the settings in force."""
        invitations = Invitations(
            lambda: links_to_sessions(
                self._settings_in_force(), self.gateway.components, self.reactor, time.time
            ),
            self.audit.note,
            self.reactor.seconds,
        )
        return {
            **BUILT_IN,
            "about": PageAbout(self.reactor.seconds, time.time).answer,
            "invite": invitations.answer,
            "drive": lambda *asked: self.company.handing.ask(*asked),
            "hand-over": lambda *asked: self.company.handing.answer(*asked),
            "power": PagePower(self.power).answer,
        }

    def _make_description(self) -> Description:
        started_at = time.time()
        described = Description(
            self.me, self._settings_in_force, self.sessions, started_at, self.links
        )
        described.refusals = self.metrics.sessions.refusals(self.connections.counts)
        return described

    def _make_cluster(self) -> Cluster | None:
        cluster = make_cluster(
            self.describe,
            self.me,
            self.settings,
            self.components,
            self.sessions,
            self._drain,
            self.reactor,
            self.on_operation,
        )
        if cluster is not None:
            _join(self.sessions, cluster)
        return cluster

    def _make_hosts(self) -> Hosts:
        hosts = Hosts(
            self.me,
            self._settings_in_force,
            lambda: self.gateway.components,
            self.proxies,
            self.cluster,
            self.reactor,
        )
        hosts.configure(self.settings, self.components)
        self.describe.serves = hosts.served.names
        self.sessions.elsewhere = hosts.following
        return hosts

    def _make_reviews(self) -> Reviews | None:
        reviews = make_reviews(
            self.settings,
            self._settings_in_force,
            self.components,
            self.archive,
            self.copies,
            self.audit.note,
            self.reactor,
            self.on_operation,
        )
        if reviews is not None and self.archive is not None:
            self.archive.pruning = make_pruning(
                self.archive.library,
                reviews.reviewing.links,
                self._settings_in_force,
                self.cluster,
                self.me,
                self.audit.note,
                self.reactor,
            )
        return reviews

    def _make_sites(self) -> Sites:
        settings, components = self.settings, self.components
        portals = make_portals(settings, components, self.reactor, self.on_operation)
        live = self.cluster.sessions if self.cluster else self.sessions
        resources = ApiResources(
            self.sessions,
            live,
            self.proxies,
            self.metrics.registry,
            portals,
            self.audit.note,
            self.hosts,
            make_album(
                self.sessions,
                live.of_machine,
                self.hosts.directory,
                components.calls,
                self.reactor,
                self.recordings.readable if self.recordings else lambda session_id: None,
                portals,
            ),
            make_waiting(self.sessions, live.of_machine, components.calls, self.reactor),
            self.company.handing.force,
            self.reviews,
            turns_of(self.cluster, self.me),
            self.start.store,
        )
        sites = Sites(
            settings,
            self.sessions,
            components,
            self.connections,
            resources,
            self.links.entrance,
            self.reviews,
            self.start,
        )
        surround(self.links, settings, components, sites, self.cluster, self.reactor)
        sites.api.on_answer = self.metrics.calls.api_answer
        return sites


def _join(sessions: SessionRegistry, cluster: Cluster) -> None:
    """Let sessions be known to the cluster, and refused while its orders cannot be read."""
    before = sessions.other_refusal
    sessions.other_refusal = lambda: before() or cluster.refusal()
    sessions.on_redeemed = cluster.publisher.known
    services = sessions.services
    sessions.services = replace(services, observers=(*services.observers, cluster.publisher))


def _audit_log(settings: Settings, reactor: Any) -> AuditLog:
    file = open_audit_file(settings.log.audit)
    audit = AuditLog(proxy_name(settings), time.time, reactor, file)
    audit.required = settings.log.audit_required
    return audit


def _listeners(
    listen: Listen, parts: _Parts, reactor: Any, inherit: Inherit | None
) -> list[tuple[StreamServerEndpointService, ListenerTLS | None]]:
    """Return the service of each listener; those for users pause while too many users wait."""
    accepting = parts.accepting
    parts.sessions.admission.on_crowded = accepting.pause
    of_users = {without_wrapper(each)[0] for each in listen.of_users}
    found = []
    for endpoint, site in parts.sites.listeners(listen):
        text, on = inherit(endpoint, reactor) if inherit else (endpoint, reactor)
        on = accepting.reactor(on) if endpoint in of_users else on
        found.append(listener_service(text, site, on))
    return found
