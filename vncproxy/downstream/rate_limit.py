"""How often something is done for strangers: a token bucket for each address, and one in all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MOST_ADDRESSES = 4096
"""Addresses that are remembered; the one that asked longest ago makes room."""


@dataclass(slots=True)
class _Bucket:
    """Holds up to ``size``, and gets ``rate`` each second."""

    rate: float
    size: float
    left: float
    filled_at: float

    def fill(self, now: float) -> float:
        """Return what is in it now."""
        self.left = min(self.size, self.left + (now - self.filled_at) * self.rate)
        self.filled_at = now
        return self.left


class Allowance:
    """Counts what was done for whom.

    Args:
        rate: times each second for one address.
        burst: times at once for one address.
        total: how much more all addresses may have together.
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
        """Take one for an address; False when there is none left."""
        now = self._seconds()
        bucket = self._of_address.pop(address, None) or self._new_bucket(now)
        self._of_address[address] = bucket
        if bucket.fill(now) < 1 or self._all.fill(now) < 1:
            return False
        bucket.left -= 1
        self._all.left -= 1
        return True

    def left(self, address: str) -> bool:
        """Tell whether there is one left for an address, without taking it."""
        now = self._seconds()
        bucket = self._of_address.get(address)
        return (bucket is None or bucket.fill(now) >= 1) and self._all.fill(now) >= 1

    def _new_bucket(self, now: float) -> _Bucket:
        if len(self._of_address) >= MOST_ADDRESSES:
            del self._of_address[next(iter(self._of_address))]
        return _Bucket(self._rate, self._burst, self._burst, now)
