"""Runs one coroutine under Twisted's reactor and returns its result to synchronous code."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from click import Abort
from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.python.failure import Failure

from ..service.monotonic import use_monotonic_clock

T = TypeVar("T")


def run(work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """Run ``work(reactor)`` to its end; possible once in a process.

    Raises:
        Abort: the user pressed Ctrl-C.
        Exception: whatever ``work`` raised.
    """
    results: list[T | Failure] = []

    def begin(reactor: Any) -> Deferred[None]:
        use_monotonic_clock(reactor)
        return Deferred.fromCoroutine(work(reactor)).addBoth(results.append)

    with suppress(SystemExit):  # react always raises it; the command has its own exit status
        react(begin)
    if not results:
        raise Abort()
    if isinstance(results[0], Failure):
        results[0].raiseException()
    result: T = results[0]
    return result
