"""Who ends a session that went silent, idle or on for too long."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from .errors import ConnectionLost, IdleLimit, SessionEnded, TimeLimit
from .model import Policy, Timeouts
from .relay.leg import Leg

INTERVAL = 1.0
"""Seconds between two looks: how exact the limits are."""

LONGEST_INTERVAL = 60.0
"""Seconds between two looks where nothing is due."""


class Watchdog:
    """Watches one open session.

    Args:
        seconds_left: until the longest duration is over; None for no limit.
        bark: called once, with why the session has to end.
    """

    __slots__ = (
        "_active",
        "_bark",
        "_clock",
        "_deadline",
        "_downstream",
        "_idle_timeout",
        "_look",
        "_pinged",
        "_received",
        "_timeouts",
        "_unanswered",
        "_upstream",
    )

    def __init__(
        self,
        downstream: Leg,
        upstream: Leg,
        policy: Policy,
        timeouts: Timeouts,
        seconds_left: float | None,
        bark: Callable[[SessionEnded], None],
        clock: IReactorTime,
    ) -> None:
        self._downstream = downstream
        self._upstream = upstream
        self._idle_timeout = policy.idle_timeout
        self._timeouts = timeouts
        self._deadline = None if seconds_left is None else clock.seconds() + seconds_left
        self._bark = bark
        self._clock = clock
        self._received = downstream.received + upstream.received
        self._active = clock.seconds()
        self._pinged = clock.seconds()
        self._unanswered: float | None = None
        self._look: IDelayedCall | None = None

    def start(self) -> None:
        """Begin to watch."""
        now = self._clock.seconds()
        self._look = self._clock.callLater(self._next_look(now) - now, self._check)

    def stop(self) -> None:
        """Stop watching; may be called at any time."""
        if self._look is not None and self._look.active():
            self._look.cancel()

    def _check(self) -> None:
        why = self._overdue(self._clock.seconds())
        if why:
            self._bark(why)
        else:
            self.start()

    def _next_look(self, now: float) -> float:
        """Return when something can be overdue next; thousands of idle sessions cost nothing."""
        if self._idle_timeout is not None:
            return now + INTERVAL
        due = [now + LONGEST_INTERVAL]
        if self._deadline is not None:
            due.append(self._deadline)
        if self._unanswered is not None:
            due.append(self._unanswered + self._timeouts.ping_timeout)
        if self._timeouts.ping_interval:
            due.append(self._pinged + self._timeouts.ping_interval)
        return max(min(due), now + INTERVAL)

    def _overdue(self, now: float) -> SessionEnded | None:
        if self._deadline is not None and now >= self._deadline:
            return TimeLimit()
        idle = self._idle(now)
        if self._idle_timeout is not None and idle >= self._idle_timeout:
            return IdleLimit(f"no byte for {idle:.0f} s")
        return self._ping(now)

    def _idle(self, now: float) -> float:
        """Return the seconds since payload came from either side; answers to pings are none."""
        received = self._downstream.received + self._upstream.received
        if received != self._received:
            self._received, self._active = received, now
        return now - self._active

    def _ping(self, now: float) -> SessionEnded | None:
        """Ask for a sign of life; none counts while the downstream leg is not read."""
        if self._unanswered is not None:
            if self._downstream.heard >= self._unanswered or self._downstream.paused:
                self._unanswered = None
            elif now - self._unanswered >= self._timeouts.ping_timeout:
                return ConnectionLost(f"no answer to a ping for {now - self._unanswered:.0f} s")
        interval = self._timeouts.ping_interval
        if interval and now - self._pinged >= interval:
            self._pinged = now
            # what stands between proxy and hypervisor forgets silent connections, too
            self._upstream.ping()
            if self._downstream.ping() and self._unanswered is None:
                self._unanswered = now
        return None
