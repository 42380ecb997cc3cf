"""The API's resources, made from the settings and renewed by a reload."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry
from twisted.web.resource import IResource

from ..config.settings import Settings
from ..hosts.directory import Directory
from ..interfaces import ILoginStore, IPortalStore, IProxies, ISessionRegistry, ITokenStore
from ..model import Rate
from ..session.registry import SessionRegistry
from ..typist.machine_turns import ITurns, MachineTurns
from .components import Components
from .reviews import Reviews
from .session_services import peers_of
from .typing import make_typing

if TYPE_CHECKING:
    from ..api.assembly import ApiParts
    from ..api.front import Front
    from ..api.keys import ApiKey, ApiKeys
    from ..api.nova.options import NovaOptions
    from ..api.v1.joining import Drive
    from ..api.v1.recordings import Reviews as ReviewsOfApi
    from .pictures import LazyAlbum
    from .waiting import LazyWaiting


class IHosts(Protocol):
    """What the API has of `vncproxy.service.hosts`.

    Attributes:
        directory: which proxy shows a machine.
    """

    directory: Directory

    def store(self, store: ITokenStore) -> ITokenStore:
        """Return the token store as the API sees it."""


class ApiResources:
    """Makes the resources of the API; what is counted and kept of callers outlives each of them.

    Args:
        cluster: the live sessions, of all proxies where there are several.
        registry: the metrics that are shown.
        portals: what is kept for API callers; closed by `close`.
        note: writes an audit line.
        hosts: which proxy shows a machine; None where this one shows all.
        album: takes pictures of machines; None where that is not installed.
        screens: waits for screens, likewise.
        drive: lets a session drive.
        reviews: what watches recordings; None where nothing is recorded.
        turns: of several processes; None where this one is alone.
        logins: users that are logged in.

    Attributes:
        broadcast: tells readers of events what goes on.
    """

    def __init__(
        self,
        sessions: SessionRegistry,
        cluster: ISessionRegistry,
        proxies: IProxies,
        registry: CollectorRegistry,
        portals: IPortalStore,
        note: Callable[[str, Mapping[str, object]], object],
        hosts: IHosts | None,
        album: LazyAlbum | None,
        screens: LazyWaiting | None,
        drive: Drive | None,
        reviews: Reviews | None,
        turns: ITurns | None,
        logins: ILoginStore,
    ) -> None:
        # klein installs the reactor on import, and importing this module must not
        from ..api.audit import ApiAudit
        from ..api.broadcast import Broadcast
        from ..api.gate import Gate
        from ..api.stored_keys import StoredKeys

        self._sessions = sessions
        self._cluster = cluster
        self._proxies = proxies
        self._registry = registry
        self._hosts = hosts
        self._album = album
        self._screens = screens
        self._drive = drive
        self._reviews = reviews
        self._logins = logins
        self._clock = sessions.services.reactor
        self._typing_turns = MachineTurns(self._clock, turns)
        self._portals = portals
        self._stored_keys = StoredKeys(portals, self._clock.seconds)
        self._gate = Gate(portals, self._clock)
        self._audit = ApiAudit(note, self._clock.seconds)
        self.broadcast = Broadcast(proxies, self._clock)

    async def close(self) -> None:
        """Write what is left of callers, and close the connections for it."""
        await self._gate.close()
        await self._portals.close()

    def make(
        self, settings: Settings, components: Components, room_elsewhere: Callable[[], bool]
    ) -> IResource:
        """Return the resource of the API with these settings.

        Args:
            room_elsewhere: returns whether another process on the same sockets takes sessions.
        """
        from ..api.site import api_resource

        return api_resource(self._parts(settings, components, room_elsewhere))

    def front(
        self, settings: Settings, components: Components, room_elsewhere: Callable[[], bool]
    ) -> Front:
        """Return what the start page has of the API with these settings."""
        from ..api.assembly import Assembly

        return Assembly(self._parts(settings, components, room_elsewhere)).front()

    def _parts(
        self, settings: Settings, components: Components, room_elsewhere: Callable[[], bool]
    ) -> ApiParts:
        from ..api.assembly import ApiParts
        from ..api.keys import ApiKeys
        from ..api.v1.joining import no_drive

        keys = ApiKeys(api_keys(settings), time.time, self._stored_keys)
        return ApiParts(
            store=self._hosts.store(components.store) if self._hosts else components.store,
            sessions=self._cluster,
            proxies=self._proxies,
            backends=components.backends,
            power=self._sessions.services.power,
            authenticators=(keys,),
            keys=keys,
            portals=self._portals,
            logins=self._logins,
            gate=self._gate,
            audit=self._audit,
            broadcast=self.broadcast,
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
            screens=self._screens,
            type_keys=make_typing(self._sessions, self._typing_turns),
            records=bool(settings.recording.place),
            reviews=self._recordings(settings.public.announced[0]),
            room_elsewhere=room_elsewhere,
            zone=settings.proxy.zone,
            zones=peers_of(settings),
            announce_shadows=settings.sharing.announce_shadows,
            drive=self._drive or no_drive,
            nova=_nova_options(settings, keys, components),
        )

    def _recordings(self, base_url: str) -> ReviewsOfApi | None:
        """Return what the API has of recordings; None where nothing is recorded."""
        from ..api.v1.recordings import Reviews

        if self._reviews is None:
            return None
        of = self._reviews.reviewing
        return Reviews(of.shelf, of.links, base_url, of.copies.playable)


def api_keys(settings: Settings) -> Iterator[ApiKey]:
    """Yield the API keys of the configuration, one for each hash."""
    from ..api.caller import Caller
    from ..api.keys import ApiKey

    for name, table in settings.api.keys.items():
        most = table.requests_per_minute
        rates = () if most is None else (Rate(f"key:{name}", most),)
        for digest in table.hash:
            yield ApiKey(digest, Caller.of(name, table), table.expires, rates)


def _nova_options(settings: Settings, keys: ApiKeys, components: Components) -> NovaOptions:
    """Return what Nova's part of the API has of these settings."""
    from ..api.nova.options import NovaOptions
    from .nova_authenticators import nova_authenticators

    authenticators = nova_authenticators(settings, keys, components.keystone)
    return NovaOptions(authenticators, settings.nova.url, settings.nova.novnc_url)
