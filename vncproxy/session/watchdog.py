"""Who ends a session that went silent, idle or on for too long."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ConnectionLost, IdleLimit, SessionEnded, TimeLimit
from ..model import Policy, Timeouts
from ..relay.leg import Leg
from .timer import Rounds

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
        "_booked",
        "_deadline",
        "_downstream",
        "_idle_timeout",
        "_pinged",
        "_received",
        "_rounds",
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
        rounds: Rounds,
    ) -> None:
        now = rounds.seconds()
        self._downstream = downstream
        self._upstream = upstream
        self._idle_timeout = policy.idle_timeout
        self._timeouts = timeouts
        self._deadline = None if seconds_left is None else now + seconds_left
        self._bark = bark
        self._rounds = rounds
        self._received = downstream.bytes_received + upstream.bytes_received
        self._active = self._pinged = now
        self._unanswered: float | None = None
        self._booked: int | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._booked = self._rounds.book(self, self._next_look(self._rounds.seconds()))

    def stop(self) -> None:
        """Stop watching; may be called at any time."""
        booked, self._booked = self._booked, None
        if booked is not None:
            self._rounds.cancel(self, booked)

    def look(self) -> None:
        """See whether anything is due; called by the rounds."""
        if self._booked is None:
            return
        why = self._overdue(self._rounds.seconds())
        if why:
            self._booked = None
            self._bark(why)
        elif self._booked is not None:  # a ping that cannot be sent ends the session at once
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
        received = self._downstream.bytes_received + self._upstream.bytes_received
        if received != self._received:
            self._received, self._active = received, now
        return now - self._active

    def _ping(self, now: float) -> SessionEnded | None:
        """Ask for a sign of life; none counts while the downstream leg is not read."""
        if self._unanswered is not None:
            if self._downstream.last_received_at >= self._unanswered or self._downstream.paused:
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
