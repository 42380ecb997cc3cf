"""Deletes recordings that are kept no longer, every ten minutes, in one process of the cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..blocking import DaemonPool, DaemonThread
from ..config.settings import Settings
from ..errors import StoreUnavailable
from ..model import Identity
from .turns import turns_of

if TYPE_CHECKING:
    from ..archive.keeping import Rule
    from ..archive.library import Library
    from ..archive.pruning import Pruner
    from ..cluster.cluster import Cluster
    from ..cluster.turns import Turns
    from ..interfaces import IReviewLinks

FIRST: Final = 2.0
INTERVAL: Final = 600.0
"""Seconds between the start and the first look, and between two looks."""


class Pruning:
    """Looks for recordings that are kept no longer, while the proxy runs.

    Args:
        settings: returns those in force.
        turns: decide which process does it; None where this one is alone.
    """

    log = Logger()

    def __init__(
        self,
        pruner: Pruner,
        library: Library,
        settings: Callable[[], Settings],
        turns: Turns | None,
        threads: Threads,
        reactor: Any,
    ) -> None:
        self.pruner = pruner
        self._library = library
        self._settings = settings
        self._turns = turns
        self._threads = threads
        self._reactor = reactor
        self._loop = LoopingCall(self._look)
        self._loop.clock = reactor
        self._first: Any = None

    def start(self) -> None:
        """Begin soon."""
        self._first = self._reactor.callLater(FIRST, self._loop.start, INTERVAL)

    def stop(self) -> None:
        """End; what is being deleted is deleted."""
        if self._first is not None and self._first.active():
            self._first.cancel()
        if self._loop.running:
            self._loop.stop()
        self._threads.stop()

    def counts(self) -> Mapping[str, int]:
        """Return how many recordings were deleted, by the reason."""
        return self.pruner.pruned

    def _look(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.look()).addErrback(self._failed)

    async def look(self) -> None:
        """Look once."""
        rules = rules_of(self._settings())
        if rules and await self._has_turn():
            await self.pruner.prune(rules)

    async def _has_turn(self) -> bool:
        if self._turns is None:
            return True
        storage = await self._threads.call(self._library.storage_id)
        return await self._turns.take(f"prune:{storage}", 2 * INTERVAL)

    def _failed(self, why: Failure) -> None:
        from ..archive.library import CannotRead

        if why.check(StoreUnavailable, CannotRead):
            text = "recordings that are kept no longer stay for now: {why}"
            self.log.warn(text, why=str(why.value))
        else:
            self.log.failure("recordings are not pruned", why)


class Threads:
    """One thread, in which no session and no user waits."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pool = DaemonPool(0, 1, "pruning of recordings")
        self._pool.start()

    def call(self, function: Callable[[], Any]) -> Deferred[Any]:
        """Call a function; it may take minutes."""
        done: Deferred[Any] = Deferred()

        def fire(succeeded: bool, result: Any) -> None:
            self._reactor.callFromThread(done.callback if succeeded else done.errback, result)

        self._pool.callInThreadWithCallback(fire, function)
        return done

    def stop(self) -> None:
        """Take no more calls; what is under way ends with the process."""
        DaemonThread(target=self._pool.stop).start()


def make_pruning(
    library: Library,
    links: IReviewLinks,
    settings: Callable[[], Settings],
    cluster: Cluster | None,
    me: Identity,
    note: Callable[[str, Mapping[str, object]], object],
    reactor: Any,
) -> Pruning:
    """Return what deletes recordings by the rules in force."""
    from ..archive.pruning import Pruner

    threads = Threads(reactor)
    pruner = Pruner(library, threads.call, links.linked, note, time.time, reactor.seconds)
    return Pruning(pruner, library, settings, turns_of(cluster, me), threads, reactor)


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """Return the rules of a configuration."""
    from ..archive.keeping import Rule

    keep = settings.recording.keep
    return tuple(Rule(each.vms, each.users, each.age, each.size) for each in keep)
