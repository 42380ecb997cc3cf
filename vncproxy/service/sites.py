"""The HTTP sites for users and for API callers, made from the settings and renewed by a reload."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from prometheus_client import CollectorRegistry
from twisted.web.resource import IResource
from twisted.web.server import Site

from ..backends.zone import ZoneSettings
from ..config.listeners import without_wrapper
from ..config.settings import BackendTable, Listen, Settings
from ..downstream.channel import ConsoleChannel, limited_channel
from ..downstream.connections import Connections
from ..downstream.forwarded import Forwarding
from ..downstream.http_site import ConsoleSite
from ..downstream.native_viewer import ViewerFactory
from ..downstream.proxy_header import ProxyHeaderFactory
from ..downstream.routes import ConsoleResource
from ..downstream.throttled_warning import ThrottledWarning
from ..downstream.trust import Trust
from ..downstream.viewer_tls import ViewersTLS
from ..errors import VNCProxyError
from ..hosts.directory import Directory
from ..interfaces import (
    IPortalStore,
    IProxies,
    IRecorder,
    ISessionObserver,
    ISessionRegistry,
    ITokenStore,
)
from ..model import ConsoleType, Identity, Limits, Rate, UnixTime, ZoneService
from ..power import MachinePower
from ..relay import fast, plain
from ..session.page import BUILT_IN, PageRequest
from ..session.registry import SessionRegistry
from ..session.services import Services
from ..session.steps import OnStep
from ..zones.request import Peer
from .components import Components
from .for_zones import OnlyConsoles, OnlyZones

if TYPE_CHECKING:
    from ..api.keys import ApiKey
    from ..api.v1.joining import Drive
    from .pictures import LazyAlbum

API_CONNECTIONS = 100
"""Connections of API callers; beyond them, idle ones are closed for new ones."""

API_KEEP_ALIVE = 60.0
"""Seconds that a connection to the API may be idle between two requests."""


def services(
    settings: Settings,
    components: Components,
    observers: Sequence[ISessionObserver],
    now: Callable[[], UnixTime],
    reactor: Any,
    me: Identity,
    on_step: OnStep = lambda backend, step, seconds, failed: None,
    page_requests: Mapping[str, PageRequest] = BUILT_IN,
    recorder: IRecorder | None = None,
    *,
    power: MachinePower,
) -> Services:
    """Return what sessions use of the rest of the proxy, with the limits of these settings."""
    peers = {name: _peer(name, table) for name, table in settings.zones.items()}
    return Services(
        store=components.store,
        backends=components.backends,
        observers=observers,
        limits=settings.limits,
        timeouts=settings.timeouts,
        time=now,
        reactor=reactor,
        power=power,
        join=partial(fast.join, reactor=reactor) if settings.relay.fast else plain.join,
        confirm=settings.tokens.confirm,
        banner=settings.consent.banner.strip(),
        check_viewers=settings.relay.check_viewers,
        show_users=settings.sharing.show_users,
        proxy=me.name,
        zone=me.zone,
        proxy_id=me.proxy_id,
        worker_id=me.worker_id,
        on_step=on_step,
        recorder=recorder,
        must_record=settings.recording.wants,
        ends_unrecorded=settings.recording.on_trouble == "end",
        shows_zone=lambda asking, asked: asking in peers and peers[asking].may_see(asked),
        page_requests=page_requests,
    )


def urls_of(settings: Settings) -> Mapping[ConsoleType, str]:
    """Return where users reach this proxy, by the type of their viewers."""
    base_url, xvp_url = settings.public.announced
    return {ConsoleType.NOVNC: base_url, ConsoleType.XVPVNC: xvp_url}


def proxy_name(settings: Settings) -> str:
    """Return what this proxy is called in the audit log and the API."""
    return settings.proxy.name or socket.gethostname()


class IHosts(Protocol):
    """What the API has of `vncproxy.service.hosts`.

    Attributes:
        directory: which proxy shows a machine.
    """

    directory: Directory

    def store(self, store: ITokenStore) -> ITokenStore:
        """Return the token store as the API sees it."""


class Sites:
    """The sites for users and for API callers.

    `renew` replaces their resources: a request is served by the resources in place when it
    arrives. Sessions, metrics and connections outlive the resources.

    Attributes:
        users: the factory for browsers and TCP viewers.
        connections: the connections of users.
        api: the factory for API callers.
        callers: the connections of API callers.
        viewers_tls: the TLS of native viewers; empty where no listener is for them.
        portals: what is kept for API callers.
        room_elsewhere: returns whether another process on the same sockets takes sessions.
        for_zones: the factories that serve zones which are dialled from here.
    """

    def __init__(
        self,
        settings: Settings,
        sessions: SessionRegistry,
        components: Components,
        connections: Connections,
        cluster: ISessionRegistry,
        proxies: IProxies,
        registry: CollectorRegistry,
        portals: IPortalStore,
        note: Callable[[str, Mapping[str, object]], object],
        hosts: IHosts | None = None,
        entrance: IResource | None = None,
        album: LazyAlbum | None = None,
        drive: Drive | None = None,
    ) -> None:
        # klein installs the reactor on import, and importing this module must not
        from ..api.audit import ApiAudit
        from ..api.gate import Gate
        from ..api.site import api_site
        from ..api.stored_keys import StoredKeys

        self.connections = connections
        self._sessions = sessions
        self._cluster = cluster
        self._proxies = proxies
        self._registry = registry
        self._hosts = hosts
        self._entrance = entrance
        self._album = album
        self._drive = drive
        self._clock = sessions.services.reactor
        self.portals = portals
        self._stored_keys = StoredKeys(portals, self._clock.seconds)
        self._gate = Gate(portals, self._clock)
        self._audit = ApiAudit(note, self._clock.seconds)
        self.room_elsewhere: Callable[[], bool] = lambda: False
        consoles = self._consoles(settings, components)
        self.users = ConsoleSite(consoles, settings.limits, self._clock, connections)
        listen = settings.listen
        self.viewers_tls = [ViewersTLS(listen.certificate)] if listen.rfb else []
        self._viewers = [
            ViewerFactory(sessions, settings.limits, connections, tls) for tls in self.viewers_tls
        ]
        self.callers = Connections(_limits_of_api(settings.limits), self._clock)
        self.api = api_site(self._api(settings, components), self._clock, self._api_channel)
        over_tunnels = api_site(OnlyZones(self.api), self._clock, self._api_channel)
        over_tunnels.on_answer = lambda *answer: self.api.on_answer(*answer)
        self._consoles_over_tunnels = ConsoleSite(
            OnlyConsoles(self.users), settings.limits, self._clock, connections
        )
        self.for_zones: dict[ZoneService, Site] = {
            ZoneService.API: over_tunnels,
            ZoneService.CONSOLE: self._consoles_over_tunnels,
        }

    def refusal(self) -> VNCProxyError | None:
        """Return why this process takes no sessions now, and is not asked for any."""
        refusal = self._sessions.refusal()
        return refusal if refusal is not None and self._sessions.draining else None

    async def close(self) -> None:
        """Write what is left of callers, and close the connections for it."""
        await self._gate.close()
        await self.portals.close()

    def listeners(self, listen: Listen) -> Iterator[tuple[str, Any]]:
        """Yield each endpoint string with its factory."""
        for endpoint in (*listen.web, *listen.xvp):
            yield _unwrapped(endpoint, self.users)
        for endpoint in listen.api:
            yield _unwrapped(endpoint, self.api)
        for endpoint in listen.rfb:
            yield _unwrapped(endpoint, self._viewers[0])

    def _api_channel(self) -> ConsoleChannel:
        return limited_channel(self.callers.limits, self.callers)

    def prepare(self, settings: Settings, components: Components) -> Callable[[], None]:
        """Make the resources of other settings; returns what lets them serve further requests."""
        consoles, api = self._consoles(settings, components), self._api(settings, components)

        def use() -> None:
            self.users.resource, self.users.limits = consoles, settings.limits
            self._consoles_over_tunnels.limits = settings.limits
            for viewers in self._viewers:
                viewers.limits = settings.limits
            self.connections.set_limits(settings.limits, settings.public.trusted_proxies)
            self.callers.set_limits(_limits_of_api(settings.limits), ())
            self.api.resource = api

        return use

    def _consoles(self, settings: Settings, components: Components) -> ConsoleResource:
        # klein installs the reactor on import, and importing this module must not
        from ..api.health import health_resource

        public, sessions = settings.public, self._sessions
        trust = Trust(
            origins=frozenset({*public.origins, *public.allowed_origins}),
            forwarding=Forwarding(
                public.trusted_proxies,
                public.forwarded_header,
                ThrottledWarning(self._clock.seconds),
            ),
            embedders=public.allowed_origins,
            secure=public.base_url.startswith("https:"),
            cookie_path=public.prefix,
        )
        health = health_resource(
            store=components.store,
            sessions=sessions,
            clock=self._clock,
            room_elsewhere=lambda: self.room_elsewhere(),
        )
        return ConsoleResource(
            sessions,
            trust,
            public.prefix,
            settings.tokens.resume,
            {
                **{name.decode(): resource for name, resource in health.children.items()},
                **({} if self._entrance is None else {"zones": self._entrance}),
            },
        )

    def _api(self, settings: Settings, components: Components) -> IResource:
        from ..api.assembly import ApiParts
        from ..api.keys import ApiKeys
        from ..api.nova.options import NovaOptions
        from ..api.site import api_resource
        from ..api.v1.joining import no_drive
        from .nova_authenticators import nova_authenticators

        keys = ApiKeys(api_keys(settings), time.time, self._stored_keys)
        nova = settings.nova
        return api_resource(
            ApiParts(
                store=self._hosts.store(components.store) if self._hosts else components.store,
                sessions=self._cluster,
                proxies=self._proxies,
                backends=components.backends,
                power=self._sessions.services.power,
                authenticators=(keys,),
                keys=keys,
                portals=self.portals,
                gate=self._gate,
                audit=self._audit,
                metrics_registry=self._registry,
                time=time.time,
                clock=self._clock,
                ttl=settings.tokens.ttl,
                max_ttl=settings.tokens.max_ttl,
                locate_timeout=settings.timeouts.locate,
                base_url=settings.public.announced[0],
                xvp_url=settings.public.announced[1],
                rfb_address=settings.public.rfb_address,
                places=self._hosts.directory if self._hosts else None,
                pictures=self._album,
                records=bool(settings.recording.directory),
                room_elsewhere=lambda: self.room_elsewhere(),
                zone=settings.proxy.zone,
                zones={name: _peer(name, table) for name, table in settings.zones.items()},
                announce_shadows=settings.sharing.announce_shadows,
                drive=self._drive or no_drive,
                nova=NovaOptions(
                    nova_authenticators(settings, keys, components.keystone),
                    nova.url,
                    nova.novnc_url,
                ),
            )
        )


def api_keys(settings: Settings) -> Iterator[ApiKey]:
    """Yield the API keys of the configuration, one for each hash."""
    from ..api.caller import Caller
    from ..api.keys import ApiKey

    for name, table in settings.api.keys.items():
        most = table.requests_per_minute
        rates = () if most is None else (Rate(f"key:{name}", most),)
        for digest in table.hash:
            yield ApiKey(digest, Caller.of(name, table), table.expires, rates)


def _peer(name: str, table: BackendTable) -> Peer:
    assert isinstance(table.settings, ZoneSettings)
    return table.settings.peer(name)


def _limits_of_api(limits: Limits) -> Limits:
    """Return the limits for API callers, which are few and keep their connections open."""
    return replace(
        limits,
        connections=API_CONNECTIONS,
        connections_per_address=API_CONNECTIONS,
        keep_alive=API_KEEP_ALIVE,
    )


def _unwrapped(endpoint: str, site: Any) -> tuple[str, Any]:
    """Return an endpoint string without ``haproxy:``; its factory then reads PROXY headers."""
    text, wrapped = without_wrapper(endpoint)
    return text, ProxyHeaderFactory(site) if wrapped else site
