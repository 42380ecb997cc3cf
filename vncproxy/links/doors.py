"""Admits links and tunnels that arrive: who they are from, and where they are to go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.logger import Logger
from twisted.web.http import Request as HTTPRequest

from .. import __version__
from ..errors import ConnectionLost, VNCProxyError, ZoneDraining, ZoneForbidden, ZoneUnreachable
from ..interfaces import ITokenStore
from ..model import UnixTime
from ..relay.leg import Leg
from ..relay.raw_framing import RawFraming
from ..zones.receiving import Receiver, bearer
from ..zones.request import Act, key_id
from .entrance import ArrivedTunnel, Door
from .held import Held
from .messages import Hello
from .neighbours import INeighbours
from .port import pass_on
from .rendezvous import Expected, Rendezvous, worker_of
from .zones import LinkedZones

CLOSE_TIME = 5.0
"""Seconds that an end of a tunnel that is passed on may take to close."""

MOST_LINKS = 64
"""Links of one zone that one process accepts."""

Take = Callable[[Any], None]


@dataclass(slots=True)
class Surroundings:
    """What links have of the rest of the proxy; set before the first link arrives.

    Attributes:
        store: remembers which requests came.
        refusal: returns why this process takes no sessions now; None where it does.
        join: relays between two legs.
        on_change: is called when a link stands or is lost.
    """

    store: ITokenStore
    refusal: Callable[[], VNCProxyError | None]
    join: Callable[..., Any]
    on_change: Callable[[], object]


class Doors:
    """Admits links and tunnels.

    Args:
        zones: returns the configuration.
        surroundings: returns what links have of the rest of the proxy.
        neighbours: returns the other processes.
        network: the reactor.
        time: wall-clock time.

    Attributes:
        passing: tunnels that pass this process on their way to another one.
    """

    log = Logger()

    def __init__(
        self,
        zones: Callable[[], LinkedZones],
        surroundings: Callable[[], Surroundings],
        neighbours: Callable[[], INeighbours],
        held: Held,
        rendezvous: Rendezvous,
        network: Any,
        time: Callable[[], UnixTime],
    ) -> None:
        self.passing = 0
        self._zones = zones
        self._surroundings = surroundings
        self._neighbours = neighbours
        self._held = held
        self._rendezvous = rendezvous
        self._network = network
        self._time = time

    def all(self) -> dict[Act, Door]:
        """Return the door for each kind of request."""
        return {Act.LINK: self.admit_link, Act.TUNNEL: self.admit_tunnel}

    async def admit_link(self, request: HTTPRequest) -> Take:
        """Admit a link.

        Raises:
            ZoneError: it is not signed as it should be, or not wanted.
            StoreUnavailable: that is not known.
        """
        headers = request.requestHeaders
        found, _ = await self._receiver().receive(headers, Act.LINK)
        zones = self._zones()
        if found.iss not in zones.dialling:
            raise ZoneForbidden(f'[zones.{found.iss}] has not dial = "them" here')
        if refusal := self._surroundings().refusal():
            raise ZoneDraining(refusal.code)
        if len(self._held.of(found.iss)) >= MOST_LINKS:
            raise ZoneForbidden(f"{MOST_LINKS} links of the zone {found.iss} stand here already")
        key, client = key_id(bearer(headers)), getattr(request.getClientAddress(), "host", "")

        def take(channel: Any) -> None:
            if channel is not None:
                control = self._held.add(found.iss, key, client).control
                channel.hand_over(control)
                control.begin()
                control.send(Hello(zones.own, __version__, zones.proxy, self._time()))

        return take

    async def admit_tunnel(self, request: HTTPRequest) -> Take:
        """Admit a tunnel, here or on behalf of the process that expects it.

        Raises:
            ZoneError: it is not signed as it should be, or not expected.
            StoreUnavailable: other processes are not known.
        """
        found, _ = self._receiver().verify(request.requestHeaders, Act.TUNNEL)
        name = found.tunnel or ""
        expected = self._rendezvous.take(name, found.iss)
        if expected is not None:
            return _deliver(expected)
        place = await self._port_of(name)
        leg = await pass_on(place, found.iss, name, self._network)
        self.log.info(
            "a tunnel of zone {zone} passes here to {place}",
            zone=found.iss,
            place=place.partition(" ")[0],
        )
        return lambda channel: self._pass(channel, leg)

    def _receiver(self) -> Receiver:
        zones, store = self._zones(), self._surroundings().store
        return Receiver(zones.own, zones.peers, store, self._time)

    async def _port_of(self, name: str) -> str:
        """Return where the process that expects a tunnel takes it."""
        worker_id = worker_of(name)
        if worker_id != self._rendezvous.worker_id:
            for each in await self._neighbours().workers():
                if each.identity.worker_id == worker_id:
                    return each.tunnel_port
        raise ZoneUnreachable("the tunnel is not expected, or not any more")

    def _pass(self, channel: Any, onward: Leg) -> None:
        if channel is None:
            onward.close(ConnectionLost("the other zone left"), CLOSE_TIME)
            return
        arrived = Leg(RawFraming(), self._network, ConnectionLost)
        channel.hand_over(arrived)
        self.passing += 1
        joined = self._surroundings().join(arrived, onward, ())
        joined.addCallback(self._close, arrived, onward)

    def _close(self, why: VNCProxyError, *legs: Leg) -> None:
        self.passing -= 1
        for leg in legs:
            leg.close(why, CLOSE_TIME)


def _deliver(expected: Expected) -> Take:
    def take(channel: Any) -> None:
        if channel is None:
            expected.fail("its tunnel was closed at once", True)
        else:
            expected.arrive(ArrivedTunnel(channel))

    return take
