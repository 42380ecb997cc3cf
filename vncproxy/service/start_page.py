"""The start page and its logins, put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from twisted.web.http import Request
from twisted.web.resource import IResource

from ..config.settings import Settings
from ..downstream.connections import Connections
from ..downstream.headers import header_lines
from ..downstream.trust import Trust
from ..errors import ConfigurationError
from ..interfaces import ILoginStore
from ..login.fetching import ProviderRequests
from ..login.logins import Logins
from ..login.memory import MemoryLogins
from ..login.options import ProviderOptions
from ..login.provider import Provider
from ..model import TLSTrust
from ..origins import untrusted_origin
from ..session.logged_in import LoginRule
from .components import Components, OnOperation, redis_store

if TYPE_CHECKING:
    from ..api.front import Front

Note = Callable[[str, Mapping[str, object]], object]


class StartPage:
    """Logins, which outlive the settings, and the page that each settings make.

    Args:
        store: where logins are kept.
        note: writes an audit line.

    Attributes:
        store: where logins are kept.
    """

    def __init__(self, store: ILoginStore, note: Note, reactor: Any) -> None:
        self.store = store
        self._note = note
        self._reactor = reactor
        self._logins = Logins(store, time.time)

    def rule(self, settings: Settings) -> LoginRule | None:
        """Return which links demand a login; None where none do."""
        login = settings.login
        if not login.required:
            return None
        find = partial(self._user_of, login.issuer)
        return LoginRule(find, login.bound_to == "user", login.viewers)

    async def _user_of(self, issuer: str, secret: str) -> str | None:
        login = await self._logins.find(secret)
        return login.user if login is not None and login.issuer == issuer else None

    def resource(
        self, settings: Settings, front: Front, trust: Trust, connections: Connections
    ) -> IResource:
        """Return what serves the page's requests."""
        # klein installs the reactor on import, and importing this module must not
        from ..start.logging_in import LoggingIn
        from ..start.routes import StartResource

        logging_in = LoggingIn(make_provider(settings, self._reactor), self._logins, self._note)
        door = _Door(replace(trust, origins=frozenset(settings.public.origins)), connections)
        made, clock = _start_settings(settings), self._reactor.seconds
        return StartResource(made, logging_in, self._logins, front, door, time.time, clock)

    async def close(self) -> None:
        """Close connections."""
        await self.store.close()


class _Door:
    """Users as the listeners see them."""

    def __init__(self, trust: Trust, connections: Connections) -> None:
        self._trust = trust
        self._connections = connections

    def client(self, request: Request) -> str:
        return self._trust.forwarding.client_address(request)

    def is_own_page(self, request: Request) -> bool:
        lines = header_lines(request, "origin")
        return bool(lines) and untrusted_origin(lines[0], self._trust.origins) is None

    def refuses_cheaply(self, client: str) -> bool:
        return self._connections.refusals.refuses_cheaply(client)

    def refused(self, client: str, what: str, why: str) -> str:
        return self._connections.refusals.log_refusal(client, what, why)


def make_provider(settings: Settings, reactor: Any) -> Provider | None:
    """Return the provider of ``[login]``; None where none is configured.

    Raises:
        ConfigurationError: what speaks to it is not installed, or the file of authorities cannot be
            used.
    """
    login = settings.login
    if not login.issuer:
        return None
    if find_spec("authlib") is None:
        raise ConfigurationError("[login] needs Authlib: install vncproxy[login]")
    options = ProviderOptions(
        login.issuer,
        login.client_id,
        f"{settings.public.base_url}login/callback",
        login.client_secret.get_secret_value(),
        login.scopes,
        login.user_claim,
        login.name_claim,
        login.groups_claim,
        login.lifetime,
    )
    fetch = ProviderRequests(TLSTrust(ca_file=login.ca_file), login.timeout, reactor)
    return Provider(options, fetch, time.time, reactor.seconds)


def login_checks(settings: Settings, reactor: Any) -> Mapping[str, Provider]:
    """Return what ``check-config`` asks, by its table."""
    provider = make_provider(settings, reactor)
    return {} if provider is None else {"login": provider}


def _start_settings(settings: Settings) -> Any:
    from ..api.caller import Caller
    from ..start.routes import StartSettings
    from ..start.visitor import UserPolicy

    login = settings.login
    policies = [
        UserPolicy(
            frozenset(each.groups), frozenset(each.users), Caller.of(f"policy {number}", each)
        )
        for number, each in enumerate(login.policies, 1)
    ]
    label = login.label or "your organisation"
    base_url, keys = settings.public.base_url, login.api_keys
    return StartSettings(base_url, login.issuer, label, keys, policies, login.lifetime)


def make_start_page(
    settings: Settings,
    components: Components,
    note: Note,
    reactor: Any,
    on_operation: OnOperation,
) -> StartPage:
    """Return the start page.

    Raises:
        ConfigurationError: a file that ``[redis]`` names cannot be used.
    """
    return StartPage(_make_store(settings, components, reactor, on_operation), note, reactor)


def _make_store(
    settings: Settings, components: Components, reactor: Any, on_operation: OnOperation
) -> ILoginStore:
    store = redis_store(settings, components)
    if store is None:
        return MemoryLogins(reactor.seconds)
    # txredisapi installs the reactor on import, and importing this module must not
    from ..login.redis import RedisLogins

    return RedisLogins(reactor, settings.redis, store.primary, on_operation, store.outage)
