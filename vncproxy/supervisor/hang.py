"""Whether a worker answers: one whose event loop stands still serves none of its sessions."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

HANG_TIME = 30.0
"""Seconds without an answer after which a worker is killed, unless systemd has a watchdog."""


class Heartbeat:
    """The pings of one worker and its answers.

    Args:
        ping: sends one.
        on_hang: called once, when no answer has come for ``limit`` seconds.
    """

    def __init__(
        self,
        ping: Callable[[], None],
        on_hang: Callable[[], None],
        clock: IReactorTime,
        limit: float = HANG_TIME,
    ) -> None:
        self._ping = ping
        self._on_hang = on_hang
        self._clock = clock
        self._limit = limit
        self._unanswered_since: float | None = None
        self._is_over = False

    def beat(self) -> None:
        """Send a ping, unless one is unanswered; called once a second or so."""
        now = self._clock.seconds()
        if self._unanswered_since is None:
            self._unanswered_since = now
            self._ping()
        elif now - self._unanswered_since >= self._limit and not self._is_over:
            self._is_over = True
            self._on_hang()

    def answered(self) -> None:
        """Note an answer."""
        self._unanswered_since = None
