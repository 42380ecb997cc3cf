"""The metrics of one proxy, for Prometheus.

Every label has few values: error codes are those of `vncproxy.errors`, and backend names beyond
the first ``MAX_BACKENDS`` are counted together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from zope.interface import implementer

from ..errors import VNCProxyError
from ..interfaces import ISessionObserver
from ..model import SessionInfo

MAX_BACKENDS = 100
"""Backends with a label of their own; tokens of other issuers may name any."""

OTHER = "other"

_OPEN_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SESSION_BUCKETS = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0, 86400.0)


@implementer(ISessionObserver)
class Metrics:
    """The counters of one proxy.

    Args:
        registry: where the metrics are registered; a second ``Metrics`` needs another one.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._backends: set[str] = set()
        self._open = Gauge("vncproxy_sessions_open", "Sessions open now.", registry=registry)
        self._sessions = Counter(
            "vncproxy_sessions_total",
            "Sessions refused or closed, by the code of the reason.",
            ("backend", "type", "outcome"),
            registry=registry,
        )
        self._bytes = _Bytes()
        registry.register(self._bytes)
        self._connections = _Connections()
        registry.register(self._connections)
        self._audit = _AuditLines()
        registry.register(self._audit)
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
        self._bytes.moved = moved

    def count_connections(self, counts: Callable[[], tuple[int, int, int]]) -> None:
        """Show how many connections are open, and how many requests were refused without a session.

        Args:
            counts: returns open connections, connections beyond the limits, and requests for
                consoles beyond the limits of their rate.
        """
        self._connections.counts = counts

    def count_audit(self, lines: Callable[[], tuple[int, int]]) -> None:
        """Show how many audit lines wait for room, and how many were lost."""
        self._audit.lines = lines

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        """Count a session that was refused."""
        self._count(session, error)

    def opened(self, session: SessionInfo) -> None:
        """Count a session whose relay starts."""
        self._open.inc()
        self._open_seconds.observe(session.seconds)

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """Count the end of a session that was ``opened``, and its bytes."""
        self._open.dec()
        self._session_seconds.observe(session.seconds)
        self._bytes.down += session.bytes_down
        self._bytes.up += session.bytes_up
        self._count(session, why)

    def _count(self, session: SessionInfo, why: VNCProxyError) -> None:
        self._sessions.labels(self._backend(session), session.type.value, why.code).inc()

    def _backend(self, session: SessionInfo) -> str:
        """Return the label's value; empty when no token was redeemed."""
        name = session.vm.backend if session.vm else ""
        if name and name not in self._backends:
            if len(self._backends) >= MAX_BACKENDS:
                return OTHER
            self._backends.add(name)
        return name


class _Bytes(Collector):
    """The bytes of closed sessions, and those of live ones as they flow.

    Attributes:
        down: bytes to users, of closed sessions.
        up: bytes from users, of closed sessions.
        moved: returns both of the live ones, which are not `closed` yet.
    """

    def __init__(self) -> None:
        self.down = self.up = 0
        self.moved: Callable[[], tuple[int, int]] = lambda: (0, 0)

    def collect(self) -> Iterable[Metric]:
        down, up = self.moved()
        counter = CounterMetricFamily(
            "vncproxy_bytes_total",
            "Bytes of all sessions, as they flow: down to the user, up from the user.",
            labels=["direction"],
        )
        counter.add_metric(["down"], self.down + down)
        counter.add_metric(["up"], self.up + up)
        return [counter]


class _Connections(Collector):
    """The connections of users, and requests that were refused without a session.

    Attributes:
        counts: as `Metrics.count_connections` has it.
    """

    def __init__(self) -> None:
        self.counts: Callable[[], tuple[int, int, int]] = lambda: (0, 0, 0)

    def collect(self) -> Iterable[Metric]:
        now, no_room, too_often = self.counts()
        text = "Connections of users open now, those of sessions among them."
        yield GaugeMetricFamily("vncproxy_connections_open", text, now)
        text = "What was turned away without a session."
        counter = CounterMetricFamily("vncproxy_turned_away_total", text, labels=["reason"])
        counter.add_metric(["no-room"], no_room)
        counter.add_metric(["too-often"], too_often)
        yield counter


class _AuditLines(Collector):
    """The audit lines that are not in their file.

    Attributes:
        lines: returns how many wait, and how many were lost.
    """

    def __init__(self) -> None:
        self.lines: Callable[[], tuple[int, int]] = lambda: (0, 0)

    def collect(self) -> Iterable[Metric]:
        waiting, lost = self.lines()
        text = "Audit lines that wait for a disk that is full."
        yield GaugeMetricFamily("vncproxy_audit_lines_waiting", text, waiting)
        text = "Audit lines that were lost because too many waited."
        yield CounterMetricFamily("vncproxy_audit_lines_lost_total", text, lost)
