"""Lets work that has work finish after its caller was cancelled, up to a limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import VNCProxyError

T = TypeVar("T")

MAX_IN_BACKGROUND: Final = 64
"""Operations that may finish in the background; further ones are cancelled."""

_log = Logger()
_in_background: set[Deferred[Any]] = set()


def finish_in_background(work: Deferred[T], dispose: Callable[[T], object]) -> Deferred[T]:
    """Return a Deferred of the same result; cancelling it does not cancel the work.

    Args:
        work: has a time limit of its own.
        dispose: called with a result that comes after the cancellation.
    """
    answer: Deferred[T] = Deferred(lambda _: _continue(work))

    def deliver(result: T | Failure) -> None:
        """Pass the result on or, after a cancellation, dispose of it."""
        _in_background.discard(work)
        if not answer.called:
            # Deferred.callback takes a Failure as well, and then fires the errbacks
            answer.callback(result)
        elif not isinstance(result, Failure):
            dispose(result)
        elif not result.check(VNCProxyError):
            _log.failure("a cancelled operation failed in the background", result)

    work.addBoth(deliver)
    return answer


def _continue(work: Deferred[Any]) -> None:
    if len(_in_background) >= MAX_IN_BACKGROUND:
        work.cancel()
    else:
        _in_background.add(work)
