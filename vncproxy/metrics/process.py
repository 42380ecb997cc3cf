"""Processor time, memory and descriptors of the processes of a proxy, named as Prometheus does.

Processor time and memory are those of all workers together; of descriptors, the figures of the
worker that has most open, and the lowest limit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from prometheus_client import ProcessCollector

from .registry import Mode, Registry

_GAUGES: dict[str, tuple[str, Mode]] = {
    "process_virtual_memory_bytes": ("Virtual memory size in bytes.", "livesum"),
    "process_resident_memory_bytes": ("Resident memory size in bytes.", "livesum"),
    "process_start_time_seconds": (
        "Start time of the process since unix epoch in seconds.",
        "livemin",
    ),
    "process_open_fds": ("Number of open file descriptors.", "livemax"),
    "process_max_fds": ("Maximum number of open file descriptors.", "livemin"),
}
_CPU = "process_cpu_seconds_total"


def count_process(
    registry: Registry, figures: Callable[[], dict[str, float]] | None = None
) -> None:
    """Add the figures of this process, as far as the system shows them.

    Args:
        figures: returns them by the name of the metric, instead of those of the system.
    """
    figures = figures or partial(_figures, ProcessCollector(registry=None))
    latest = figures()
    registry.before_reading(lambda: latest.update(figures()))
    if _CPU in latest:
        text = "Total user and system CPU time spent in seconds."
        registry.counter(_CPU, text, lambda: latest[_CPU])
    for name, (text, mode) in _GAUGES.items():
        if name in latest:
            registry.gauge(name, text, partial(latest.__getitem__, name), mode=mode)


def _figures(collector: Any) -> dict[str, float]:
    return {sample.name: sample.value for each in collector.collect() for sample in each.samples}
