"""All metrics of one process, and where their figures are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReactorTime

from ..cluster.cluster import Cluster
from ..config.digest import configuration_digest
from ..downstream.accepting import Accepting
from ..metrics import Registry
from ..metrics.calls import CallMetrics
from ..metrics.labels import BackendLabels
from ..metrics.lag import ReactorLag
from ..metrics.process import count_process
from ..metrics.version import show_digest, show_version
from ..session.metrics import Metrics
from .reviews import Reviews
from .running import RunningProxy

if TYPE_CHECKING:
    from ..archive.pruning import Pruner
    from ..archive.uploader import Figures


class ProxyMetrics:
    """All metrics of one process.

    Attributes:
        sessions: an observer of sessions.
        calls: counts calls to Redis, to backends and of the API.
        lag: is started and stopped with the proxy.
    """

    def __init__(self, registry: Registry, clock: IReactorTime) -> None:
        self.registry = registry
        backend = BackendLabels()
        self.sessions = Metrics(registry, backend)
        self.calls = CallMetrics(registry, backend)
        self.lag = ReactorLag(registry, clock)
        count_process(registry)
        show_version(registry)

    def read_from(self, running: RunningProxy, accepting: Accepting) -> None:
        """Read figures where they are counted."""
        audit = running.audit
        self.sessions.count_live(running.sessions.bytes_moved)
        self.sessions.count_connections(running.sites.connections.counts)
        self.sessions.count_audit(lambda: (audit.waiting, audit.lost, audit.failures))
        show_digest(self.registry, lambda: configuration_digest(running.settings))
        self._count_accepts(accepting)
        self._show_load(running)
        text = "Links that stand with each zone of which one side dials."
        self.registry.gauge(
            "vncproxy_zone_links",
            text,
            lambda: {zone: link.count for zone, link in running.links.states().items()},
            "zone",
        )
        if running.cluster is not None:
            self._show_cluster(running.cluster)
        if running.reviews is not None:
            self._show_reviews(running.reviews)
        if running.archive is not None and running.archive.uploader is not None:
            self._show_uploads(running.archive.uploader.figures)
        if running.archive is not None and running.archive.pruning is not None:
            self._show_pruning(running.archive.pruning.pruner)

    def _show_pruning(self, pruner: Pruner) -> None:
        text = "Recordings that were deleted by the rules, by the reason."
        self.registry.counter(
            "vncproxy_recordings_pruned_total", text, lambda: pruner.pruned, "why"
        )
        text = "Recordings that were to be deleted by the rules, and could not be."
        self.registry.counter(
            "vncproxy_recordings_prune_failures_total", text, lambda: pruner.failures
        )

    def _show_cluster(self, cluster: Cluster) -> None:
        text = "Proxies that share the Redis of this one, itself included."
        self.registry.gauge("vncproxy_proxies", text, lambda: cluster.proxies, mode="livemax")
        text = "Orders of other processes that were carried out."
        self.registry.counter("vncproxy_orders_total", text, lambda: cluster.orders, "kind")
        text = "Processes that did not confirm an order within a second."
        self.registry.counter(
            "vncproxy_orders_unconfirmed_total", text, lambda: cluster.unconfirmed
        )
        text = "Times that orders may have been lost, so that revoked tokens were looked up."
        self.registry.counter("vncproxy_order_gaps_total", text, lambda: cluster.gaps)

    def _show_reviews(self, reviews: Reviews) -> None:
        text = "Reviewers that follow sessions now while these are recorded."
        self.registry.gauge("vncproxy_reviewers", text, lambda: reviews.counts()[0])
        text = "Visits of reviewers to recordings, of ended sessions or of live ones."
        self.registry.counter("vncproxy_reviews_total", text, lambda: reviews.counts()[1], "kind")

    def _show_uploads(self, figures: Figures) -> None:
        text = "Bytes of recordings that wait in the spool to be uploaded."
        self.registry.gauge("vncproxy_recordings_waiting_bytes", text, lambda: figures.waiting)
        text = "Seconds for which the oldest of the ended recordings has waited to be uploaded."
        self.registry.gauge(
            "vncproxy_recordings_waiting_seconds", text, lambda: figures.oldest, mode="livemax"
        )
        text = "Attempts to upload a recording that failed."
        self.registry.counter(
            "vncproxy_recordings_upload_failures_total", text, lambda: figures.failures
        )
        text = "Recordings that were uploaded as a whole, and confirmed by the storage."
        self.registry.counter("vncproxy_recordings_uploaded_total", text, lambda: figures.uploaded)
        text = "Bytes of recordings that were uploaded."
        self.registry.counter(
            "vncproxy_recordings_uploaded_bytes_total", text, lambda: figures.sent
        )

    def _count_accepts(self, accepting: Accepting) -> None:
        def dropped() -> dict[str, float]:
            return {"refused": accepting.refused_late, "aborted": accepting.aborted_late}

        text = "Connections that were accepted too late to be served, by what became of them."
        self.registry.counter("vncproxy_accepts_dropped_total", text, dropped, "outcome")

    def _show_load(self, running: RunningProxy) -> None:
        sessions = running.sessions
        text = "Users who wait for their turn to open a session."
        self.registry.gauge("vncproxy_sessions_waiting", text, lambda: sessions.admission.waiting)
        text = "Sessions that may be open, limits.sessions."
        self.registry.gauge(
            "vncproxy_sessions_limit", text, lambda: sessions.services.limits.sessions
        )
        text = "1 while no process of the proxy takes new sessions because all drain or stop."
        self.registry.gauge("vncproxy_draining", text, lambda: sessions.draining, mode="livemin")
