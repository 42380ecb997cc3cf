"""A warning about something that every request may repeat, written once a minute."""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.logger import Logger

PAUSE = 60.0
"""Seconds between two lines of one kind."""


class OccasionalWarning:
    """Writes a line of one kind and leaves out those that follow within a minute.

    Args:
        seconds: a monotonic clock.
    """

    log = Logger()

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._written: dict[str, tuple[float, int]] = {}

    def __call__(self, line: str, **fields: object) -> None:
        """Write a line, unless one with the same text before its fields was written just now."""
        now = self._seconds()
        written, left_out = self._written.get(line, (now - PAUSE, 0))
        if now - written < PAUSE:
            self._written[line] = written, left_out + 1
            return
        self._written[line] = now, 0
        before = f" ({left_out} more since the last such line)" if left_out else ""
        self.log.warn(line + "{before}", before=before, **fields)
