"""The folder of the workers' metrics."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.metrics.files import read_figures
from vncproxy.supervisor.figures import Figures

ABANDONED = "from vncproxy.supervisor.figures import Figures; Figures()"


class FolderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(self.mktemp()).resolve()
        self.place.mkdir()
        self.patch(os, "environ", {**os.environ, "RUNTIME_DIRECTORY": str(self.place)})

    def test_figures_of_the_supervisor_are_shown(self) -> None:
        figures = Figures()
        self.addCleanup(figures.remove)

        figures.write(workers=2, restarts=1, generation=3)

        (folder,) = self.place.iterdir()
        found = {s.name: s.value for metric in read_figures(folder) for s in metric.samples}
        expected = {"vncproxy_workers": 2, "vncproxy_generation": 3}
        self.assertEqual(found, expected | {"vncproxy_worker_restarts_total": 1})
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)

    def test_one_that_was_removed_is_made_again(self) -> None:
        figures = Figures()
        self.addCleanup(figures.remove)
        (folder,) = self.place.iterdir()
        shutil.rmtree(folder)

        with capturedLogs() as logged:
            figures.ended(process=1)
            for _ in range(2):
                figures.write(workers=2, restarts=1, generation=3)

        self.assertEqual(len(list(read_figures(folder))), 3)
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
        self.assertEqual([formatEvent(e).split()[1:4] for e in logged], [["was", "removed", "and"]])

    def test_one_that_cannot_be_made_again_is_told_once(self) -> None:
        figures = Figures()
        self.addCleanup(figures.remove)
        shutil.rmtree(self.place)

        with capturedLogs() as logged:
            for _ in range(3):
                figures.write(workers=2, restarts=1, generation=3)

        (said,) = map(formatEvent, logged)
        self.assertIn("metrics of workers cannot be written", said)

    def test_it_is_removed_at_the_end(self) -> None:
        Figures().remove()

        self.assertEqual(list(self.place.iterdir()), [])

    def test_that_of_a_killed_supervisor_is_removed_and_no_others(self) -> None:
        subprocess.run([sys.executable, "-c", ABANDONED], env=os.environ, check=True)
        (left,) = self.place.iterdir()
        living = Figures()
        self.addCleanup(living.remove)
        self.assertFalse(left.exists())

        another = Figures()

        self.assertEqual(len(list(self.place.iterdir())), 2)
        another.remove()
