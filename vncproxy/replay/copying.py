"""The playable copy of a file beside it: made under another name, once at a time, and renamed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from .contents import NoCopy, contents, copy_of
from .making import make_copy

PART: Final = ".part"
"""Behind the name of a copy that is being made."""


def has_copy(recording: Path) -> bool:
    """Return whether a recording has a playable copy of all of it."""
    try:
        return contents(copy_of(recording)).recorded == recording.stat().st_size
    except (NoCopy, OSError):
        return False


def copy_file(recording: Path, on_progress: Callable[[float], object]) -> Path:
    """Make the playable copy of a recording, unless there is one; returns its path.

    Where another process makes it, that is waited for.

    Args:
        on_progress: called again and again, with a number from 0 to 1.

    Raises:
        CannotMake: there is none of this recording.
        OSError: the recording cannot be read, or the copy not be written.
    """
    copy = copy_of(recording)
    part = copy.with_name(copy.name + PART)
    with recording.open("rb") as source, _locked(part) as target:
        if has_copy(recording):
            part.unlink()
            return copy
        size = max(1, os.fstat(source.fileno()).st_size)
        try:
            target.truncate()
            make_copy(source, target, lambda read: on_progress(min(1.0, read / size)))
            target.flush()
            os.fsync(target.fileno())
            part.rename(copy)
        except BaseException:
            part.unlink()
            raise
    if not recording.exists():
        with suppress(FileNotFoundError):
            copy.unlink()
    return copy


def _locked(path: Path) -> BinaryIO:
    """Return a file that no other process has; one that was renamed meanwhile is left alone."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        file = os.fdopen(descriptor, "r+b", buffering=1 << 20)
        fcntl.flock(file, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return file
        file.close()
