"""Gives the reactor a monotonic clock: what it calls later must not depend on the wall clock.

Twisted's reactors take the wall clock. When that is set back by an hour, nothing that is due is
done for an hour; set forward, everybody is idle at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def use_monotonic_clock(reactor: Any) -> None:
    """Let a reactor measure time by a clock that nobody sets; call it before anything else does.

    Whatever reads ``reactor.seconds`` before and after this would compare two clocks. A reactor
    that has another clock than the wall clock, such as a test's, keeps it.
    """
    if reactor.seconds is not time.time:
        return
    # what is to be called later is due at moments of the former clock
    reactor.seconds = _continuing(time.time()) if reactor.getDelayedCalls() else time.monotonic


def _continuing(now: float) -> Callable[[], float]:
    offset, monotonic = now - time.monotonic(), time.monotonic
    return lambda: monotonic() + offset
