"""Tunnels that this process has asked for, until they arrive."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IReactorTime

from ..model import new_secret

_WORKER = 16
"""Characters of a worker's id, with which the name of a tunnel begins."""


class Tunnel(Protocol):
    """A connection that another zone has made, and over which it serves HTTP."""

    def hand_over(self, successor: IProtocol) -> None:
        """Give it to a protocol for good."""

    def abort(self) -> None:
        """Close it."""


class Expected:
    """A tunnel that is expected.

    Attributes:
        name: its secret name.
        zone: the zone that is to make it.
        asked: the links that it was asked for over.
        why: what kept it from being made, as far as it is known.
        lost: whether a link was lost that it was asked for over.
    """

    def __init__(self, name: str, zone: str) -> None:
        self.name, self.zone = name, zone
        self.asked = 0
        self.why = ""
        self.lost = False
        self._failures = 0
        self._given_up = False
        self._tunnel: Tunnel | None = None
        self._woken: Deferred[None] | None = None

    @property
    def has_arrived(self) -> bool:
        """Whether it is here, to be taken."""
        return self._tunnel is not None

    async def wait(self, seconds: float, clock: IReactorTime) -> None:
        """Wait until it has arrived, or is known to have failed over all links that were asked."""
        if self._tunnel is None and self._failures < self.asked:
            self._woken = Deferred()
            await self._woken.addTimeout(seconds, clock, lambda *_: None)

    def take(self) -> Tunnel | None:
        """Return it, for good; None where it has not arrived."""
        tunnel, self._tunnel = self._tunnel, None
        return tunnel

    def give_up(self) -> None:
        """Close it, now or when it arrives, unless it was taken."""
        self._given_up = True
        if tunnel := self.take():
            tunnel.abort()

    def arrive(self, tunnel: Tunnel) -> None:
        """Deliver it."""
        if self._given_up:
            tunnel.abort()
            return
        self._tunnel = tunnel
        self._wake()

    def fail(self, why: str, lost: bool) -> None:
        """Say why it will not arrive by one of the links that it was asked for over."""
        self.why, self.lost = why, lost
        self._failures += 1
        if self._failures >= self.asked:
            self._wake()

    def _wake(self) -> None:
        woken, self._woken = self._woken, None
        if woken is not None and not woken.called:
            woken.callback(None)


class Rendezvous:
    """The tunnels that are expected.

    Args:
        worker_id: of this process.

    Attributes:
        worker_id: the same.
    """

    def __init__(self, worker_id: str) -> None:
        self.worker_id = worker_id
        self._expected: dict[str, Expected] = {}

    def expect(self, zone: str) -> Expected:
        """Expect a tunnel from a zone, until it is taken or forgotten."""
        name = f"{self.worker_id}-{new_secret()}"
        expected = self._expected[name] = Expected(name, zone)
        return expected

    def forget(self, expected: Expected) -> None:
        """Expect it no more."""
        self._expected.pop(expected.name, None)

    def take(self, name: str, zone: str) -> Expected | None:
        """Return what a tunnel of a zone is expected for, once; None where it is not."""
        expected = self._expected.get(name)
        if expected is None or expected.zone != zone:
            return None
        del self._expected[name]
        return expected

    def fail(self, name: str, why: str, lost: bool = False) -> None:
        """Say why a tunnel will not arrive; nothing where it is not expected."""
        if expected := self._expected.get(name):
            expected.fail(why, lost)


def worker_of(name: str) -> str:
    """Return the id of the process that expects a tunnel."""
    return name[:_WORKER]
