"""A reactor whose turns and clock are the test's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.epollreactor import EPollReactor

SETTLE_TIME = 0.001
"""Seconds without an event after which everything counts as settled."""


LIMIT = 60.0
"""Seconds after which a wait has failed."""


class Loop(EPollReactor):
    """A reactor whose turns and clock are the test's."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.events = 0
        super().__init__()

    def seconds(self) -> float:
        return self.now

    def timeout(self) -> float:
        """Never wait for what only the test can do."""
        return 0

    def turn(self, wait: float = 0.0) -> bool:
        """Turn once; False when nothing happened."""
        before = self.events
        due = any(call.getTime() <= self.now for call in self.getDelayedCalls())
        self.runUntilCurrent()
        self.doIteration(wait)
        return due or self.events != before

    def settle(self, wait: float = SETTLE_TIME) -> bool:
        """Turn until nothing happens any more; False when nothing did."""
        moved = False
        give_up = time.monotonic() + LIMIT
        while self.turn() or (wait and self.turn(wait)):
            moved = True
            if time.monotonic() > give_up:
                raise AssertionError(f"still busy after {LIMIT} s")
        return moved

    def until(self, condition: Callable[[], object]) -> None:
        """Turn until a condition holds."""
        give_up = time.monotonic() + LIMIT
        while not condition():
            if time.monotonic() > give_up:
                raise AssertionError(f"not so within {LIMIT} s")
            self.turn(0.01)

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.now += seconds
        self.settle()

    def _doReadOrWrite(self, selectable: Any, fd: int, event: int) -> None:
        self.events += 1
        super()._doReadOrWrite(selectable, fd, event)
