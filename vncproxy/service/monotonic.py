"""Gives the reactor a monotonic clock, so that timers do not depend on the wall clock.

Twisted's reactors use the wall clock. When it is set back by an hour, no timer fires for an hour;
when it is set forward, all idle limits are exceeded at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def use_monotonic_clock(reactor: Any) -> None:
    """Replace the wall clock of a reactor by a monotonic one.

    Call it before the first use of ``reactor.seconds``: moments from before and after cannot be
    compared. A reactor with another clock than the wall clock, such as a test's, keeps it.
    """
    if reactor.seconds is not time.time:
        return
    # calls that are already scheduled are due at moments of the wall clock
    reactor.seconds = _continuing(time.time()) if reactor.getDelayedCalls() else time.monotonic


def _continuing(now: float) -> Callable[[], float]:
    offset, monotonic = now - time.monotonic(), time.monotonic
    return lambda: monotonic() + offset
