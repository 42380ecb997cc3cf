"""The HTTP sites for users and for API callers, made from the settings and renewed by a reload."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from twisted.web.resource import IResource
from twisted.web.server import Site

from ..config.listeners import without_wrapper
from ..config.settings import Listen, Settings
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
from ..model import Limits, ZoneService
from ..player.routes import PATH
from ..session.registry import SessionRegistry
from .api_resources import ApiResources
from .components import Components
from .for_zones import OnlyConsoles, OnlyZones
from .reviews import Reviews
from .start_page import StartPage

START_PATHS = ("login", "start")
"""The first segments of the paths of the start page's requests."""

API_CONNECTIONS = 100
"""Connections of API callers; beyond them, idle ones are closed for new ones."""

API_KEEP_ALIVE = 60.0
"""Seconds that a connection to the API may be idle between two requests."""


class Sites:
    """The sites for users and for API callers.

    `prepare` replaces their resources: a request is served by the resources in place when it
    arrives. Sessions, metrics and connections outlive the resources.

    Attributes:
        users: the factory for browsers and TCP viewers.
        connections: the connections of users.
        api: the factory for API callers.
        callers: the connections of API callers.
        viewers_tls: the TLS of native viewers; empty where no listener is for them.
        room_elsewhere: returns whether another process on the same sockets takes sessions.
        start: the start page; None where there is none.
        for_zones: the factories that serve zones which are dialled from here.
    """

    def __init__(
        self,
        settings: Settings,
        sessions: SessionRegistry,
        components: Components,
        connections: Connections,
        api_resources: ApiResources,
        entrance: IResource | None = None,
        reviews: Reviews | None = None,
        start: StartPage | None = None,
    ) -> None:
        # klein installs the reactor on import, and importing this module must not
        from ..api.site import api_site

        self.connections = connections
        self._sessions = sessions
        self._api_resources = api_resources
        self._entrance = entrance
        self._reviews = reviews
        self.start = start
        self._clock = sessions.services.reactor
        self.room_elsewhere: Callable[[], bool] = lambda: False
        consoles = self._consoles(settings, components)
        self.users = ConsoleSite(consoles, settings.limits, self._clock, connections)
        listen = settings.listen
        self.viewers_tls = [ViewersTLS(listen.certificate)] if listen.rfb else []
        self._viewers = [
            ViewerFactory(sessions, settings.limits, connections, tls) for tls in self.viewers_tls
        ]
        self.callers = Connections(_limits_of_api(settings.limits), self._clock)
        self.api = api_site(self._make_api(settings, components), self._clock, self._api_channel)
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
        await self._api_resources.close()
        if self.start is not None:
            await self.start.close()

    def end_events(self, reason: str, *, close: bool = False) -> None:
        """Let the readers of events go.

        Args:
            reason: a fixed word; they may come again unless ``close`` is true.
        """
        self._api_resources.broadcast.end_all(reason, close=close)

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
        consoles, api = self._consoles(settings, components), self._make_api(settings, components)

        def use() -> None:
            self.users.resource, self.users.limits = consoles, settings.limits
            self._consoles_over_tunnels.limits = settings.limits
            for viewers in self._viewers:
                viewers.limits = settings.limits
            self.connections.set_limits(settings.limits, settings.public.trusted_proxies)
            self.callers.set_limits(_limits_of_api(settings.limits), ())
            self.api.resource = api
            self.end_events("reloaded")

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
        others = {} if self._entrance is None else {"zones": self._entrance}
        if self._reviews is not None:
            others[PATH] = self._reviews.resource(trust.forwarding, self.connections)
        others.update(self._start_page(settings, components, trust))
        health = health_resource(
            store=components.store,
            sessions=sessions,
            clock=self._clock,
            room_elsewhere=self._has_room_elsewhere,
        )
        return ConsoleResource(
            sessions,
            trust,
            public.prefix,
            settings.tokens.resume,
            {
                **{name.decode(): resource for name, resource in health.children.items()},
                **others,
            },
        )

    def _start_page(
        self, settings: Settings, components: Components, trust: Trust
    ) -> Mapping[str, IResource]:
        """Return what serves the start page's requests, where there are users for it."""
        if self.start is None or not (settings.login.issuer or settings.login.api_keys):
            return {}
        front = self._api_resources.front(settings, components, self._has_room_elsewhere)
        resource = self.start.resource(settings, front, trust, self.connections)
        return dict.fromkeys(START_PATHS, resource)

    def _make_api(self, settings: Settings, components: Components) -> IResource:
        return self._api_resources.make(settings, components, self._has_room_elsewhere)

    def _has_room_elsewhere(self) -> bool:
        return self.room_elsewhere()


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
