"""What the API is made of, and how its two kinds of routes are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from prometheus_client import CollectorRegistry
from twisted.internet.interfaces import IReactorTime

from ..interfaces import (
    IConsoleBackend,
    ILoginStore,
    IPortalStore,
    IProxies,
    ISessionRegistry,
    ITokenStore,
)
from ..model import ConsoleType, UnixTime
from ..portals.memory import MemoryPortalStore
from ..power import MachinePower
from ..together.links import SessionLinks
from ..tokens.issuing import IPlaces, IssueRules, TokenIssuer
from ..tokens.machine_check import MachineCheck
from ..zones.request import Peer
from .audit import ApiAudit
from .authentication import IAuthenticator
from .broadcast import Broadcast
from .desk import Desk
from .front import Front
from .gate import Gate
from .health import Readiness
from .keys import ApiKeys
from .machine_lists import MachineLists
from .nova.auth_tokens import AuthTokens
from .nova.consoles import Consoles
from .nova.options import NovaOptions
from .nova.owners import MachineOwners
from .nova.routes import NovaApi
from .nova.servers import Servers
from .permissions import Permissions
from .repeats import Repeats
from .v1.approvals import ApprovalsView
from .v1.events import EventsView
from .v1.inventory import Inventory
from .v1.joining import Drive, JoiningView, no_drive
from .v1.keys import KeysView
from .v1.power import PowerView
from .v1.proxies import ProxiesView
from .v1.recordings import RecordingsView, Reviews
from .v1.routes import Api
from .v1.screen import Screens, ScreenView
from .v1.screenshots import Pictures, ScreenshotsView
from .v1.sessions import SessionsView
from .v1.tokens import Tokens
from .v1.typing import Types, TypingView
from .v1.views import Views
from .zones import ZoneDesk

LIST_KEPT = 5.0
"""Seconds for which the start page uses a list of machines again."""


@dataclass(frozen=True, kw_only=True)
class ApiParts:
    """What the API uses of the rest of the proxy.

    Attributes:
        store: where tokens live.
        sessions: the live sessions, of all proxies where there are several.
        proxies: which proxies there are.
        backends: by name.
        power: starts, stops and resets machines.
        authenticators: find the caller of a request, in this order.
        keys: the API keys among them.
        portals: what is kept for callers; in memory unless it is given.
        logins: users that are logged in at the start page.
        gate: counts the requests of callers.
        audit: writes what callers did.
        broadcast: tells readers of events what goes on.
        metrics_registry: what ``/metrics`` shows.
        time: wall-clock time, for the expiry of tokens.
        clock: for time limits.
        ttl: seconds that a token lives by default.
        max_ttl: the most seconds that a request may have.
        locate_timeout: seconds that a backend may take to locate a machine.
        base_url: where users' browsers reach the proxy.
        xvp_url: where TCP viewers reach the proxy.
        rfb_address: host and port where native viewers reach it; empty for nowhere.
        places: which proxy shows a machine; without it, links lead to this one.
        pictures: takes pictures of machines; None where that is not installed.
        screens: waits for screens; None where that is not installed.
        type_keys: types at consoles.
        records: whether sessions can be recorded.
        reviews: the recordings, and links to them; None where nothing is recorded.
        room_elsewhere: whether another worker of this proxy takes sessions.
        zone: the name of this zone.
        zones: the zones that may ask, by name.
        drive: lets a session drive, by its machine, its id and who asks; returns whether it does.
        announce_shadows: whether sessions that look at others are announced to their users.
        nova: what is configured for the routes of Nova's clients.
    """

    store: ITokenStore
    sessions: ISessionRegistry
    proxies: IProxies
    backends: Mapping[str, IConsoleBackend]
    power: MachinePower
    authenticators: Sequence[IAuthenticator]
    keys: ApiKeys | None = None
    portals: IPortalStore | None = None
    logins: ILoginStore | None = None
    gate: Gate | None = None
    audit: ApiAudit | None = None
    broadcast: Broadcast | None = None
    metrics_registry: CollectorRegistry
    time: Callable[[], UnixTime]
    clock: IReactorTime
    ttl: float
    max_ttl: float
    locate_timeout: float
    base_url: str
    xvp_url: str
    rfb_address: str = ""
    places: IPlaces | None = None
    pictures: Pictures | None = None
    screens: Screens | None = None
    type_keys: Types | None = None
    records: bool = False
    reviews: Reviews | None = None
    room_elsewhere: Callable[[], bool] = lambda: False
    zone: str = ""
    zones: Mapping[str, Peer] = field(default_factory=dict)
    announce_shadows: bool = True
    drive: Drive = no_drive
    nova: NovaOptions = field(default_factory=NovaOptions)


class Assembly:
    """The routes of our own API and those of Nova's clients, and what they share."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        backends, clock = parts.backends, parts.clock
        self._permissions = Permissions(backends)
        self._machines = MachineCheck(backends, clock, parts.locate_timeout)
        self._lists = MachineLists(backends, self._permissions, clock)
        self._audit = parts.audit or ApiAudit()
        self._portals = parts.portals or MemoryPortalStore(clock.seconds)
        self._issuer = self._make_issuer()
        gate = parts.gate or Gate(self._portals, clock)
        repeats = Repeats(self._portals, clock)
        self._desk = Desk(parts.authenticators, gate, repeats, self._audit)

    def api(self) -> Api:
        """Return the routes of our own API."""
        parts, store, sessions = self._parts, self._parts.store, self._parts.sessions
        views = Views(
            tokens=Tokens(
                store, sessions, self._issuer, self._permissions, self._audit, parts.logins
            ),
            keys=KeysView(self._portals, parts.keys or ApiKeys(()), self._audit, parts.time),
            sessions=SessionsView(sessions, store, self._permissions, self._audit),
            joining=self._make_joining(),
            approvals=ApprovalsView(sessions, store, self._permissions, self._audit),
            proxies=ProxiesView(parts.proxies),
            events=self._make_events(),
            power=PowerView(parts.power, self._permissions, self._audit),
            zones=self._make_zone_desk(),
            inventory=Inventory(self._lists),
            screenshots=ScreenshotsView(parts.pictures, self._permissions, self._audit),
            recordings=self._make_recordings(),
            screen=ScreenView(parts.screens, self._permissions, self._audit),
            typing=TypingView(
                parts.type_keys,
                self._permissions,
                parts.authenticators,
                self._audit,
                parts.clock,
            ),
            readiness=Readiness(store, sessions, parts.clock, room_elsewhere=parts.room_elsewhere),
            metrics_registry=parts.metrics_registry,
        )
        return Api(self._desk, views)

    def front(self) -> Front:
        """Return what the start page has of the API."""
        parts, permissions, audit = self._parts, self._permissions, self._audit
        return Front(
            MachineLists(parts.backends, permissions, parts.clock, LIST_KEPT),
            permissions,
            Tokens(parts.store, parts.sessions, self._issuer, permissions, audit),
            ScreenshotsView(parts.pictures, permissions, audit) if parts.pictures else None,
            parts.keys or ApiKeys(()),
            self._desk.gate,
            audit,
            parts.backends.keys(),
        )

    def nova(self) -> NovaApi:
        """Return the routes of Nova's clients."""
        parts, options = self._parts, self._parts.nova
        owners = MachineOwners(parts.backends, self._permissions, parts.clock)
        servers = Servers(self._lists, owners, parts.clock.seconds)
        return NovaApi(
            options,
            replace(self._desk, authenticators=options.authenticators),
            servers,
            Consoles(servers, self._machines, self._issuer, options.novnc_url, self._audit),
            AuthTokens(parts.store, self._machines, owners),
        )

    def _make_recordings(self) -> RecordingsView:
        parts = self._parts
        return RecordingsView(
            parts.reviews, parts.sessions, self._permissions, self._audit, parts.time
        )

    def _make_joining(self) -> JoiningView:
        parts = self._parts
        return JoiningView(
            parts.sessions,
            SessionLinks(self._issuer, parts.backends),
            self._permissions,
            self._audit,
            announce=parts.announce_shadows,
            drive=parts.drive,
        )

    def _make_events(self) -> EventsView:
        parts = self._parts
        broadcast = parts.broadcast
        if broadcast is None:
            broadcast = Broadcast(parts.proxies, parts.clock)
        return EventsView(broadcast, parts.authenticators, parts.clock.seconds)

    def _make_issuer(self) -> TokenIssuer:
        parts = self._parts
        urls = {ConsoleType.NOVNC: parts.base_url, ConsoleType.XVPVNC: parts.xvp_url}
        rules = IssueRules(
            ttl=parts.ttl,
            max_ttl=parts.max_ttl,
            urls=urls,
            backends=parts.backends,
            rfb_address=parts.rfb_address,
            records=parts.records,
        )
        return TokenIssuer(parts.store, rules, self._machines, parts.time, parts.places)

    def _make_zone_desk(self) -> ZoneDesk:
        parts = self._parts
        return ZoneDesk(
            parts.zone,
            parts.zones,
            parts.store,
            self._issuer,
            self._machines,
            parts.sessions,
            parts.time,
            parts.power,
        )
