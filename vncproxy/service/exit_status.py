"""Ends the process with a status of its own choice, which ``twistd`` has no option for."""

from __future__ import annotations

import atexit
import sys
from os import _exit as exit_at_once


def end_process_with(status: int) -> None:
    """Let the process have an exit status once everything else at its end has been done."""
    atexit.register(_exit, status)


def _exit(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    exit_at_once(status)
