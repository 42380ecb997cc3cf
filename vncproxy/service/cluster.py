"""The proxy among others: its identity, what it announces, and the cluster that it is part of."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zope.interface import implementer

from .. import __version__
from ..backends.zone import ZoneSettings
from ..config.digest import backend_digest, configuration_digest
from ..config.settings import Settings
from ..interfaces import IPortalStore, IProxies
from ..links.links import ZoneLinks
from ..model import Activity, Announcement, Ended, Identity, new_id
from ..portals.memory import MemoryPortalStore
from ..session.change_count import ChangeCount
from ..session.registry import SessionRegistry
from .announced import proxy_name
from .components import Components, own_store, redis_store

if TYPE_CHECKING:
    from ..cluster.cluster import Cluster
    from ..tokens.redis import RedisTokenStore

_ID = re.compile("[0-9a-f]{16}")


def identity(settings: Settings, environment: Mapping[str, str] = os.environ) -> Identity:
    """Return the identity of this process; a supervisor gives some of it to its workers."""
    given = environment.get("VNCPROXY_ID", "")
    return Identity(
        proxy_id=given if _ID.fullmatch(given) else new_id(),
        worker_id=new_id(),
        name=proxy_name(settings),
        zone=settings.proxy.zone,
        worker=_number(environment.get("VNCPROXY_WORKER", ""), 0),
        generation=_number(environment.get("VNCPROXY_GENERATION", ""), 1),
    )


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() else default


class Description:
    """Describes this process as it is at the moment.

    Args:
        identity: of this process.
        settings: returns those in force.
        sessions: of this process.
        started_at: the wall-clock time of its start.
        links: between zones.

    Attributes:
        serves: returns the hosts that it serves by name, None for every host.
        refusals: returns what was refused since the start, by the code of the reason.
    """

    def __init__(
        self,
        identity: Identity,
        settings: Callable[[], Settings],
        sessions: SessionRegistry,
        started_at: float,
        links: ZoneLinks | None = None,
    ) -> None:
        self._identity = identity
        self._settings = settings
        self._sessions = sessions
        self._started_at = started_at
        self.serves: Callable[[], tuple[str, ...] | None] = lambda: None
        self.refusals: Callable[[], Mapping[str, int]] = dict
        self._links = links
        self._of: Settings | None = None
        self._constant = Announcement(identity)

    def __call__(self) -> Announcement:
        """Return what is announced now."""
        if self._of is not self._settings():
            self._of = self._settings()
            self._constant = self._describe(self._of)
        return replace(
            self._constant,
            serves=self.serves(),
            sessions=len(self._sessions),
            draining=self._sessions.draining,
            started_at=self._started_at,
            links=self._links.states() if self._links else {},
            tunnel_port=self._links.tunnel_port if self._links else "",
            refusals=self.refusals(),
        )

    def _describe(self, settings: Settings) -> Announcement:
        base_url, xvp_url = settings.public.announced
        return Announcement(
            self._identity,
            version=__version__,
            base_url=base_url,
            xvp_url=xvp_url,
            hosts=_hosts(settings),
            backends={name: backend_digest(table) for name, table in settings.backends.items()},
            digest=configuration_digest(settings),
            most_sessions=settings.limits.sessions,
            asks=tuple(name for name, zone in _zones(settings) if zone.is_asked),
            accepts=tuple(name for name, zone in _zones(settings) if zone.accept.keys),
        )


def _zones(settings: Settings) -> Iterator[tuple[str, ZoneSettings]]:
    for name, table in settings.zones.items():
        assert isinstance(table.settings, ZoneSettings)
        yield name, table.settings


def _hosts(settings: Settings) -> tuple[str, ...]:
    """Return the host names in the public URLs."""
    return tuple(dict.fromkeys(urlsplit(url).hostname or "" for url in settings.public.announced))


@implementer(IProxies)
class Alone:
    """A proxy that shares nothing with others."""

    def __init__(
        self,
        describe: Callable[[], Announcement],
        drain: Callable[[], object],
        changes: ChangeCount,
    ) -> None:
        self._describe = describe
        self._drain = drain
        self._changes = changes

    async def workers(self) -> Sequence[Announcement]:
        """Return this process."""
        return [self._describe()]

    async def activity(self) -> Activity:
        """Return this process, and how many times its sessions have changed."""
        return Activity([self._describe()], str(self._changes.value))

    async def drain(self, proxy: str, by: str) -> Ended:
        """Let this process take no new sessions, if it is the one."""
        identity = self._describe().identity
        if proxy in (identity.proxy_id, identity.name):
            self._drain()
        return Ended(0)


def make_alone(
    sessions: SessionRegistry, describe: Callable[[], Announcement], drain: Callable[[], object]
) -> Alone:
    """Return what stands in for the cluster where nothing is shared."""
    changes, services = ChangeCount(), sessions.services
    sessions.on_redeemed = changes.known
    sessions.services = replace(services, observers=(*services.observers, changes))
    return Alone(describe, drain, changes)


def make_cluster(
    description: Description,
    me: Identity,
    settings: Settings,
    components: Components,
    sessions: SessionRegistry,
    drain: Callable[[], object],
    reactor: Any,
    on_operation: Callable[[str, float, bool], object],
) -> Cluster | None:
    """Return the cluster; None where nothing is shared.

    Raises:
        ConfigurationError: a file that ``[redis]`` names cannot be used.
    """
    if settings.tokens.store != "redis":
        return None
    # txredisapi installs the reactor on import, and importing this module must not
    from ..cluster.cluster import Cluster
    from ..tokens.redis import RedisTokenStore

    store = own_store(components.store)
    if not isinstance(store, RedisTokenStore):
        return None
    cluster = Cluster(
        me,
        settings.redis,
        sessions,
        description,
        store.revoked,
        drain,
        reactor,
        store.primary,
        on_operation,
        store.outage,
    )
    _count_sessions(store, sessions, cluster)
    return cluster


def make_portals(
    settings: Settings,
    components: Components,
    reactor: Any,
    on_operation: Callable[[str, float, bool], object],
) -> IPortalStore:
    """Return what keeps keys, rates and repeated requests for API callers.

    Raises:
        ConfigurationError: a file that ``[redis]`` names cannot be used.
    """
    store = redis_store(settings, components)
    if store is None:
        return MemoryPortalStore(reactor.seconds)
    # txredisapi installs the reactor on import, and importing this module must not
    from ..portals.redis import RedisPortalStore

    return RedisPortalStore(reactor, settings.redis, store.primary, on_operation, store.outage)


def _count_sessions(store: RedisTokenStore, sessions: SessionRegistry, cluster: Cluster) -> None:
    """Let sessions count in the limits of all proxies for as long as this process is announced."""
    store.leases.held = sessions.held
    store.leases.on_lost = sessions.end_lost
    store.announce_by(cluster.presence.announce)
    cluster.presence.before_announcing = store.leases.flush
    cluster.presence.after_announcing = store.leases.renew
    sessions.replace_elsewhere = cluster.replace
