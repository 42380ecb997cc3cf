"""Counts the connections of users, from accept until they are lost, and limits them.

At the limit, the connection that has been idle longest is closed for a new one, since browsers keep
idle connections and open new ones beside them. Where none is idle, the new one is refused.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Protocol

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime

from ..addresses import counted_as
from ..errors import OverLimit, VNCProxyError
from ..model import Limits
from ..relay.sockets import IHeaderLayer
from .forwarded import NOWHERE, plain_address
from .refusals import Refusals

UNKNOWN = ""
"""The address of a connection whose PROXY header has not arrived yet."""


def address_of(transport: Any) -> str:
    """Return a client's address, or `UNKNOWN` before its PROXY header has arrived."""
    if IHeaderLayer.providedBy(transport) and not transport.peer_known:
        return UNKNOWN
    return plain_address(transport.getPeer())


class IdleConnection(Protocol):
    """A connection that is waiting for a request."""

    def abort_idle(self) -> None:
        """Close at once, without a response: another connection gets its place."""

    def close_idle(self) -> None:
        """Close, since the process ends; a user who would not try again alone is told."""

    def close_served(self) -> None:
        """Close, if it has served a request before."""


class Slot:
    """One counted connection; it outlives the channel that reads the connection's requests.

    Args:
        connections: where it is counted; None for a connection that is not counted.

    Attributes:
        address: the client's, under which it is counted.
    """

    __slots__ = ("_connections", "address")

    def __init__(self, connections: Connections | None, address: str) -> None:
        self._connections = connections
        self.address = address

    def recount(self, address: str) -> VNCProxyError | None:
        """Count it under the address that its request names, or return why that is at its limit."""
        if self._connections is None or address == self.address:
            return None
        return self._connections.recount(self, address)

    def set_idle(self, connection: IdleConnection) -> None:
        """Mark it as waiting for a request, so that it may be closed for another one."""
        if self._connections is not None:
            self._connections.idle[self] = connection

    def set_busy(self) -> None:
        """Mark it as serving a request."""
        if self._connections is not None:
            self._connections.idle.pop(self, None)

    def __call__(self) -> None:
        """Release it; a slot is a leg's ``on_lost`` itself, to keep nothing else in memory."""
        self.release()

    def release(self) -> None:
        """Stop counting it; further calls do nothing."""
        connections, self._connections = self._connections, None
        if connections is not None:
            connections.remove(self)


class Connections:
    """The open connections of users.

    Args:
        limits: `Limits.connections` and `Limits.connections_per_address`, and those of refusals.
        clock: for the time limit of `stop`.
        proxies: networks of reverse proxies, whose own addresses have no limit.

    Attributes:
        descriptor_limit: connections that the process has file descriptors for.
        idle: connections that wait for a request, the longest idle first.
        refusals: the refused requests of each address.
        closing: whether each connection is closed after its next response.
    """

    def __init__(
        self,
        limits: Limits,
        clock: IReactorTime,
        proxies: Sequence[IPv4Network | IPv6Network] = (),
    ) -> None:
        self.limits = limits
        self.proxies = proxies
        self.descriptor_limit = sys.maxsize
        self.closing = False
        self.refusals = Refusals(limits, clock)
        self.idle: dict[Slot, IdleConnection] = {}
        self._clock = clock
        self._open = 0
        self._refused = 0
        self._of_address: Counter[str] = Counter()
        self._empty: Deferred[None] | None = None

    def __len__(self) -> int:
        return self._open

    def counts(self) -> tuple[int, int, int]:
        """Return the numbers of open connections, refused ones, and cheaply refused requests."""
        return self._open, self._refused, self.refusals.cheap_refusals

    def set_limits(self, limits: Limits, proxies: Sequence[IPv4Network | IPv6Network]) -> None:
        """Apply other limits to connections that are added from now on."""
        self.limits, self.proxies = limits, proxies
        self.refusals.set_limits(limits)

    def add(self, address: str) -> Slot:
        """Count a connection, until its slot is released.

        Args:
            address: `UNKNOWN` until a PROXY header names it.

        Raises:
            OverLimit: there are too many, in all or from its address, and none of them is idle.
        """
        most = min(self.limits.connections, self.descriptor_limit)
        if self._open >= most and not self._abort_longest_idle(lambda slot: True):
            self._refused += 1
            raise OverLimit(f"{most} connections of users are open, limits.connections")
        self._check_address(address)
        slot = Slot(self, address)
        self._open += 1
        self._of_address[counted_as(address)] += 1
        return slot

    def recount(self, slot: Slot, address: str) -> VNCProxyError | None:
        """Count a connection under another address; returns an error at that address's limit."""
        try:
            self._check_address(address)
        except OverLimit as e:
            return e
        self._count_down(slot.address)
        slot.address = address
        self._of_address[counted_as(address)] += 1
        return None

    def remove(self, slot: Slot) -> None:
        """Stop counting a connection."""
        self._open -= 1
        self.idle.pop(slot, None)
        self._count_down(slot.address)
        if not self._open and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def close_idle(self) -> None:
        """Close the connections that wait for a request, since the process ends."""
        for connection in list(self.idle.values()):
            connection.close_idle()

    def close_served(self) -> None:
        """Close each connection after its next response; now, where it waits after one."""
        self.closing = True
        for connection in list(self.idle.values()):
            connection.close_served()

    async def stop(self, seconds: float) -> None:
        """Close idle connections, and wait until the others are lost.

        Args:
            seconds: the longest wait.
        """
        self.close_idle()
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
        if not self._abort_longest_idle(
            lambda slot: counted_as(slot.address) == counted_as(address)
        ):
            self._refused += 1
            raise OverLimit(
                f"{same} connections from {address}, limits.connections_per_address",
                public="Too many connections are open from your address. Try again in a moment.",
            )

    def _most_of_address(self) -> int:
        """Return the limit of one address: at most half of the process's file descriptors."""
        return min(self.limits.connections_per_address, max(1, self.descriptor_limit // 2))

    def _is_limited(self, address: str) -> bool:
        if address in (UNKNOWN, NOWHERE):
            return False
        found = ip_address(address)
        return not any(found in network for network in self.proxies)

    def _abort_longest_idle(self, matches: Callable[[Slot], bool]) -> bool:
        """Close the matching connection that has been idle longest; False where none is idle."""
        for slot, connection in self.idle.items():
            if matches(slot):
                slot.release()
                connection.abort_idle()
                return True
        return False

    def _count_down(self, address: str) -> None:
        key = counted_as(address)
        self._of_address[key] -= 1
        if not self._of_address[key]:
            del self._of_address[key]
