"""Limits how often something is done: a token bucket per client address, and one for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MOST_ADDRESSES = 4096
"""Addresses that are remembered; the one used longest ago is dropped for a new one."""


@dataclass(slots=True)
class _Bucket:
    """Holds up to ``size`` units, and gains ``rate`` of them each second."""

    rate: float
    size: float
    left: float
    filled_at: float

    def fill(self, now: float) -> float:
        """Add what was gained since the last call; returns the units held now."""
        self.left = min(self.size, self.left + (now - self.filled_at) * self.rate)
        self.filled_at = now
        return self.left


class RateLimit:
    """A limit per client address and in all.

    Args:
        rate: units each second for one address.
        burst: units at once for one address.
        total: the limit of all addresses together, as a multiple of that of one.
        seconds: a monotonic clock.
    """

    def __init__(
        self, rate: float, burst: float, total: float, seconds: Callable[[], float]
    ) -> None:
        self._rate, self._burst = rate, burst
        self._seconds = seconds
        self._all = _Bucket(rate * total, burst * total, burst * total, seconds())
        self._of_address: dict[str, _Bucket] = {}

    def take(self, address: str) -> bool:
        """Take one unit for an address; False when none is left."""
        now = self._seconds()
        bucket = self._of_address.pop(address, None) or self._new_bucket(now)
        self._of_address[address] = bucket
        if bucket.fill(now) < 1 or self._all.fill(now) < 1:
            return False
        bucket.left -= 1
        self._all.left -= 1
        return True

    def left(self, address: str) -> bool:
        """Tell whether a unit is left for an address, without taking it."""
        now = self._seconds()
        bucket = self._of_address.get(address)
        return (bucket is None or bucket.fill(now) >= 1) and self._all.fill(now) >= 1

    def _new_bucket(self, now: float) -> _Bucket:
        if len(self._of_address) >= MOST_ADDRESSES:
            del self._of_address[next(iter(self._of_address))]
        return _Bucket(self._rate, self._burst, self._burst, now)
