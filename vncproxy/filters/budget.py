"""How many bytes of texts a session may let the proxy decompress."""

from __future__ import annotations

from collections.abc import Callable

AT_ONCE, PER_SECOND = 4 << 20, 1 << 20
"""Bytes after decompression, and how many more each second: several texts of the longest length."""

_PER_MESSAGE = 1024
"""Bytes that each message counts for, however short its text is."""


class Budget:
    """A token bucket for one direction of a session.

    Args:
        seconds: a monotonic clock.
    """

    __slots__ = ("_at", "_left", "_seconds")

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._at = seconds()
        self._left: float = AT_ONCE

    @property
    def is_spent(self) -> bool:
        """Whether nothing may be decompressed now."""
        now = self._seconds()
        self._left = min(AT_ONCE, self._left + (now - self._at) * PER_SECOND)
        self._at = now
        return self._left <= 0

    def spend(self, size: int) -> None:
        """Note that a message was decompressed to so many bytes."""
        self._left -= size + _PER_MESSAGE
