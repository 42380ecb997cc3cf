"""A proxy in a process of its own, and programs beside it, for tests of a reload."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.process_case import LIMIT, SILENT, Console


def until(true: Callable[[], object], what: str) -> None:
    """Wait for something that takes a moment."""
    give_up = time.monotonic() + LIMIT
    while not true():
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {LIMIT:g} s: {what}")
        time.sleep(0.02)


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


class ReloadCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reload-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.console = Console()
        self.addCleanup(self.console.close)
        self.lab = SILENT.format(address=self.console.address)
