"""Whether a rate admits one more request: the generic cell rate algorithm (ITU-T I.371)."""

from __future__ import annotations

from ..model import Rate


def admits(due: float, now: float, rate: Rate) -> tuple[float, float]:
    """Return how long a request has to wait, and when the next one is due if it is admitted.

    All times are milliseconds of one clock. A ``due`` further ahead than a rate ever puts it is of
    a clock that was set back, and forgotten.

    Args:
        due: when this request would be due, were all spread evenly.
    """
    room = rate.interval * rate.burst
    if not now <= due <= now + room:
        due = now
    wait = due + rate.interval - room - now
    return max(0.0, wait), due + rate.interval
