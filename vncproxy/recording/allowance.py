"""How much recordings may take of a disk, where that is bounded."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import Final

COUNTED_AGAIN: Final = 2.0
"""Seconds for which a count is used; what this process writes meanwhile is added."""


class Allowance:
    """The bytes that a directory may hold; several processes may write to it.

    Args:
        most: bytes; 0 for any number.
        used: counts what is there.
        seconds: a monotonic clock.
    """

    def __init__(
        self, most: int, used: Callable[[], int], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._count = used
        self._seconds = seconds
        self._used = 0
        self._counted_at: float | None = None

    def take(self, size: int) -> None:
        """Take bytes that are to be written.

        Raises:
            OSError: there is no room for them.
        """
        if not self._most:
            return
        now = self._seconds()
        if self._counted_at is None or now - self._counted_at >= COUNTED_AGAIN:
            self._used, self._counted_at = self._count(), now
        if self._used + size > self._most:
            raise OSError(
                errno.EDQUOT, f"the spool is full, with {self._used} bytes to be uploaded"
            )
        self._used += size


UNBOUNDED: Final = Allowance(0, lambda: 0)
