"""Tasks of the supervisor, one after the other: start, reload, upgrade."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

Task = Callable[[], Coroutine[Any, Any, None]]


class OneAtATime:
    """Runs tasks in the order in which they were asked for.

    A task that is asked for while it waits is run once; one that is asked for while it runs, is run
    again.
    """

    log = Logger()

    def __init__(self) -> None:
        self._current: Deferred[None] | None = None
        self._wanted: list[Task] = []
        self._stopped = False

    def run(self, task: Task) -> None:
        """Run a task now, or after those that were asked for before."""
        if self._stopped:
            self.log.info("nothing is reloaded: the proxy is stopping")
        elif self._current is None:
            current = self._current = Deferred.fromCoroutine(task())
            current.addErrback(self._log_failure).addBoth(self._run_next)
        elif task not in self._wanted:
            self._wanted.append(task)

    def stop(self) -> None:
        """Cancel the task that runs, and run none any more."""
        self._stopped = True
        if self._current is not None:
            self._current.cancel()

    def _log_failure(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("a defect; everything goes on as before", failure)

    def _run_next(self, _: object) -> None:
        self._current = None
        if self._wanted and not self._stopped:
            self.run(self._wanted.pop(0))
