"""Logs when something outside the process stops working and when it works again, once each."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

REPEAT_AFTER = 60.0
"""Seconds after which the same reason is logged again."""


class OutageLog:
    """One line when an outage begins or changes its reason, and one when it is over.

    Args:
        what: named in the line about its end.
        seconds: a clock.
    """

    log = Logger()

    def __init__(self, what: str, seconds: Callable[[], float]) -> None:
        self._what = what
        self._seconds = seconds
        self._logged = ""
        self._logged_at = 0.0
        self._since: float | None = None

    def report(self, why: str) -> None:
        """Log why it does not work; the same reason once a minute at most.

        Args:
            why: a sentence that names what does not work.
        """
        now = self._seconds()
        if why == self._logged and now - self._logged_at < REPEAT_AFTER:
            return
        self._logged, self._logged_at = why, now
        if self._since is None:
            self._since = now
        self.log.warn("{why}", why=why)

    def recovered(self) -> None:
        """Log that it works again, after an outage that was logged."""
        if self._since is not None:
            lasted, self._since = self._seconds() - self._since, None
            self.log.info(
                "{what} answers again, after {seconds:.0f} s", what=self._what, seconds=lasted
            )
