"""Numbers of X displays that no other test has."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

_EACH = 16
"""Displays of one process."""

_counter = itertools.count()


def new_display() -> str:
    """Return the number of a display that has no server.

    X servers find a free number by their abstract sockets, which each network namespace has for
    itself. Their files in /tmp are shared, so servers of two namespaces take them from each other.
    """
    first = 100 + os.getpid() % 3600 * _EACH
    numbers = (first + next(_counter) % _EACH for _ in range(_EACH))
    return str(next(number for number in numbers if not _has_server(number)))


def _has_server(number: int) -> bool:
    try:
        pid = int(Path(f"/tmp/.X{number}-lock").read_text())
    except (OSError, ValueError):
        return False
    return Path(f"/proc/{pid}").exists()
