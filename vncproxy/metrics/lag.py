"""The lateness of the reactor: what all sessions of a process wait for."""

from __future__ import annotations

from prometheus_client import Histogram
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from .registry import Registry

INTERVAL = 0.5
"""Seconds between two measurements."""

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class ReactorLag:
    """Measures how late a timer of the reactor is."""

    def __init__(self, registry: Registry, clock: IReactorTime) -> None:
        self._clock = clock
        self._timer: IDelayedCall | None = None
        self._lag = Histogram(
            "vncproxy_reactor_lag_seconds",
            "How late a timer of the reactor was: what all sessions of a process wait for.",
            buckets=_BUCKETS,
            registry=registry,
        )

    def start(self) -> None:
        """Begin to measure."""
        due = self._clock.seconds() + INTERVAL
        self._timer = self._clock.callLater(INTERVAL, self._measure, due)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _measure(self, due: float) -> None:
        self._lag.observe(max(0.0, self._clock.seconds() - due))
        self.start()
