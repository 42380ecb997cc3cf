"""One timer for all sessions.

A timer of the reactor for each of thousands of sessions would cost memory, and time whenever one is
made or moved.
"""

from __future__ import annotations

from math import ceil
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger


class Timed(Protocol):
    """An object that a timer calls."""

    def on_timer(self) -> None:
        """Do what is due; may ask for the next call."""


class SharedTimer:
    """Calls objects at whole seconds of a clock; the reactor sees one timer, or none."""

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self.seconds = clock.seconds
        self._clock = clock
        self._due: dict[int, set[Timed]] = {}
        self._next = 0
        self._delayed_call: IDelayedCall | None = None

    def call_at(self, when: float, target: Timed) -> int:
        """Call an object once.

        Args:
            when: in seconds of the clock; the call comes up to one second later.

        Returns:
            The second of the call, which `cancel` needs.
        """
        second = ceil(when)
        self._due.setdefault(second, set()).add(target)
        if self._delayed_call is None or second < self._next:
            self._set_delayed_call()
        return second

    def cancel(self, second: int, target: Timed) -> None:
        """Cancel a call; does nothing when it has been made."""
        targets = self._due.get(second, set())
        targets.discard(target)
        if not targets:
            self._due.pop(second, None)
            self._set_delayed_call()

    def _set_delayed_call(self) -> None:
        """Set the reactor's timer to the first second that is due."""
        if self._delayed_call is not None and self._delayed_call.active():
            self._delayed_call.cancel()
        self._delayed_call = None
        if self._due:
            self._next = min(self._due)
            delay = max(0, self._next - self.seconds())
            self._delayed_call = self._clock.callLater(delay, self._call_due)

    def _call_due(self) -> None:
        now = self.seconds()
        for second in sorted(second for second in self._due if second <= now):
            for target in self._due.pop(second, ()):
                try:
                    target.on_timer()
                except Exception:  # noqa: BLE001 the others' limits count all the same
                    self.log.failure("a call of the timer failed")
        self._set_delayed_call()
