"""Installing noVNC with the real npm."""

from __future__ import annotations

import os
import re
from pathlib import Path
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.web import STATIC
from vncproxy.web.install import InstallError, install, pinned_version

IMPORT = re.compile(r"""^(?:import|export)\b[^"';]*["'](\.[^"']+)["']""", re.M)


class InstallTests(SynchronousTestCase):
    """The folder `novnc` of the page's static files."""

    def setUp(self) -> None:
        self.destination = Path(self.mktemp()) / "novnc"

    def test_every_import_is_there(self) -> None:
        install(self.destination)
        modules = list(self.destination.rglob("*.js"))
        self.assertGreater(len(modules), 50)
        missing = [
            (module.name, target)
            for module in modules
            for target in IMPORT.findall(module.read_text())
            if not (module.parent / target).is_file()
        ]
        self.assertEqual(missing, [])

    def test_the_licences_come_along(self) -> None:
        install(self.destination)
        for name in ("LICENSE.txt", "vendor/pako/LICENSE"):
            self.assertTrue((self.destination / name).is_file(), name)

    def test_nothing_is_done_twice(self) -> None:
        install(self.destination)
        before = self.destination.stat()
        with patch.dict(os.environ, {"PATH": ""}):
            install(self.destination)
        self.assertEqual(self.destination.stat(), before)

    def test_another_version_is_replaced_as_a_whole(self) -> None:
        self.destination.mkdir(parents=True)
        (self.destination / "VERSION").write_text("0.1.0\n")
        (self.destination / "stale.js").touch()
        install(self.destination)
        self.assertEqual((self.destination / "VERSION").read_text().strip(), pinned_version())
        self.assertFalse((self.destination / "stale.js").exists())
        self.assertEqual(list(self.destination.parent.iterdir()), [self.destination])

    def test_a_missing_npm_is_told_and_leaves_nothing_behind(self) -> None:
        with patch.dict(os.environ, {"PATH": ""}):
            error = self.assertRaises(InstallError, install, self.destination)
        self.assertIn("npm was not found", str(error))
        self.assertFalse(self.destination.exists())


class LockTests(SynchronousTestCase):
    """The lock file."""

    def test_pins_by_content_and_names_no_registry(self) -> None:
        lock = (STATIC.parent / "package-lock.json").read_text()
        self.assertIn('"integrity": "sha512-', lock)
        self.assertNotIn("resolved", lock)
        self.assertNotIn("http", lock)
