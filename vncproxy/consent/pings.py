"""Pings the browser of a session that waits, so that one which is gone is noticed."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall

from ..errors import ConnectionLost
from ..model import Timeouts
from ..relay.leg import Leg


class Pings:
    """Pings a leg until `stop`; one without pings is left to the kernel's keep-alive.

    Args:
        on_lost: called once when a ping is not answered in time.
    """

    def __init__(
        self, leg: Leg, timeouts: Timeouts, on_lost: Callable[[ConnectionLost], object]
    ) -> None:
        self._leg = leg
        self._timeouts = timeouts
        self._on_lost = on_lost
        self._timer: IDelayedCall | None = None
        self._unanswered_since: float | None = None
        self._schedule()

    def stop(self) -> None:
        """Ping no more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _schedule(self) -> None:
        if self._timeouts.ping_interval:
            self._timer = self._leg.clock.callLater(self._timeouts.ping_interval, self._ping)

    def _ping(self) -> None:
        leg, now, since = self._leg, self._leg.clock.seconds(), self._unanswered_since
        if since is not None and leg.last_received_at >= since:
            self._unanswered_since = since = None
        if since is not None and now - since >= self._timeouts.ping_timeout:
            self._on_lost(ConnectionLost(f"no answer to a ping for {now - since:.0f} s"))
            return
        if leg.ping() and since is None:
            self._unanswered_since = now
        self._schedule()
