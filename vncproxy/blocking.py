"""Bounded threads in which the hypervisors' blocking SDKs run, separate for each backend.

A call ends for its caller when its time limit passes. Its thread is free again only when the
function has ended, so a hypervisor that hangs occupies a bounded number of threads, all of them
its own backend's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any, Final, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from .errors import BackendError
from .interfaces import IBlockingCalls

T = TypeVar("T")

THREADS: Final = 16
WAITING: Final = 128


class DaemonThread(Thread):
    """A thread that does not keep the process alive: an SDK may hang for minutes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, daemon=True, **kwargs)


class DaemonPool(ThreadPool):
    """Threads that do not keep the process alive."""

    threadFactory = DaemonThread


class _Job(Generic[T]):
    """One function on its way through the pool, and its caller's Deferred.

    Attributes:
        name: what messages call it.
        abandoned: whether the caller has cancelled, or the time limit is over.
        answer: fires with the function's result.
    """

    def __init__(self, function: Callable[..., T], args: tuple[Any, ...], owner: str) -> None:
        self.name = _name_of(function, owner)
        self.abandoned = False
        self.answer: Deferred[T] = Deferred(self._abandon)
        self._function = partial(function, *args)

    def _abandon(self, _answer: Deferred[T]) -> None:
        self.abandoned = True

    def run(self) -> T:
        """Call the function, in a thread, unless the call was cancelled meanwhile."""
        if self.abandoned:
            raise CancelledError("given up before a thread was free")
        return self._function()

    def timeout_failure(self, _cancelled: object, timeout: float) -> Failure:
        """Return the failure of a call that took longer than its limit in seconds."""
        return Failure(BackendError(f"{self.name} did not answer within {timeout:g} s"))


def _name_of(function: Callable[..., object], owner: str) -> str:
    """Return the name of a function for messages.

    A callable object's own ``__str__`` is best. The backend or token source that owns the calls
    comes next, since an operator does not know names in the source.
    """
    if name := getattr(function, "__qualname__", ""):
        return owner or str(name)
    kinds = type(function).mro()[:-1]
    if any("__str__" in vars(kind) for kind in kinds):
        return str(function)
    return owner or kinds[0].__name__


@implementer(IBlockingCalls)
class BoundedCalls:
    """Blocking functions in a bounded number of threads, with a bounded queue before them.

    Args:
        clock: measures the time limits.
        reactor: takes the results back into its thread.
        threads: how many functions run at the same time; threads are started when needed.
        waiting: how many more may wait for a free thread; further calls are refused.
        name: stands before the messages of refused calls, and in the names of the threads.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        reactor: IReactorFromThreads,
        threads: int = THREADS,
        waiting: int = WAITING,
        name: str = "",
    ) -> None:
        self._clock = clock
        self._reactor = reactor
        self._threads = threads
        self._waiting = waiting
        self._name = name
        self._unfinished = 0
        self._closed = False
        self._parts: list[BoundedCalls] = []
        self._pool = DaemonPool(0, threads, name or "blocking")
        self._pool.start()

    def part(self, name: str, threads: int = THREADS) -> BoundedCalls:
        """Return calls with threads and a queue of their own; see ``IBlockingCalls``.

        They are closed together with these, if not before.
        """
        part = BoundedCalls(
            self._clock, self._reactor, threads, self._waiting, f"{self._name} {name}".strip()
        )
        if self._closed:
            part.close()
        self._parts = [each for each in self._parts if not each._closed]
        self._parts.append(part)
        return part

    def call(
        self,
        timeout: float,
        function: Callable[..., T],
        *args: Any,
        late: Callable[[T], object] | None = None,
    ) -> Deferred[T]:
        """Run a function in the pool; see ``IBlockingCalls``.

        A function that was cancelled before a thread was free is never run.
        """
        if refusal := self._refusal():
            return fail(BackendError(refusal))
        job = _Job(function, args, self._name)
        self._unfinished += 1
        self._pool.callInThreadWithCallback(
            partial(self._reactor.callFromThread, self._finish, job, late), job.run
        )
        return job.answer.addTimeout(timeout, self._clock, job.timeout_failure)

    def close(self) -> None:
        """Take no more calls; functions that still run are left behind and end with the process."""
        if self._closed:
            return
        self._closed = True
        for part in self._parts:
            part.close()
        if self._unfinished:
            self.log.warn(
                "{calls}: {count} blocking calls are left behind",
                calls=self._name or "all",
                count=self._unfinished,
            )
            DaemonThread(target=self._pool.stop).start()
        else:
            self._pool.stop()

    def _refusal(self) -> str:
        prefix = f"{self._name}: " if self._name else ""
        if self._closed:
            return f"{prefix}the pool of blocking calls is closed"
        if self._unfinished >= self._threads + self._waiting:
            return (
                f"{prefix}{self._unfinished} blocking calls are unanswered in "
                f"{self._threads} threads"
            )
        return ""

    def _finish(
        self, job: _Job[T], late: Callable[[T], object] | None, succeeded: bool, result: Any
    ) -> None:
        self._unfinished -= 1
        if not job.abandoned:
            # Deferred.callback takes a Failure as well, and then fires the errbacks
            job.answer.callback(result)
            return
        outcome = "its result is dropped" if succeeded else result.getErrorMessage()
        self.log.info(
            "{call} ended after it was given up: {outcome}", call=job.name, outcome=outcome
        )
        if succeeded and late is not None:
            self._pool.callInThread(late, result)
