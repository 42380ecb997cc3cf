"""What becomes of an order that is being carried out when reading ends."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.cluster import LocalSessions
from vncproxy.cluster import cluster
from vncproxy.cluster.order import Kind, Order, encode
from vncproxy.config.redis import RedisSettings
from vncproxy.errors import SessionEnded
from vncproxy.model import Announcement, Identity, SessionFilter

ORDER = Order("1", Kind.END, SessionFilter(user="alice"), "ended-by-administrator", "", "c" * 16)


class SlowSessions(LocalSessions):
    """Sessions that take long to end."""

    async def end_matching(self, why: SessionEnded, wanted: SessionFilter) -> int:
        await Deferred()
        return 1


class TakingTests(SynchronousTestCase):
    def test_an_order_that_takes_long_ends_with_reading(self) -> None:
        takes: list[Callable[[str, str], Coroutine[Any, Any, None]]] = []
        self.patch(cluster, "OrderStream", lambda _, __, take, *more: takes.append(take))
        identity = Identity("a" * 16, "b" * 16, "north")
        unused: Any = None
        cluster.Cluster(
            identity,
            RedisSettings(),
            SlowSessions(),
            lambda: Announcement(identity),
            unused,
            unused,
            MemoryReactorClock(),
        )

        taking = Deferred.fromCoroutine(takes[0]("1-0", encode(ORDER)))
        self.assertNoResult(taking)
        taking.cancel()

        self.failureResultOf(taking, CancelledError)
