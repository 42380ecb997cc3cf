"""How often the holder of a link may ask for something within a minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from ..errors import PowerTooOften

MOST: Final = 5
"""Requests of one link within `WITHIN` seconds, at one process."""

WITHIN: Final = 60.0


class Allowance:
    """Counts requests by the link that they came by.

    Args:
        seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._asked: dict[str, deque[float]] = {}

    def take(self, token_id: str) -> None:
        """Count a request.

        Raises:
            PowerTooOften: there were too many.
        """
        now = self._seconds()
        for known in [each for each, asked in self._asked.items() if now - asked[-1] >= WITHIN]:
            del self._asked[known]
        asked = self._asked.setdefault(token_id, deque(maxlen=MOST))
        if len(asked) == MOST and now - asked[0] < WITHIN:
            raise PowerTooOften(f"{MOST} requests within {WITHIN:g} s")
        asked.append(now)
