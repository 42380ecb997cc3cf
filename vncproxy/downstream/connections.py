"""All connections of users, from accept until they are gone, and how many there may be.

Where there is no room, the connection that has waited longest for a request makes room: browsers
keep connections in reserve and open new ones without a word. Where none waits, the new one is
refused.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Protocol

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime

from ..errors import OverLimit, VNCProxyError
from ..model import Limits
from .forwarded import NOWHERE, counted_as
from .refusals import Refusals

UNKNOWN = ""
"""Stands for the address of a connection that has not told it yet."""


class IdleConnection(Protocol):
    """What a connection that waits for a request can be told."""

    def make_room(self) -> None:
        """Close at once, without an answer."""


class Place:
    """One connection among all; it outlives what reads the connection's requests.

    Args:
        connections: all; None for one that is not counted.

    Attributes:
        address: that it is counted for.
    """

    __slots__ = ("_connections", "address")

    def __init__(self, connections: Connections | None, address: str) -> None:
        self._connections = connections
        self.address = address

    def move(self, address: str) -> VNCProxyError | None:
        """Count it for another address, which only its request has told; or return why not."""
        if self._connections is None or address == self.address:
            return None
        return self._connections.move(self, address)

    def wait(self, connection: IdleConnection) -> None:
        """Take note that it waits for a request."""
        if self._connections is not None:
            self._connections.waiting[self] = connection

    def work(self) -> None:
        """Take note that it waits no more."""
        if self._connections is not None:
            self._connections.waiting.pop(self, None)

    def __call__(self) -> None:
        """Leave; what is called when a leg is lost is the place itself, to keep nothing else."""
        self.leave()

    def leave(self) -> None:
        """Count it no more; may be called again."""
        connections, self._connections = self._connections, None
        if connections is not None:
            connections.leave(self)


class Connections:
    """The open connections of users.

    Args:
        limits: `Limits.connections` and `Limits.connections_per_address` count.
        clock: for the end.
        proxies: networks of reverse proxies, whose own addresses have no limit.

    Attributes:
        affordable: connections that the process has descriptors for.
        waiting: what waits for a request, longest first.
        refusals: how often requests are refused.
    """

    def __init__(
        self,
        limits: Limits,
        clock: IReactorTime,
        proxies: Sequence[IPv4Network | IPv6Network] = (),
    ) -> None:
        self.limits = limits
        self.proxies = proxies
        self.affordable = sys.maxsize
        self.refusals = Refusals(limits, clock)
        self.waiting: dict[Place, IdleConnection] = {}
        self._clock = clock
        self._open = 0
        self._no_room = 0
        self._of_address: Counter[str] = Counter()
        self._empty: Deferred[None] | None = None

    def __len__(self) -> int:
        return self._open

    def counts(self) -> tuple[int, int, int]:
        """Return the connections open now, those that had no room, and who asked too often."""
        return self._open, self._no_room, self.refusals.too_often

    def set_limits(self, limits: Limits, proxies: Sequence[IPv4Network | IPv6Network]) -> None:
        """Go by other limits from now on; no connection is closed for that."""
        self.limits, self.proxies = limits, proxies
        self.refusals.set_limits(limits)

    def enter(self, address: str) -> Place:
        """Count a connection, until it leaves.

        Args:
            address: `UNKNOWN` where only its first bytes will tell.

        Raises:
            OverLimit: there are too many, in all or from its address, and all of them are in use.
        """
        most = min(self.limits.connections, self.affordable)
        if self._open >= most and not self._make_room(lambda place: True):
            self._no_room += 1
            raise OverLimit(f"{most} connections of users are open, limits.connections")
        self._check_address(address)
        place = Place(self, address)
        self._open += 1
        self._of_address[counted_as(address)] += 1
        return place

    def move(self, place: Place, address: str) -> VNCProxyError | None:
        """Count a connection for another address, or return why that has too many."""
        try:
            self._check_address(address)
        except OverLimit as e:
            return e
        self._count_down(place.address)
        place.address = address
        self._of_address[counted_as(address)] += 1
        return None

    def leave(self, place: Place) -> None:
        """Count a connection no more."""
        self._open -= 1
        self.waiting.pop(place, None)
        self._count_down(place.address)
        if not self._open and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    async def stop(self, seconds: float) -> None:
        """Close what waits for a request, and let the others come to their end.

        Args:
            seconds: how long that may take.
        """
        for connection in list(self.waiting.values()):
            connection.make_room()
        if self._open:
            self._empty = Deferred()
            try:
                await self._empty.addTimeout(seconds, self._clock)
            except TimeoutError:
                self._empty = None

    def _check_address(self, address: str) -> None:
        most = self._most_of_address()
        same = self._of_address[counted_as(address)]
        if same < most or not self._is_limited(address):
            return
        if not self._make_room(lambda place: counted_as(place.address) == counted_as(address)):
            self._no_room += 1
            raise OverLimit(
                f"{same} connections from {address}, limits.connections_per_address",
                public="Too many connections are open from your address. Try again in a moment.",
            )

    def _most_of_address(self) -> int:
        """Return how many one address may have: never all that the process can afford."""
        return min(self.limits.connections_per_address, max(1, self.affordable // 2))

    def _is_limited(self, address: str) -> bool:
        if address in (UNKNOWN, NOWHERE):
            return False
        found = ip_address(address)
        return not any(found in network for network in self.proxies)

    def _make_room(self, fits: Callable[[Place], bool]) -> bool:
        """Close the connection that has waited longest for a request; False where none does."""
        for place, connection in self.waiting.items():
            if fits(place):
                place.leave()
                connection.make_room()
                return True
        return False

    def _count_down(self, address: str) -> None:
        key = counted_as(address)
        self._of_address[key] -= 1
        if not self._of_address[key]:
            del self._of_address[key]
