"""Playable copies of recordings, made in the background: put together."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from ..config.settings import Settings
from ..replay import Indexer
from ..replay.left import without_copy
from .announced import proxy_name


class Copies:
    """Makes the playable copies of a directory's recordings, those that are missing first.

    Args:
        indexer: makes them.
    """

    log = Logger()

    def __init__(self, indexer: Indexer, directory: Path) -> None:
        self.indexer = indexer
        self._directory = directory

    def start(self) -> None:
        """Make what a proxy that was killed has left."""
        looking = deferToThread(lambda: list(without_copy(self._directory)))
        looking.addCallbacks(
            self._add, lambda f: self.log.failure("recordings without a playable copy", f)
        )

    def stop(self) -> None:
        """End the process that makes one; it is made anew after the next start."""
        self.indexer.stop()

    def add(self, recording: Path) -> None:
        """Make the copy of a recording that has ended."""
        self.indexer.add(recording)

    def _add(self, found: Iterable[Path]) -> None:
        for path in found:
            self.indexer.add(path)


def make_copies(settings: Settings, reactor: Any) -> Copies | None:
    """Return what makes playable copies; None where none can be made."""
    directory = settings.recording.place
    if not directory or settings.recording.recipients:
        return None
    if not all(map(find_spec, ("numpy", "PIL"))):
        Copies.log.warn("recordings cannot be played: install vncproxy[screen]")
        return None
    turn = Path(directory) / f".making-{proxy_name(settings)}"
    return Copies(Indexer(reactor, turn), Path(directory))
