"""The folder through which the processes of a proxy share their figures.

Prometheus' library writes files there that all processes map into memory; their names end in the
number of the process, and of their renewal where they had to be made again. What ended processes
have counted is added up in one file for each kind of metric, so that the folder does not grow with
each worker that ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

LOCK = "lock"
ENDED = "ended"
"""In the place of a process's number: the sums of those that have ended."""

_SUMS = ("counter", "histogram", "summary")


def read_figures(folder: Path) -> Iterable[Metric]:
    """Return the metrics of all processes, each of its samples added up or the worst one."""
    with _locked(folder, fcntl.LOCK_SH):
        merged: Iterable[Metric] = MultiProcessCollector.merge(_files(folder), accumulate=True)
        return merged


def add_up_ended(folder: Path, process: int) -> None:
    """Add what an ended process has counted to the sums, and forget its gauges."""
    with _locked(folder, fcntl.LOCK_EX):
        for kind in _SUMS:
            for ended in _files_of(folder, kind, process):
                _add(ended, folder / f"{kind}_{ENDED}.db")
                ended.unlink()
        for path in _files_of(folder, "gauge_*", process):
            path.unlink()


def write_figure(
    folder: Path, kind: str, name: str, text: str, value: float, mode: str = ""
) -> None:
    """Write a figure of a process that has no registry, such as the supervisor.

    Args:
        kind: ``counter`` or ``gauge``.
        name: of the sample: ends in ``_total`` for a counter.
        mode: of a gauge: ``livesum`` and the like.
    """
    place = f"{kind}_{mode}" if mode else kind
    file = MmapedDict(str(folder / f"{place}_{os.getpid()}.db"))
    try:
        file.write_value(mmap_key(name.removesuffix("_total"), name, [], [], text), value, 0.0)
    finally:
        file.close()


def _add(ended: Path, sums: Path) -> None:
    """Replace the file of sums by one with the figures of an ended process added."""
    files = [str(path) for path in (sums, ended) if path.exists()]
    new = sums.with_suffix(".new")
    new.unlink(missing_ok=True)
    file = MmapedDict(str(new))
    for metric in MultiProcessCollector.merge(files, accumulate=False):
        for sample in metric.samples:
            names, values = list(sample.labels), list(sample.labels.values())
            key = mmap_key(metric.name, sample.name, names, values, metric.documentation)
            file.write_value(key, sample.value, 0.0)
    file.close()
    new.replace(sums)


def _files_of(folder: Path, kind: str, process: int) -> list[Path]:
    return [*folder.glob(f"{kind}_{process}.db"), *folder.glob(f"{kind}_{process}-*.db")]


def _files(folder: Path) -> list[str]:
    return [str(path) for path in folder.glob("*.db")]


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """Hold the lock of the folder: it is held for a moment only, by readers and the supervisor."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
