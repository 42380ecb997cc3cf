"""One result for several that wait for it."""

from __future__ import annotations

from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, succeed

T = TypeVar("T")


class SharedResult(Generic[T]):
    """The result of a call, also for those that ask while it is under way, or later.

    Args:
        call: fires with a result, and never fails.
    """

    def __init__(self, call: Deferred[T]) -> None:
        self._results: list[T] = []
        self._waiting: list[Deferred[T]] = []
        call.addCallback(self._fired)

    def wait(self) -> Deferred[T]:
        """Return the result when it is there."""
        if self._results:
            return succeed(self._results[0])
        waiting: Deferred[T] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def _fired(self, result: T) -> None:
        self._results.append(result)
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(result)
