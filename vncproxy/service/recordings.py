"""Recordings of sessions: put together, where they are configured."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..config.recording import Recording
from ..config.settings import Settings
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..recording.allowance import Allowance
    from ..recording.recordings import Note, Recordings


STOP_TIME: Final = 5.0
"""Seconds that the end of the process waits for the disk."""


def make_recordings(
    settings: Settings,
    note: Note,
    reactor: Any,
    on_file: Callable[[Path], object] | None = None,
) -> Recordings | None:
    """Return what records sessions; None where that is not configured.

    Args:
        note: writes an audit line.
        on_file: called with each file whose end was written.

    Raises:
        ConfigurationError: the directory cannot be written to, a recipient is no public key, or
            what seals is not installed.
    """
    wanted = settings.recording
    if not wanted.place:
        return None
    from ..recording.directory import RecordingDirectory
    from ..recording.recordings import Recordings

    path = Path(wanted.place)
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        option = "recording.directory" if wanted.s3 is None else "recording.s3.spool"
        raise ConfigurationError(f"{option}: {path} is no directory that this user can write to")
    _check_recipients(wanted)
    directory = RecordingDirectory(path, wanted.recipients, reactor, _allowance(wanted))
    return Recordings(directory, reactor, note, keys=wanted.keys, on_file=on_file or Path)


def _allowance(wanted: Recording) -> Allowance:
    from ..archive.spool import Spool
    from ..recording.allowance import UNBOUNDED, Allowance

    s3 = wanted.s3
    return UNBOUNDED if s3 is None else Allowance(s3.spool_size, Spool(Path(s3.spool)).used)


def _check_recipients(wanted: Recording) -> None:
    try:
        wrong = wanted.wrong_recipients()
    except ImportError as e:
        raise ConfigurationError("recording.recipients: install vncproxy[recording]") from e
    if wrong:
        raise ConfigurationError(f"recording.recipients: {wrong[0]} is no public key of age")
