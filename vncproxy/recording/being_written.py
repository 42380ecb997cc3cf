"""Whether a file is being written: its writer holds a lock, which ends with its process.

The locks are those of open files (``F_OFD_SETLK``, fcntl(2)), so that one process can write a
file and ask about it, and that asking takes no lock. On file systems without them, a file counts
as being written until a day after its last change.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from typing import Final

_FLOCK: Final = struct.Struct("hhqqi4x")
"""``struct flock``: type, whence, start, length (0: all), process."""

_LONGEST_PAUSE: Final = 86400.0


def mark_as_written(descriptor: int) -> None:
    """Take the lock of a file that is open for writing; closing it gives the lock back."""
    take_lock(descriptor)


def take_lock(descriptor: int) -> bool:
    """Take the lock of a file that is open for writing; returns whether no other file has it.

    On file systems without locks, it is taken by all.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _lock(fcntl.F_WRLCK))
    except OSError as e:
        return e.errno not in (errno.EAGAIN, errno.EACCES)
    return True


def is_being_written(descriptor: int) -> bool:
    """Return whether a process of any machine that shares the file system writes a file."""
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _lock(fcntl.F_RDLCK))
    except OSError:
        return time.time() - os.fstat(descriptor).st_mtime < _LONGEST_PAUSE
    kind: int = _FLOCK.unpack(answer)[0]
    return kind != fcntl.F_UNLCK


def _lock(kind: int) -> bytes:
    return _FLOCK.pack(kind, os.SEEK_SET, 0, 0, 0)
