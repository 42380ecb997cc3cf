"""Recordings of sessions: put together, where they are configured."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config.settings import Settings
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..recording.recordings import Note, Recordings


def make_recordings(settings: Settings, note: Note, reactor: Any) -> Recordings | None:
    """Return what records sessions; None where that is not configured.

    Raises:
        ConfigurationError: the directory cannot be written to, or what seals is not installed.
    """
    wanted = settings.recording
    if not wanted.directory:
        return None
    from ..recording.directory import RecordingDirectory
    from ..recording.recordings import Recordings

    path = Path(wanted.directory)
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"recording.directory: {path} is no directory that this user can write to"
        )
    if wanted.recipients and find_spec("pyrage") is None:
        raise ConfigurationError("recording.recipients: install vncproxy[recording]")
    directory = RecordingDirectory(path, wanted.recipients, reactor)
    return Recordings(directory, reactor, note, keys=wanted.keys)
