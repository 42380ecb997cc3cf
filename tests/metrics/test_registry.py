"""The metrics of one process, and those of several through their folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from prometheus_client import generate_latest
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.metrics import Registry
from vncproxy.metrics.files import add_up_ended, read_figures, write_figure
from vncproxy.metrics.process import count_process

WORKER = """
from prometheus_client import Counter, Gauge, Histogram
from vncproxy.metrics import Registry
registry = Registry()
Counter("done_total", "Done.", ("by",), registry=registry).labels("a").inc(3)
Histogram("took", "Took.", buckets=(1, 2), registry=registry).observe(1.5)
Gauge("open_now", "Open.", registry=registry, multiprocess_mode="livesum").set(2)
registry.counter("elsewhere_total", "Elsewhere.", lambda: 5)
registry.gauge("lag", "Lag.", lambda: {"x": float(ARGUMENT)}, "part", "livemax")
registry.refresh()
import os
print(os.getpid())
"""


COUNTING = """
import os, shutil, sys
from pathlib import Path
from prometheus_client import Counter, Histogram
from vncproxy.metrics import Registry
folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
registry = Registry()
done = Counter("done_total", "Done.", ("by",), registry=registry).labels("a")
took = Histogram("took", "Took.", buckets=(1, 2), registry=registry)
registry.gauge("open_now", "Open.", lambda: 7)
done.inc(3)
took.observe(1.5)
registry.refresh()
for _ in range(2):
    shutil.rmtree(folder)
    registry.refresh()
    done.inc(10)
    folder.mkdir()
    registry.refresh()
    done.inc(100)
    took.observe(1.5)
print(os.getpid())
"""


class OneProcessTests(SynchronousTestCase):
    def test_a_figure_is_read_when_the_metrics_are(self) -> None:
        registry, figures = Registry(), {"down": 1.0}
        registry.counter("moved_total", "Moved.", lambda: figures, "way")
        registry.gauge("waiting", "Waiting.", lambda: len(figures))

        self.assertEqual(registry.get_sample_value("moved_total", {"way": "down"}), 1)
        figures |= {"down": 4.0, "up": 2.0}

        self.assertEqual(registry.get_sample_value("moved_total", {"way": "down"}), 4)
        self.assertEqual(registry.get_sample_value("moved_total", {"way": "up"}), 2)
        self.assertEqual(registry.get_sample_value("waiting"), 2)

    def test_a_counter_never_falls(self) -> None:
        registry, figures = Registry(), iter([5.0, 3.0, 6.0])
        registry.counter("moved_total", "Moved.", lambda: next(figures))

        values = [registry.get_sample_value("moved_total") for _ in range(3)]

        self.assertEqual(values, [5, 5, 6])

    def test_the_process_is_named_as_prometheus_does(self) -> None:
        registry = Registry()
        count_process(registry)

        self.assertGreater(registry.get_sample_value("process_resident_memory_bytes") or 0, 1e6)
        self.assertGreater(registry.get_sample_value("process_cpu_seconds_total") or 0, 0)
        self.assertGreater(registry.get_sample_value("process_open_fds") or 0, 2)

    def test_a_system_without_figures_shows_none(self) -> None:
        registry = Registry()
        count_process(registry, dict)

        self.assertEqual(generate_latest(registry), b"")


class WorkersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="figures-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def worker(self, argument: int) -> int:
        """Run a worker until it ends; returns its number."""
        return self.run_process(WORKER.replace("ARGUMENT", str(argument)))

    def run_process(self, program: str) -> int:
        """Run a program until it ends; returns the number of its process."""
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(self.folder)},
            capture_output=True,
            check=True,
        )
        return int(done.stdout)

    def figures(self) -> dict[str, float]:
        return {
            sample.name + "".join(sample.labels.values()): sample.value
            for metric in read_figures(self.folder)
            for sample in metric.samples
        }

    def test_several_are_added_up_or_the_worst(self) -> None:
        self.worker(1)
        self.worker(7)

        figures = self.figures()

        self.assertEqual(figures["done_totala"], 6)
        self.assertEqual(figures["elsewhere_total"], 10)
        self.assertEqual(figures["open_now"], 4)
        self.assertEqual(figures["lagx"], 7)
        self.assertEqual(figures["took_bucket1.0"], 0)
        self.assertEqual(figures["took_bucket2.0"], 2)
        self.assertEqual(figures["took_sum"], 3)

    def test_what_ended_ones_counted_stays_and_their_gauges_go(self) -> None:
        before = None
        for argument in (1, 2, 3):
            add_up_ended(self.folder, self.worker(argument))
            files = sorted(path.name for path in self.folder.iterdir())
            self.assertEqual(before or files, files)
            before = files

        figures = self.figures()

        self.assertEqual(figures["done_totala"], 9)
        self.assertEqual(figures["took_bucket2.0"], 3)
        self.assertEqual(figures["took_bucket+Inf"], 3)
        self.assertEqual(figures["took_sum"], 4.5)
        self.assertNotIn("open_now", figures)

    def test_figures_stay_where_the_folder_is_removed_and_made_again(self) -> None:
        process = self.run_process(COUNTING)

        figures = self.figures()

        self.assertEqual(figures["done_totala"], 223)
        self.assertEqual(figures["took_bucket2.0"], 3)
        self.assertEqual(figures["open_now"], 7)
        self.assertEqual(len(list(self.folder.glob("counter_*"))), 1)
        add_up_ended(self.folder, process)
        self.assertEqual(self.figures()["done_totala"], 223)
        self.assertNotIn("open_now", self.figures())

    def test_a_process_without_a_registry_writes_single_figures(self) -> None:
        write_figure(self.folder, "counter", "restarts_total", "Restarts.", 2)
        write_figure(self.folder, "counter", "restarts_total", "Restarts.", 3)
        write_figure(self.folder, "gauge", "workers", "Workers.", 4, "livesum")

        self.assertEqual(self.figures(), {"restarts_total": 3, "workers": 4})
