"""From a wish for a connection to a tunnel: over a link of this process, or of another one."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

from twisted.internet.address import HostnameAddress
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolFactory, IReactorTime, IStreamClientEndpoint
from zope.interface import implementer

from ..errors import ZoneError, ZoneLinkLost, ZoneNotConnected, ZoneUnreachable
from ..model import Announcement, LinkState, UnixTime, ZoneService
from .held import Held, HeldLink
from .messages import Open
from .neighbours import INeighbours, Wanted, encode
from .rendezvous import Expected, Rendezvous, Tunnel

T = TypeVar("T")
Ask = Callable[[Open], Awaitable[bool]]

TRIES: Final = 2
"""Links that are asked, one after the other; one of them may be dead without anyone knowing."""


class TunnelOpener:
    """Opens connections to zones that dial us.

    Args:
        held: the links of this process.
        rendezvous: where tunnels arrive.
        neighbours: other processes, which have links of their own.
        clock: for time limits.
    """

    def __init__(
        self,
        held: Held,
        rendezvous: Rendezvous,
        neighbours: Callable[[], INeighbours],
        clock: IReactorTime,
    ) -> None:
        self._held = held
        self._rendezvous = rendezvous
        self._neighbours = neighbours
        self._clock = clock

    async def open(self, zone: str, service: ZoneService, client: str, seconds: float) -> Tunnel:
        """Return a connection that the zone has made, and over which it serves HTTP.

        Args:
            seconds: the most that it may take.

        Raises:
            ZoneNotConnected: it has no link, at no process.
            ZoneLinkLost: it had one.
            ZoneUnreachable: it has one, and makes no connection.
        """
        expected = self._rendezvous.expect(zone)
        lost_at: list[UnixTime] = []
        try:
            order = Open(expected.name, service, client)
            await self._ask(expected, order, seconds / TRIES, lost_at)
            if tunnel := expected.take():
                return tunnel
        finally:
            self._rendezvous.forget(expected)
            expected.give_up()
        raise _problem(zone, expected, lost_at, seconds)

    async def _ask(
        self, expected: Expected, order: Open, seconds: float, lost_at: list[UnixTime]
    ) -> None:
        """Ask over one link after the other until it arrives, for some seconds each."""
        async for ask in self._ways(expected.zone, lost_at):
            if expected.has_arrived:
                return
            if await ask(order):
                expected.asked += 1
                await expected.wait(seconds, self._clock)
            if expected.has_arrived or expected.asked == TRIES:
                return

    async def _ways(self, zone: str, lost_at: list[UnixTime]) -> AsyncIterator[Ask]:
        """Yield how the zone can be asked, links of this process first."""
        for link in _shuffled(self._held.of(zone)):
            yield partial(_ask_here, link)
        lost_at += _lost(self._held.state(zone))
        neighbours = self._neighbours()
        for worker in _shuffled(await neighbours.workers()):
            state = worker.links.get(zone)
            if state is not None and state.dial == "them" and not self._is_this(worker):
                if state.count:
                    yield partial(self._ask_there, neighbours, worker.identity.worker_id, zone)
                lost_at += _lost(state)

    def _is_this(self, worker: Announcement) -> bool:
        return worker.identity.worker_id == self._rendezvous.worker_id

    async def _ask_there(
        self, neighbours: INeighbours, worker_id: str, zone: str, order: Open
    ) -> bool:
        return await neighbours.tell(worker_id, encode(Wanted(zone, order)))


async def _ask_here(link: HeldLink, order: Open) -> bool:
    link.ask(order)
    return not link.control.ended


def _lost(state: LinkState) -> list[UnixTime]:
    """Return when the last link was lost, where there is none."""
    return [state.since] if state.since is not None and not state.count else []


def _shuffled(things: Sequence[T]) -> list[T]:
    return random.sample(things, len(things))


def _problem(zone: str, expected: Expected, lost_at: list[UnixTime], seconds: float) -> ZoneError:
    if not expected.asked:
        public = f"The zone {zone} is not connected{since(lost_at)}."
        return ZoneNotConnected(
            f"zone {zone} has no link to this one{since(lost_at)}", public=public
        )
    if expected.lost:
        return ZoneLinkLost(f"zone {zone}: its link was lost: {expected.why}", zone=zone)
    why = expected.why or f"it made no connection within {seconds:g} s"
    return ZoneUnreachable(f"zone {zone}, asked over {expected.asked} links: {why}", zone=zone)


def since(lost_at: Sequence[UnixTime]) -> str:
    """Return " since …" with the last of some moments; empty where there is none."""
    if not lost_at:
        return ""
    moment = datetime.fromtimestamp(int(max(lost_at)), UTC)
    return moment.strftime(" since %Y-%m-%d %H:%M:%S UTC")


@implementer(IStreamClientEndpoint)
class LinkEndpoint:
    """Makes connections by tunnels of a zone.

    Args:
        open_tunnel: returns a tunnel.
        zone: its name.
    """

    def __init__(self, open_tunnel: Callable[[], Awaitable[Tunnel]], zone: str) -> None:
        self._open_tunnel = open_tunnel
        self._zone = zone

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Make one, for a protocol of a factory; called by Twisted."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> Any:
        tunnel = await self._open_tunnel()
        protocol = factory.buildProtocol(HostnameAddress(self._zone.encode(), 80))
        if protocol is None:
            tunnel.abort()
            raise ZoneUnreachable(f"zone {self._zone}: its tunnel is not wanted", zone=self._zone)
        tunnel.hand_over(protocol)
        return protocol
