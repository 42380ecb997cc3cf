"""One timer for all who look after something now and then.

A timer of the reactor for each of thousands of sessions would cost memory, and time whenever one is
made or moved.
"""

from __future__ import annotations

from math import ceil
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger


class Caller(Protocol):
    """Whoever looks after something."""

    def look(self) -> None:
        """Look; may book the next time."""


class Rounds:
    """Lets callers look, in whole seconds of a clock; the reactor sees one timer, or none."""

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self.seconds = clock.seconds
        self._clock = clock
        self._booked: dict[int, set[Caller]] = {}
        self._next = 0
        self._timer: IDelayedCall | None = None

    def book(self, caller: Caller, when: float) -> int:
        """Let a caller look once.

        Args:
            when: in seconds of the clock; it will be up to one second later.

        Returns:
            The second for which it is booked, to `cancel` it by.
        """
        second = ceil(when)
        self._booked.setdefault(second, set()).add(caller)
        if self._timer is None or second < self._next:
            self._wind()
        return second

    def cancel(self, caller: Caller, second: int) -> None:
        """Take back what was booked; does nothing when it is over."""
        callers = self._booked.get(second, set())
        callers.discard(caller)
        if not callers:
            self._booked.pop(second, None)
            self._wind()

    def _wind(self) -> None:
        """Set the timer to the first second that is booked."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._booked:
            self._next = min(self._booked)
            self._timer = self._clock.callLater(max(0, self._next - self.seconds()), self._go)

    def _go(self) -> None:
        now = self.seconds()
        for second in sorted(second for second in self._booked if second <= now):
            for caller in self._booked.pop(second, ()):
                try:
                    caller.look()
                except Exception:  # noqa: BLE001 the others' limits count all the same
                    self.log.failure("a round was not finished")
        self._wind()
