"""The links of one process with all zones, those that it dials and those that dial it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import ProxyStopping, StoreUnavailable, VNCProxyError
from ..interfaces import IZoneLinks
from ..model import LinkState, UnixTime, ZoneService
from .dialled import DialledZone, Line
from .dialler import Dialler
from .doors import Doors, Surroundings
from .entrance import Entrance
from .held import Held, HeldLink
from .neighbours import Alone, INeighbours, NotMade, decode, encode
from .opening import LinkEndpoint, TunnelOpener
from .port import TunnelPort
from .rendezvous import Rendezvous, Tunnel, worker_of
from .report import report_dialled, report_dialling
from .tunnels import Tunnels
from .zones import LinkedZones

KEYS_CHECKED: Final = 5.0
"""Seconds between two checks of whether the keys of links are still accepted."""


@implementer(IZoneLinks)
class ZoneLinks:
    """All links of one process.

    Args:
        worker_id: of this process.
        zones: what the configuration says.
        network: the reactor.
        time: wall-clock time.

    Attributes:
        surroundings: what links have of the rest of the proxy; set before `start`.
        neighbours: the other processes of this zone.
        entrance: the HTTP resource where links and tunnels arrive.
        sites: the factories that serve tunnels, by what they are for; set before `start`.
    """

    log = Logger()
    surroundings: Surroundings
    sites: Mapping[ZoneService, Any]

    def __init__(
        self,
        worker_id: str,
        zones: LinkedZones,
        network: Any,
        time: Callable[[], UnixTime] = time.time,
    ) -> None:
        self.neighbours: INeighbours = Alone()
        self._zones = zones
        self._network = network
        self._time = time
        self._rendezvous = rendezvous = Rendezvous(worker_id)
        self._held = held = Held(network, time, self._changed, self._tunnel_failed)
        self._doors = doors = Doors(
            lambda: self._zones,
            lambda: self.surroundings,
            lambda: self.neighbours,
            held,
            rendezvous,
            network,
            time,
        )
        self._opener = TunnelOpener(held, rendezvous, lambda: self.neighbours, network)
        self._port = TunnelPort(rendezvous, network)
        self._diallers: dict[DialledZone, Dialler] = {}
        self._timer: IDelayedCall | None = None
        self._serving = False
        self.entrance = Entrance(doors.all())

    @property
    def passing(self) -> int:
        """Tunnels that pass this process on their way to another one."""
        return self._doors.passing

    @property
    def tunnel_port(self) -> str:
        """Where this process takes tunnels that reached others, for its announcement."""
        return self._port.place

    def states(self) -> dict[str, LinkState]:
        """Return the links with each zone that has some, or should."""
        dialled = {zone.name: dialler.state() for zone, dialler in self._diallers.items()}
        return {**{zone: self._held.state(zone) for zone in self._zones.dialling}, **dialled}

    def endpoint(self, zone: str, service: ZoneService, client: str = "") -> LinkEndpoint:
        """Return an endpoint whose connections lead to a zone that dials us."""
        return LinkEndpoint(partial(self._open, zone, service, client), zone)

    async def report(self, zone: str) -> str:
        """Return one line about the links with a zone, for ``check-config``."""
        for each in self._zones.dialled:
            if each.name == zone:
                return await report_dialled(Line(each, self._network, self._time), self._network)
        return await report_dialling(zone, self.neighbours)

    def start(self) -> None:
        """Dial, and check keys, from now on."""
        self._serving = True
        self._check_keys()
        self._renew_diallers()

    def update(self, zones: LinkedZones) -> None:
        """Apply another configuration: links that are not wanted any more end."""
        self._zones = zones
        if self._serving:
            self._held.end_where(self._why_not)
            self._renew_diallers()

    def stop(self, why: str) -> None:
        """End all links and dial no more, while tunnels that were made stay."""
        if not self._serving:
            return
        self._serving = False
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        for dialler in self._diallers.values():
            dialler.stop(why)
        self._diallers.clear()
        self._held.end_where(lambda link: why)

    def close(self) -> None:
        """Listen no more for tunnels that are passed on."""
        self._port.stop()

    def refusal(self) -> VNCProxyError | None:
        """Return why this process takes no links; None where it does."""
        return None if self._serving else ProxyStopping()

    def listen_for_others(self) -> bool:
        """Listen for tunnels that reach other processes, once it is known where.

        Returns:
            Whether it has begun now, so that it has to be announced.
        """
        if self._port.place or not self._zones.dialling:
            return False
        address = self._zones.peer_address or self.neighbours.local_address()
        if address:
            self._port.listen(address)
        return bool(self._port.place)

    def take_message(self, text: bytes) -> None:
        """Take a message of another process."""
        try:
            message = decode(text)
        except ValueError as e:
            self.log.warn("a message about tunnels is ignored: {why}", why=e)
            return
        if isinstance(message, NotMade):
            self._rendezvous.fail(message.tunnel, message.why, message.lost)
            return
        links = self._held.of(message.zone)
        if links:
            random.choice(links).ask(message.order)  # noqa: S311
        else:
            self._tunnel_failed(message.order.tunnel, "its link was lost meanwhile", True)

    async def _open(self, zone: str, service: ZoneService, client: str) -> Tunnel:
        seconds = self._zones.dialling.get(zone, 5.0)
        return await self._opener.open(zone, service, client, seconds)

    def _why_not(self, link: HeldLink) -> str:
        return self._zones.refuses(link.zone, link.key_id, self._time())

    def _check_keys(self) -> None:
        self._held.end_where(self._why_not)
        self._timer = self._network.callLater(KEYS_CHECKED, self._check_keys)

    def _renew_diallers(self) -> None:
        wanted = set(self._zones.dialled)
        for zone in self._diallers.keys() - wanted:
            self._diallers.pop(zone).stop("its configuration has changed")
        tunnels = Tunnels(self.sites)
        for zone in wanted - self._diallers.keys():
            line = Line(zone, self._network, self._time)
            dialler = Dialler(line, tunnels, self._network, self._changed, time=self._time)
            self._diallers[zone] = dialler
            dialler.start()

    def _tunnel_failed(self, tunnel: str, why: str, lost: bool) -> None:
        """Tell the process that expects a tunnel."""
        worker_id = worker_of(tunnel)
        if worker_id == self._rendezvous.worker_id:
            self._rendezvous.fail(tunnel, why, lost)
            return
        text = encode(NotMade(tunnel, why, lost))
        telling = Deferred.fromCoroutine(self.neighbours.tell(worker_id, text))
        telling.addErrback(lambda f: f.trap(StoreUnavailable))

    def _changed(self) -> None:
        self.surroundings.on_change()
