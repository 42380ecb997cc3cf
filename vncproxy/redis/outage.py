"""Tells the log when something outside stops working, and when it is back, once each."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

REPEAT_AFTER = 60.0
"""Seconds after which the same trouble is told again."""


class OutageLog:
    """One line when an outage begins or changes its reason, and one when it is over.

    Args:
        what: named in the line that says that it is over.
        seconds: a clock.
    """

    log = Logger()

    def __init__(self, what: str, seconds: Callable[[], float]) -> None:
        self._what = what
        self._seconds = seconds
        self._told = ""
        self._told_at = 0.0
        self._goes_on = False

    def began(self, why: str) -> None:
        """Tell why it does not work; the same reason is told once a minute at most.

        Args:
            why: a sentence that names what does not work.
        """
        now = self._seconds()
        if why == self._told and now - self._told_at < REPEAT_AFTER:
            return
        self._told, self._told_at, self._goes_on = why, now, True
        self.log.warn("{why}", why=why)

    def over(self) -> None:
        """Tell that it works again, where the log has it that it does not."""
        if self._goes_on:
            self._goes_on = False
            self.log.info("{what} answers again", what=self._what)
