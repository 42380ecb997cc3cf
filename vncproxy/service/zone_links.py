"""Links between zones: made from the settings, and given what they use of the proxy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..backends.zone import ZoneSettings
from ..config.settings import Settings
from ..links.dialled import DialledZone
from ..links.doors import Surroundings
from ..links.links import ZoneLinks
from ..links.neighbours import Alone
from ..links.zones import LinkedZones
from ..model import Announcement, Identity
from ..relay import fast, plain
from .announced import proxy_name
from .cluster import identity
from .components import Components
from .sites import Sites

if TYPE_CHECKING:
    from ..cluster.cluster import Cluster


def make_links(me: Identity, settings: Settings, reactor: Any) -> ZoneLinks:
    """Return the links of a process, which stand once they are surrounded and started."""
    return ZoneLinks(me.worker_id, linked_zones(settings), reactor)


def linked_zones(settings: Settings) -> LinkedZones:
    """Return what the settings say about zones with links."""
    tables = {name: _settings(table.settings) for name, table in settings.zones.items()}
    own = settings.proxy.zone
    return LinkedZones(
        own,
        proxy_name(settings),
        tuple(_dialled(name, own, each) for name, each in tables.items() if each.dial == "us"),
        {name: each.timeout for name, each in tables.items() if each.dials_us},
        {name: each.peer(name) for name, each in tables.items()},
        settings.proxy.peer_address,
    )


def _settings(table: Any) -> ZoneSettings:
    assert isinstance(table, ZoneSettings)
    return table


def _dialled(name: str, own: str, zone: ZoneSettings) -> DialledZone:
    url = zone.console_url()
    return DialledZone(
        name,
        own,
        url.hostname or "",
        url.port or 443,
        url.path.rpartition("/")[0] + "/",
        zone.tls.trust(),
        zone.private_key(),
        zone.timeout,
    )


class ClusterNeighbours:
    """The processes that share a Redis with this one."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def workers(self) -> Sequence[Announcement]:
        """Return all processes."""
        return await self._cluster.presence.workers()

    async def tell(self, worker_id: str, message: str) -> bool:
        """Send a message to a process; returns whether there is one."""
        return await self._cluster.tell(worker_id, message)

    def local_address(self) -> str:
        """Return this machine's address in the network that leads to Redis."""
        return self._cluster.local_address()


class RunningProxies(Alone):
    """The processes that have announced themselves, for a program that is none of them."""

    def __init__(self, settings: Settings, reactor: Any) -> None:
        self._settings = settings.redis
        self._reactor = reactor

    async def workers(self) -> Sequence[Announcement]:
        """Read their announcements."""
        # txredisapi installs the reactor on import, and importing this module must not
        from ..cluster.keys import ClusterKeys
        from ..cluster.presence import Presence
        from ..redis.link import RedisLink

        link = RedisLink(self._reactor, self._settings)
        keys = ClusterKeys(self._settings.prefix)
        try:
            return await Presence(link, keys, _nothing, self._reactor).workers()
        finally:
            await link.close()


def _nothing() -> Announcement:
    raise AssertionError("it is not announced")


def links_to_check(settings: Settings, reactor: Any) -> ZoneLinks:
    """Return links that are only reported on."""
    links = make_links(identity(settings), settings, reactor)
    if settings.tokens.store == "redis":
        links.neighbours = RunningProxies(settings, reactor)
    return links


def surround(
    links: ZoneLinks,
    settings: Settings,
    components: Components,
    sites: Sites,
    cluster: Cluster | None,
    reactor: Any,
) -> None:
    """Give links what they have of the rest of the proxy."""
    links.surroundings = Surroundings(
        store=components.store,
        refusal=lambda: links.refusal() or sites.refusal(),
        join=partial(fast.join, reactor=reactor) if settings.relay.fast else plain.join,
        on_change=cluster.announce if cluster else lambda: None,
    )
    links.sites = sites.for_zones
    if cluster is not None:
        links.neighbours = ClusterNeighbours(cluster)
        cluster.on_tunnel = links.take_message
        cluster.on_beat.append(partial(_listen, links, cluster))


def _listen(links: ZoneLinks, cluster: Cluster) -> None:
    if links.listen_for_others():
        cluster.announce()
