"""What a proxy that serves some hosts, or has peers, does beside showing consoles."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..config.settings import Peer as PeerTable
from ..config.settings import Settings
from ..hosts.directory import Directory
from ..hosts.following import Following
from ..hosts.issued_elsewhere import IssuedElsewhere
from ..hosts.peer import Peer, PeerSettings
from ..hosts.store import StoreWithPeers
from ..interfaces import IProxies, ITokenStore
from ..model import Identity, TLSTrust
from ..tokens.issuing import IssuedToken
from .announced import urls_of
from .components import Components
from .served_hosts import ServedHosts

if TYPE_CHECKING:
    from ..cluster.cluster import Cluster


class Hosts:
    """The directory of proxies, the hosts that this one serves, and its peers.

    Args:
        me: this process.
        settings: returns those in force.
        components: returns those in force.
        proxies: all proxies that share our tokens.
        cluster: the same, where there may be others.

    Attributes:
        directory: which proxy shows a machine.
        following: sends users on whose machine has moved.
        served: the hosts that this proxy announces.
    """

    def __init__(
        self,
        me: Identity,
        settings: Callable[[], Settings],
        components: Callable[[], Components],
        proxies: IProxies,
        cluster: Cluster | None,
        reactor: Any,
    ) -> None:
        self._reactor = reactor
        self._elsewhere = IssuedElsewhere(time)
        self._peers: list[Peer] = []
        self.directory = Directory(me, proxies, cluster, reactor)
        self.following = Following(
            self.directory, lambda: components().store, self._elsewhere, reactor
        )
        self.served = ServedHosts(settings, lambda: components().backends, reactor)
        if cluster is not None:
            cluster.sight = self.directory.here
            self.served.on_change = cluster.announce

    def configure(self, settings: Settings, components: Components) -> None:
        """Use other settings; connections to peers that have changed are closed."""
        wanted = [_peer_settings(name, table) for name, table in settings.peers.items()]
        known = {peer.settings.name: peer for peer in self._peers}
        self._close(peer for peer in self._peers if peer.settings not in wanted)
        self._peers = [
            peer
            if (peer := known.get(each.name)) is not None and peer.settings == each
            else Peer(each, self._reactor, self._note)
            for each in wanted
        ]
        self.directory.configure(urls_of(settings), components.backends, self._peers)

    def store(self, store: ITokenStore) -> ITokenStore:
        """Return the token store as the API sees it."""
        return StoreWithPeers(store, self._elsewhere, self._peer)

    def start(self) -> None:
        """Ask backends for hosts, where the settings in force want it."""
        self.served.start()

    async def stop(self) -> None:
        """Ask no more, and close all connections."""
        self.served.stop()
        for peer in self._peers:
            await peer.close()

    def _note(self, peer: Peer, issued: IssuedToken) -> None:
        self._elsewhere.note(issued.id, peer.name, issued)

    def _peer(self, name: str) -> Peer | None:
        return next((peer for peer in self._peers if peer.name == name), None)

    def _close(self, peers: Any) -> None:
        for peer in peers:
            closing = Deferred.fromCoroutine(peer.close())
            closing.addErrback(lambda why: Failure.trap(why, Exception))


def _peer_settings(name: str, table: PeerTable) -> PeerSettings:
    return PeerSettings(
        name,
        table.api,
        table.key.get_secret_value(),
        table.hosts or (name,),
        TLSTrust(ca_file=table.ca_file, name=table.server_name),
        table.timeout,
    )
