"""What goes on although nobody waits for it any more, up to a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import VNCProxyError

T = TypeVar("T")

MOST_UNATTENDED: Final = 64
"""How many may go on; what is more is cancelled."""

_log = Logger()
_unattended: set[Deferred[Any]] = set()


def unattended(begun: Deferred[T], dispose: Callable[[T], object]) -> Deferred[T]:
    """Return what can be cancelled while that which has begun goes on to its end.

    Args:
        begun: has a time limit of its own.
        dispose: gets a result that comes after the wait was cancelled.
    """
    answer: Deferred[T] = Deferred(lambda _: _leave(begun))

    def hand_on(result: T | Failure) -> None:
        _unattended.discard(begun)
        if not answer.called:
            # Deferred.callback takes a Failure as well, and then fires the errbacks
            answer.callback(result)
        elif not isinstance(result, Failure):
            dispose(result)
        elif not result.check(VNCProxyError):
            _log.failure("it failed unattended", result)

    begun.addBoth(hand_on)
    return answer


def _leave(begun: Deferred[Any]) -> None:
    if len(_unattended) >= MOST_UNATTENDED:
        begun.cancel()
    else:
        _unattended.add(begun)
