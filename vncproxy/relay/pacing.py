"""Keeps the bytes to a viewer below a rate, with bounded memory.

A session that exceeds its rate stops reading its console for a moment, as it does for a viewer that
reads slowly; what was read already is passed on piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from ..interfaces import IStage
from ..model import Direction
from .leg import Leg

TICK: Final = 1 / 8
"""Seconds between two pieces of what has to wait."""

BURST: Final = 1 / 4
"""Seconds of the rate that may pass at once, so that the echo of a key waits for nothing."""


class Allowance:
    """The bytes that may pass now, of one session or of several that share a rate.

    Args:
        rate: bytes in a second.
        seconds: a monotonic clock.

    Attributes:
        rate: the same; it may be changed.
        busy: how many sessions need all that they may have; each gets an equal part.
    """

    __slots__ = ("__weakref__", "_bytes", "_seconds", "_since", "busy", "rate")

    def __init__(self, rate: int, seconds: Callable[[], float]) -> None:
        self.rate = rate
        self.busy = 0
        self._seconds = seconds
        self._since = seconds()
        self._bytes = rate * BURST

    def available(self) -> float:
        """Return the bytes that may pass now."""
        now = self._seconds()
        self._bytes = min(self.rate * BURST, self._bytes + (now - self._since) * self.rate)
        self._since = now
        return self._bytes

    def part(self, elapsed: float) -> int:
        """Return the bytes that a busy session may pass on now.

        Args:
            elapsed: seconds since it had its last part.
        """
        available = self.available()
        return max(0, int(min(available, max(self.rate * elapsed, available) / self.busy)))

    def take(self, size: int) -> None:
        """Count bytes that are passed on."""
        self._bytes -= size


@implementer(IStage)
class Pace:
    """The last stage to a viewer: passes bytes on as fast as its allowances permit.

    A session is busy from when it exceeds its rate until it has not done so for a `TICK`. While it
    is, it gets its part of the allowances with each tick.

    Args:
        allowances: of the session, and of its user.
    """

    __slots__ = (
        "_allowances",
        "_downstream",
        "_kept",
        "_part",
        "_since",
        "_timer",
        "_upstream",
        "direction",
    )

    def __init__(self, downstream: Leg, upstream: Leg, allowances: Sequence[Allowance]) -> None:
        self.direction = Direction.TO_CLIENT
        self._downstream = downstream
        self._upstream = upstream
        self._allowances = tuple(allowances)
        self._kept = bytearray()
        self._part = 0
        self._since = 0.0
        self._timer: IDelayedCall | None = None
        upstream.close_reason.addCallback(self._end)

    def process(self, data: bytes) -> bytes:
        """Return what may pass now; the rest follows, and the console is not read until then."""
        if self._timer is None:
            room = min(each.available() / (each.busy + 1) for each in self._allowances)
            if len(data) <= room:
                self._take(len(data))
                return data
            self._begin_ticks(int(room))
        self._kept += data
        passed = self._take_kept()
        if self._kept:
            self._upstream.hold()
        return passed

    def _begin_ticks(self, room: int) -> None:
        for each in self._allowances:
            each.busy += 1
        self._part, self._since = max(0, room), self._upstream.clock.seconds()
        self._timer = self._upstream.clock.callLater(TICK, self._tick)

    def _tick(self) -> None:
        """Pass on what may pass now; read the console again when nothing is left."""
        clock = self._upstream.clock
        if not self._upstream.held:
            self._end_ticks()
            return
        if not self._downstream.full:
            now = clock.seconds()
            self._part = min(each.part(now - self._since) for each in self._allowances)
            self._since = now
            self._downstream.send(self._take_kept())
        self._timer = clock.callLater(TICK, self._tick)
        if not self._kept:
            self._upstream.let_go(self._downstream.full)

    def _take_kept(self) -> bytes:
        """Return of what is kept as much as the part has room for.

        Other sessions may have taken the shared bytes since the part was given.
        """
        room = min(self._part, *(int(each.available()) for each in self._allowances))
        data = bytes(self._kept[: max(0, room)])
        del self._kept[: len(data)]
        self._part -= len(data)
        self._take(len(data))
        return data

    def _take(self, size: int) -> None:
        for each in self._allowances:
            each.take(size)

    def _end_ticks(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            for each in self._allowances:
                each.busy -= 1
            if timer.active():
                timer.cancel()

    def _end(self, why: object) -> object:
        """Pass on all that is left of a console that closes."""
        self._end_ticks()
        self._downstream.send(bytes(self._kept))
        self._kept.clear()
        return why
