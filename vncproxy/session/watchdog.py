"""Ends a session that is idle, unresponsive or past its time, and warns its page before."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ConnectionLost, IdleLimit, SessionEnded
from ..model import Timeouts
from ..relay.leg import Leg
from .ends import Ends, Tell, Warnings, warned_idle
from .timer import SharedTimer

INTERVAL = 1.0
"""Seconds between two checks: how exact the limits are."""

LONGEST_INTERVAL = 60.0
"""Seconds between two checks where nothing is due."""


class Watchdog:
    """Checks one open session.

    Args:
        idle_timeout: seconds without a byte after which the session ends; None for no limit.
        ends: when it ends whatever happens; None where that is open.
        on_expired: called once, with why the session has to end.
        tell: tells its page how long it may still stay open; None where it has none.
    """

    __slots__ = (
        "_downstream",
        "_ends",
        "_ends_warnings",
        "_idle_timeout",
        "_idle_warnings",
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
        idle_timeout: float | None,
        timeouts: Timeouts,
        ends: Ends | None,
        on_expired: Callable[[SessionEnded], None],
        timer: SharedTimer,
        tell: Tell | None = None,
    ) -> None:
        now = timer.seconds()
        self._downstream = downstream
        self._upstream = upstream
        self._idle_timeout = idle_timeout
        self._timeouts = timeouts
        self._ends = ends
        self._ends_warnings = Warnings(tell) if ends and tell else None
        self._idle_warnings = Warnings(tell) if idle_timeout and tell else None
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
        if self._ends is not None:
            due.append(now + self._seconds_until_end_or_news(self._ends, now))
        if self._unanswered_since is not None:
            due.append(self._unanswered_since + self._timeouts.ping_timeout)
        if self._timeouts.ping_interval:
            due.append(self._last_pinged_at + self._timeouts.ping_interval)
        return max(min(due), now + INTERVAL)

    def _seconds_until_end_or_news(self, ends: Ends, now: float) -> float:
        left, why = ends.nearest(now)
        if self._ends_warnings is None:
            return left
        return min(left, self._ends_warnings.seconds_until_news(left, ends.ahead(why)))

    def _check(self, now: float) -> SessionEnded | None:
        why = self._check_ends(now) or self._check_idle(now) or self._check_answer(now)
        if why is None:
            self._ping_when_due(now)
        return why

    def _check_ends(self, now: float) -> SessionEnded | None:
        if self._ends is None:
            return None
        left, why = self._ends.nearest(now)
        if left <= 0:
            return self._ends.reached(why)
        if self._ends_warnings is not None:
            self._ends_warnings.note(now, left, why, self._ends.ahead(why))
        return None

    def _check_idle(self, now: float) -> SessionEnded | None:
        idle, most = self._idle_seconds(now), self._idle_timeout
        if most is None:
            return None
        if idle >= most:
            return IdleLimit(f"no byte for {idle:.0f} s")
        if self._idle_warnings is not None:
            self._idle_warnings.note(now, most - idle, "idle_timeout", warned_idle(most))
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
        idle_timeout: float | None,
        timeouts: Timeouts,
        ends: Ends | None,
        on_expired: Callable[[SessionEnded], None],
        timer: SharedTimer,
        tell: Tell | None = None,
    ) -> None:
        super().__init__(
            downstream, upstream, idle_timeout, timeouts, ends, on_expired, timer, tell
        )
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
