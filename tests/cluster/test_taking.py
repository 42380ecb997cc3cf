"""What becomes of orders that take long, or cannot be carried out whole."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.cluster import LocalSessions
from vncproxy.cluster import cluster
from vncproxy.cluster.obeying import Obedience
from vncproxy.cluster.order import Kind, Order, encode
from vncproxy.config.redis import RedisSettings
from vncproxy.errors import SessionEnded, StoreUnavailable
from vncproxy.model import Announcement, Changed, Identity, Mode, SessionFilter

CHANGE = Order(
    "2",
    Kind.CHANGE,
    SessionFilter(ids=frozenset({"7f3a"})),
    by="desk",
    worker="b" * 16,
    mode=Mode.VIEW_ONLY,
)
ORDER = Order("1", Kind.END, SessionFilter(user="alice"), "ended-by-administrator", "", "c" * 16)


class SlowSessions(LocalSessions):
    """Sessions that take long to end."""

    async def end_matching(self, why: SessionEnded, wanted: SessionFilter) -> int:
        await Deferred()
        return 1

    async def change(self, session_id: str, mode: Mode, by: str = "") -> Changed:
        await Deferred()
        return Changed(known=True)


class AwaySessions(LocalSessions):
    """Sessions whose store does not answer."""

    async def change(self, session_id: str, mode: Mode, by: str = "") -> Changed:
        raise StoreUnavailable("away")


class TakingTests(SynchronousTestCase):
    def take(self, order: Order, sessions: LocalSessions) -> Deferred[None]:
        """Let a process begin to carry an order out."""
        takes: list[Callable[[str, str], Coroutine[Any, Any, None]]] = []
        self.patch(cluster, "OrderStream", lambda _, __, take, *more: takes.append(take))
        identity = Identity("a" * 16, "b" * 16, "north")
        unused: Any = None
        cluster.Cluster(
            identity,
            RedisSettings(),
            sessions,
            lambda: Announcement(identity),
            unused,
            unused,
            MemoryReactorClock(),
        )

        return Deferred.fromCoroutine(takes[0]("1-0", encode(order)))

    def test_an_order_that_takes_long_ends_with_reading(self) -> None:
        taking = self.take(ORDER, SlowSessions())
        self.assertNoResult(taking)
        taking.cancel()

        self.failureResultOf(taking, CancelledError)

    def test_the_next_orders_do_not_wait_for_a_change(self) -> None:
        self.successResultOf(self.take(CHANGE, SlowSessions()))

    def test_a_change_that_may_be_forgotten_is_answered_in_words(self) -> None:
        unused: Any = None
        obedience = Obedience(Identity("a" * 16, "b" * 16, "north"), AwaySessions(), unused)

        answer = self.successResultOf(Deferred.fromCoroutine(obedience.change(CHANGE)))

        self.assertEqual(answer["changed"], 0)
        self.assertIn("could not reach the token store", str(answer["refused"]))
