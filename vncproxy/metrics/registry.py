"""The registry of one process, which shows the figures of all processes of its proxy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.metrics_core import Metric

from .files import read_figures
from .own_files import OwnFiles

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that Prometheus' library reads on import: where workers write their figures."""

Mode = Literal["livesum", "livemax", "livemin", "max", "min", "sum"]

Read = Callable[[], float] | Callable[[], Mapping[str, float]]
"""Returns the figure as it is now, or the figures by the value of their label."""


class Registry(CollectorRegistry):
    """The metrics of this process; a worker's are shown together with those of its siblings.

    A worker's siblings see the figures that `refresh` copied last.
    """

    def __init__(self) -> None:
        super().__init__()
        self._copies: list[Callable[[], None]] = []
        folder = os.environ.get(DIRECTORY)
        self._folder = Path(folder) if folder else None
        self._own = OwnFiles(self._folder) if self._folder else None

    def counter(self, name: str, text: str, read: Read, label: str = "") -> None:
        """Add a counter that is counted elsewhere.

        Args:
            name: ends in ``_total``.
            read: returns what has been counted since the process started.
            label: the name of the only label, if there is one.
        """
        counter = Counter(name, text, (label,) if label else (), registry=self)
        before: dict[str, float] = {}

        def copy() -> None:
            for value, figure in _by_label(read()).items():
                child = counter.labels(value) if label else counter
                grown = figure - before.get(value, 0.0)
                child.inc(max(grown, 0.0))
                before[value] = figure if grown > 0 else before.get(value, 0.0)

        self._copies.append(copy)

    def gauge(
        self, name: str, text: str, read: Read, label: str = "", mode: Mode = "livesum"
    ) -> None:
        """Add a gauge whose figure is kept elsewhere.

        Args:
            read: returns the figure as it is now.
            label: the name of the only label, if there is one.
            mode: how the figures of several workers become one.
        """
        gauge = Gauge(name, text, (label,) if label else (), registry=self, multiprocess_mode=mode)

        def copy() -> None:
            for value, figure in _by_label(read()).items():
                (gauge.labels(value) if label else gauge).set(figure)

        self._copies.append(copy)

    def before_reading(self, call: Callable[[], None]) -> None:
        """Call a function before the figures that are added after it are read."""
        self._copies.append(call)

    def refresh(self) -> None:
        """Copy the figures that are counted elsewhere; a worker does so once a second."""
        if self._own is not None:
            self._own.renew()
        for copy in self._copies:
            copy()

    def collect(self) -> Iterable[Metric]:
        """Return all metrics; called by Prometheus' library."""
        self.refresh()
        return super().collect() if self._folder is None else read_figures(self._folder)


def _by_label(figures: float | Mapping[str, float]) -> Mapping[str, float]:
    return figures if isinstance(figures, Mapping) else {"": figures}
