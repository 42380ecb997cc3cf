"""The metrics as a caller may see them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

from .caller import Caller

LABEL = "backend"


class VisibleMetrics:
    """The metrics of a registry without the samples of backends that a caller may not touch.

    What belongs to no backend stays: totals, and refusals before a token was known.
    """

    def __init__(self, registry: CollectorRegistry, caller: Caller) -> None:
        self._registry = registry
        self._caller = caller

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; called by Prometheus' library."""
        for metric in self._registry.collect():
            seen = Metric(metric.name, metric.documentation, metric.type, metric.unit)
            seen.samples = [sample for sample in metric.samples if self._shows(sample.labels)]
            yield seen

    def _shows(self, labels: dict[str, str]) -> bool:
        backend = labels.get(LABEL, "")
        return not backend or self._caller.may_touch(backend)


def metrics_text(registry: CollectorRegistry, caller: Caller) -> bytes:
    """Return the metrics in Prometheus' text format."""
    if caller.unrestricted:
        return generate_latest(registry)
    return generate_latest(VisibleMetrics(registry, caller))
