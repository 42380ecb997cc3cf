"""What the settings make of sessions and sites; a reload makes it anew while the sites listen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.web.resource import IResource
from twisted.web.server import Site

from ..config.listeners import without_wrapper
from ..config.settings import Listen, Settings
from ..downstream.channel import ConsoleChannel, limited_channel
from ..downstream.connections import Connections
from ..downstream.console_site import ConsoleSite
from ..downstream.forwarded import Forwarding
from ..downstream.occasional import OccasionalWarning
from ..downstream.origin import Trust
from ..downstream.proxy_header import ProxyHeaderFactory
from ..downstream.site import Consoles, console_site
from ..interfaces import ISessionObserver
from ..model import Limits, UnixTime
from ..relay import plain
from ..relay.fast import join as fast
from ..session.registry import Sessions
from ..session.session import Services
from .components import Parts

API_CONNECTIONS = 100
"""Connections of callers of the API; where there are more, those that wait make room."""

API_KEEP_ALIVE = 60.0
"""Seconds that such a connection waits for its next request."""


def services(
    settings: Settings,
    parts: Parts,
    observers: Sequence[ISessionObserver],
    now: Callable[[], UnixTime],
    reactor: Any,
) -> Services:
    """Return what sessions need of the rest of the proxy, as the settings have it."""
    return Services(
        store=parts.store,
        backends=parts.backends,
        observers=observers,
        limits=settings.limits,
        timeouts=settings.timeouts,
        time=now,
        reactor=reactor,
        join=partial(fast.join, reactor=reactor) if settings.relay.fast else plain.join,
        confirm=settings.tokens.confirm,
    )


class Sites:
    """What listens for users and for callers of the API.

    A request is served by the resources that are there when it has come. What has to outlive them
    (sessions, metrics, connections) is handed to each.

    Attributes:
        users: the factory for browsers and TCP viewers.
        connections: those of users.
        api: the factory for callers of the API.
    """

    def __init__(
        self,
        settings: Settings,
        sessions: Sessions,
        parts: Parts,
        connections: Connections,
        registry: CollectorRegistry,
    ) -> None:
        # klein imports the reactor, which is not to be chosen by importing this module
        from ..api.site import api_site

        self.connections = connections
        self._sessions = sessions
        self._registry = registry
        self._clock = sessions.services.reactor
        consoles = self._consoles(settings, parts)
        self.users: ConsoleSite = console_site(consoles, sessions, connections)
        self._callers = Connections(_limits_of_api(settings.limits), self._clock)
        self.api = api_site(self._api(settings, parts), self._clock, self._api_channel)

    def listeners(self, listen: Listen) -> Iterator[tuple[str, Any]]:
        """Yield each endpoint string with the factory that it is to serve."""
        for endpoint in (*listen.web, *listen.xvp):
            yield _unwrapped(endpoint, self.users)
        for endpoint in listen.api:
            yield _unwrapped(endpoint, self.api)

    def _api_channel(self) -> ConsoleChannel:
        return limited_channel(self._callers.limits, self._callers)

    def renew(self, settings: Settings, parts: Parts) -> None:
        """Serve the requests that come from now on as other settings say."""
        consoles, api = self._consoles(settings, parts), self._api(settings, parts)
        self.users.resource, self.users.limits = consoles, settings.limits
        self.connections.set_limits(settings.limits, settings.public.trusted_proxies)
        self._callers.set_limits(_limits_of_api(settings.limits), ())
        self.api.resource = api

    def _consoles(self, settings: Settings, parts: Parts) -> Consoles:
        # klein imports the reactor, which is not to be chosen by importing this module
        from ..api.health import health_resource

        public, sessions = settings.public, self._sessions
        trust = Trust(
            origins=frozenset({public.origin, *public.allowed_origins}),
            forwarding=Forwarding(
                public.trusted_proxies,
                public.forwarded_header,
                OccasionalWarning(self._clock.seconds),
            ),
            embedders=public.allowed_origins,
            secure=public.base_url.startswith("https:"),
            cookie_path=public.prefix,
        )
        health = health_resource(store=parts.store, sessions=sessions, clock=self._clock)
        return Consoles(
            sessions,
            trust,
            public.prefix,
            settings.tokens.resume,
            {name.decode(): resource for name, resource in health.children.items()},
        )

    def _api(self, settings: Settings, parts: Parts) -> IResource:
        from ..api.authentication import ApiKey, Scope
        from ..api.site import api_resource

        keys = [
            ApiKey(name, key.hash, frozenset(map(Scope, key.scopes)), frozenset(key.backends))
            for name, key in settings.api.keys.items()
        ]
        return api_resource(
            store=parts.store,
            sessions=self._sessions,
            backends=parts.backends,
            keys=keys,
            metrics_registry=self._registry,
            time=time.time,
            clock=self._clock,
            ttl=settings.tokens.ttl,
            max_ttl=settings.tokens.max_ttl,
            base_url=settings.public.base_url,
            xvp_url=settings.public.xvp_url,
        )


def _limits_of_api(limits: Limits) -> Limits:
    """Return the limits of callers of the API, who are few and keep their connections."""
    return replace(
        limits,
        connections=API_CONNECTIONS,
        connections_per_address=API_CONNECTIONS,
        keep_alive=API_KEEP_ALIVE,
    )


def _unwrapped(endpoint: str, site: Site) -> tuple[str, Any]:
    """Return an endpoint string and its factory, which reads the header of ``haproxy:`` itself."""
    text, wrapped = without_wrapper(endpoint)
    return text, ProxyHeaderFactory(site) if wrapped else site
