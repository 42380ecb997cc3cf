"""The metrics of one proxy, for Prometheus.

Every label has few values: error codes are those of `vncproxy.errors`, and backend names are
bounded.
"""

from __future__ import annotations

import collections
from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram
from zope.interface import implementer

from ..errors import AuditUnavailable, Busy, OverLimit, StoreUnavailable, VNCProxyError
from ..interfaces import ISessionObserver
from ..metrics import Registry
from ..metrics.labels import BackendLabels
from ..model import SessionInfo

_OF_THE_SERVICE = (AuditUnavailable, Busy, OverLimit, StoreUnavailable)
"""Refusals that are the fault of no user and no machine."""

_OPEN_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SESSION_BUCKETS = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0, 86400.0)


@implementer(ISessionObserver)
class Metrics:
    """The counters of one proxy.

    Args:
        registry: where the metrics are registered; a second ``Metrics`` needs another one.
        backend: names backends in labels.

    Attributes:
        refused_by_reason: how many sessions this process has refused, by the code of the reason.
    """

    def __init__(self, registry: Registry, backend: BackendLabels) -> None:
        self._backend_label = backend
        self._registry = registry
        self.refused_by_reason = collections.Counter[str]()
        self._bytes_down = self._bytes_up = 0
        self._moved: Callable[[], tuple[int, int]] = lambda: (0, 0)
        text = "Bytes of all sessions, as they flow: down to the user, up from the user."
        registry.counter("vncproxy_bytes_total", text, self._all_bytes, "direction")
        self._open = Gauge(
            "vncproxy_sessions_open",
            "Sessions open now.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._sessions = Counter(
            "vncproxy_sessions_total",
            "Sessions refused or closed, by the code of the reason.",
            ("backend", "type", "outcome"),
            registry=registry,
        )
        self._refusals = Counter(
            "vncproxy_refusals_total",
            "Sessions refused before a screen was shown, by the code of the reason.",
            ("backend", "reason"),
            registry=registry,
        )
        for error in _OF_THE_SERVICE:  # zero is shown, too: the rate of the first ones needs it
            self._refusals.labels("", error.code)
        self._over_limit = Counter(
            "vncproxy_over_limit_total",
            "Sessions refused because there were too many, by the limit that was reached.",
            ("limit",),
            registry=registry,
        )
        self._power = Counter(
            "vncproxy_power_total",
            "Requests to start, stop or reset a machine, by what became of them.",
            ("backend", "action", "outcome"),
            registry=registry,
        )
        self._open_seconds = Histogram(
            "vncproxy_open_seconds",
            "Seconds from a user's request to the relay.",
            buckets=_OPEN_BUCKETS,
            registry=registry,
        )
        self._session_seconds = Histogram(
            "vncproxy_session_seconds",
            "Seconds from a user's request to the end of an opened session.",
            buckets=_SESSION_BUCKETS,
            registry=registry,
        )

    def count_live(self, moved: Callable[[], tuple[int, int]]) -> None:
        """Count the bytes of open sessions, too.

        Args:
            moved: returns their bytes to and from users.
        """
        self._moved = moved

    def _all_bytes(self) -> dict[str, float]:
        down, up = self._moved()
        return {"down": self._bytes_down + down, "up": self._bytes_up + up}

    def count_connections(self, counts: Callable[[], tuple[int, int, int]]) -> None:
        """Show how many connections are open, and how many requests were refused without a session.

        Args:
            counts: returns open connections, connections beyond the limits, and requests for
                consoles beyond the limits of their rate.
        """

        def turned_away() -> dict[str, float]:
            _, no_room, too_often = counts()
            return {"no-room": no_room, "too-often": too_often}

        text = "Connections of users open now, those of sessions among them."
        self._registry.gauge("vncproxy_connections_open", text, lambda: counts()[0])
        text = "What was turned away without a session."
        self._registry.counter("vncproxy_turned_away_total", text, turned_away, "reason")

    def refusals(self, counts: Callable[[], tuple[int, int, int]]) -> Callable[[], dict[str, int]]:
        """Return what returns all that this process has refused, by the code of the reason.

        Args:
            counts: as `count_connections` has them.
        """

        def all_refusals() -> dict[str, int]:
            _, no_room, too_often = counts()
            early = {"no-room": no_room, "too-often": too_often}
            return {**self.refused_by_reason, **{code: n for code, n in early.items() if n}}

        return all_refusals

    def count_audit(self, lines: Callable[[], tuple[int, int, int]]) -> None:
        """Show how many audit lines wait for room, how many were lost, and failed attempts."""
        text = "Audit lines that wait for a disk that is full."
        self._registry.gauge("vncproxy_audit_lines_waiting", text, lambda: lines()[0])
        text = "Audit lines that were lost because too many waited."
        self._registry.counter("vncproxy_audit_lines_lost_total", text, lambda: lines()[1])
        text = "Attempts to write audit lines that failed."
        self._registry.counter("vncproxy_audit_write_failures_total", text, lambda: lines()[2])

    def count_power(self, backend: str, action: str, outcome: str) -> None:
        """Count a request to start, stop or reset a machine."""
        self._power.labels(self._backend_label(backend), action, outcome).inc()

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        """Count a session that was refused."""
        self._refusals.labels(self._backend(session), error.code).inc()
        self.refused_by_reason[error.code] += 1
        if isinstance(error, OverLimit) and error.option:
            self._over_limit.labels(error.option).inc()
        self._count(session, error)

    def opened(self, session: SessionInfo) -> None:
        """Count a session whose relay starts."""
        self._open.inc()
        self._open_seconds.observe(session.seconds)

    def changed(self, session: SessionInfo, by: str) -> None:
        """Do nothing."""

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """Count the end of a session that was ``opened``, and its bytes."""
        self._open.dec()
        self._session_seconds.observe(session.seconds)
        self._bytes_down += session.bytes_down
        self._bytes_up += session.bytes_up
        self._count(session, why)

    def _count(self, session: SessionInfo, why: VNCProxyError) -> None:
        self._sessions.labels(self._backend(session), session.kind, why.code).inc()

    def _backend(self, session: SessionInfo) -> str:
        """Return the label's value; empty when no token was redeemed."""
        return self._backend_label(session.vm.backend if session.vm else "")
