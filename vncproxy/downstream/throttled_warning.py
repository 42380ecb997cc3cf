"""Warnings that any request may cause, written at most once a minute each."""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.logger import Logger

PAUSE = 60.0
"""Seconds between two lines with the same format."""


class ThrottledWarning:
    """Logs a warning, and counts those with the same format that follow within `PAUSE`.

    Args:
        seconds: a monotonic clock.
    """

    log = Logger()

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._written: dict[str, tuple[float, int]] = {}

    def __call__(self, line: str, **fields: object) -> None:
        """Log a warning, unless one with the same format was logged within `PAUSE`."""
        now = self._seconds()
        written, left_out = self._written.get(line, (now - PAUSE, 0))
        if now - written < PAUSE:
            self._written[line] = written, left_out + 1
            return
        self._written[line] = now, 0
        before = f" ({left_out} more since the last such line)" if left_out else ""
        self.log.warn(line + "{before}", before=before, **fields)
