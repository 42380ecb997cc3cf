"""The folder of the workers' metrics."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
