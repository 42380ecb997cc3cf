"""The map of the house shows the whole house."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| (`.+?) \|", re.MULTILINE)
NAME = re.compile(r"`(?:vncproxy/)?([a-z_]+(?:\.py|/))`")


def on_the_map() -> set[str]:
    """Return the first column's names, a folder's with its slash."""
    rows = ROW.findall((ROOT / "CONTRIBUTING.md").read_text())
    return {name for row in rows for name in NAME.findall(row)}


def in_the_package() -> set[str]:
    modules = {path.name for path in (ROOT / "vncproxy").glob("[a-z]*.py")}
    folders = {f"{path.parent.name}/" for path in (ROOT / "vncproxy").glob("*/__init__.py")}
    return modules | folders


class MapTests(SynchronousTestCase):
    def test_every_part_of_the_package_is_on_the_map(self) -> None:
        self.assertEqual(in_the_package() - on_the_map(), set())

    def test_nothing_is_on_the_map_that_is_gone(self) -> None:
        self.assertEqual(on_the_map() - in_the_package() - {"tests/", "bench/"}, set())
