"""Where the log goes: standard output or a file, and whether the journal reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any


def is_journal(stream: Any, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a stream is connected to systemd's journal (systemd.exec, JOURNAL_STREAM)."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))
