"""Ends a session that is idle, unresponsive or past its maximum duration."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ConnectionLost, IdleLimit, SessionEnded, TimeLimit
from ..model import Policy, Timeouts
from ..relay.leg import Leg
from .timer import SharedTimer

INTERVAL = 1.0
"""Seconds between two checks: how exact the limits are."""

LONGEST_INTERVAL = 60.0
"""Seconds between two checks where nothing is due."""


class Watchdog:
    """Checks one open session.

    Args:
        seconds_left: until the maximum duration is over; None for no limit.
        on_expired: called once, with why the session has to end.
    """

    __slots__ = (
        "_deadline",
        "_downstream",
        "_idle_timeout",
        "_last_active_at",
        "_last_pinged_at",
        "_on_expired",
        "_received",
        "_scheduled",
        "_timeouts",
        "_timer",
        "_unanswered_since",
        "_upstream",
    )

    def __init__(
        self,
        downstream: Leg,
        upstream: Leg,
        policy: Policy,
        timeouts: Timeouts,
        seconds_left: float | None,
        on_expired: Callable[[SessionEnded], None],
        timer: SharedTimer,
    ) -> None:
        now = timer.seconds()
        self._downstream = downstream
        self._upstream = upstream
        self._idle_timeout = policy.idle_timeout
        self._timeouts = timeouts
        self._deadline = None if seconds_left is None else now + seconds_left
        self._on_expired = on_expired
        self._timer = timer
        self._received = self._bytes_received()
        self._last_active_at = self._last_pinged_at = now
        self._unanswered_since: float | None = None
        self._scheduled: int | None = None

    def start(self) -> None:
        """Begin to check."""
        when = self._next_check(self._timer.seconds())
        self._scheduled = self._timer.call_at(when, self)

    def stop(self) -> None:
        """Stop checking; may be called at any time."""
        scheduled, self._scheduled = self._scheduled, None
        if scheduled is not None:
            self._timer.cancel(scheduled, self)

    def on_timer(self) -> None:
        """Check whether a limit is reached, and send pings that are due."""
        if self._scheduled is None:
            return
        why = self._check(self._timer.seconds())
        if why:
            self._scheduled = None
            self._on_expired(why)
        elif self._scheduled is not None:  # a ping that cannot be sent ends the session at once
            self.start()

    def _next_check(self, now: float) -> float:
        """Return when a limit can be reached next, so that idle sessions are seldom checked."""
        if self._idle_timeout is not None:
            return now + INTERVAL
        due = [now + LONGEST_INTERVAL]
        if self._deadline is not None:
            due.append(self._deadline)
        if self._unanswered_since is not None:
            due.append(self._unanswered_since + self._timeouts.ping_timeout)
        if self._timeouts.ping_interval:
            due.append(self._last_pinged_at + self._timeouts.ping_interval)
        return max(min(due), now + INTERVAL)

    def _check(self, now: float) -> SessionEnded | None:
        if self._deadline is not None and now >= self._deadline:
            return TimeLimit()
        idle = self._idle_seconds(now)
        if self._idle_timeout is not None and idle >= self._idle_timeout:
            return IdleLimit(f"no byte for {idle:.0f} s")
        if why := self._check_answer(now):
            return why
        self._ping_when_due(now)
        return None

    def _bytes_received(self) -> int:
        return self._downstream.bytes_received + self._upstream.bytes_received

    def _idle_seconds(self, now: float) -> float:
        """Return the seconds since payload came from either side; answers to pings are none."""
        received = self._bytes_received()
        if received != self._received:
            self._received, self._last_active_at = received, now
        return now - self._last_active_at

    def _check_answer(self, now: float) -> SessionEnded | None:
        """Return why a ping without an answer ends the session.

        An answer cannot be expected while the downstream leg is not read.
        """
        since = self._unanswered_since
        if since is None:
            return None
        if has_answered(self._downstream, since):
            self._unanswered_since = None
        elif now - since >= self._timeouts.ping_timeout:
            return ConnectionLost(f"no answer to a ping for {now - since:.0f} s")
        return None

    def _ping_when_due(self, now: float) -> None:
        interval = self._timeouts.ping_interval
        if interval and now - self._last_pinged_at >= interval:
            self._last_pinged_at = now
            self._ping_upstream(now)
            if self._downstream.ping() and self._unanswered_since is None:
                self._unanswered_since = now

    def _ping_upstream(self, now: float) -> None:
        """Ping the console, for the sake of firewalls; a hypervisor need not answer."""
        self._upstream.ping()


class ZoneWatchdog(Watchdog):
    """The same where the console is another zone's proxy, which answers pings."""

    __slots__ = ("_zone_unanswered_since",)

    def __init__(
        self,
        downstream: Leg,
        upstream: Leg,
        policy: Policy,
        timeouts: Timeouts,
        seconds_left: float | None,
        on_expired: Callable[[SessionEnded], None],
        timer: SharedTimer,
    ) -> None:
        super().__init__(downstream, upstream, policy, timeouts, seconds_left, on_expired, timer)
        self._zone_unanswered_since: float | None = None

    def _ping_upstream(self, now: float) -> None:
        if self._upstream.ping() and self._zone_unanswered_since is None:
            self._zone_unanswered_since = now

    def _check_answer(self, now: float) -> SessionEnded | None:
        since = self._zone_unanswered_since
        if since is not None and has_answered(self._upstream, since):
            self._zone_unanswered_since = None
        elif since is not None and now - since >= self._timeouts.ping_timeout:
            return ConnectionLost(f"no answer of the zone to a ping for {now - since:.0f} s")
        return super()._check_answer(now)

    def _next_check(self, now: float) -> float:
        next_check = super()._next_check(now)
        if self._zone_unanswered_since is None:
            return next_check
        due = self._zone_unanswered_since + self._timeouts.ping_timeout
        return max(min(next_check, due), now + INTERVAL)


def has_answered(leg: Leg, since: float) -> bool:
    """Return whether a leg has received a byte since then, or cannot, as it is not read."""
    return leg.last_received_at >= since or leg.paused
