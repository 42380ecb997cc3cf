"""The recordings of a directory that should have a playable copy, and have none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..recording.being_written import is_being_written
from ..recording.chunks import Damaged
from ..recording.reading import RecordingReader
from .contents import copy_of

_FILES = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/*.vncr"


def without_copy(directory: Path) -> Iterator[Path]:
    """Yield them, the newest first: not those that are sealed, or that are being written.

    Raises:
        OSError: the directory cannot be read.
    """
    for path in sorted(directory.glob(_FILES), reverse=True):
        if not copy_of(path).exists() and _can_be_read(path):
            yield path


def _can_be_read(path: Path) -> bool:
    """Return whether a recording is as it will remain, and not sealed."""
    try:
        with path.open("rb") as file:
            if is_being_written(file.fileno()):
                return False
            reader = RecordingReader(file)
            next(reader.read_chunks(), None)
            return reader.is_open
    except (OSError, Damaged):
        return False
