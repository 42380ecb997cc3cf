"""Orders that were not confirmed are given again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cluster.giving import CONFIRM_TIME
from vncproxy.cluster.order import Kind, Order
from vncproxy.cluster.repeating import MOST_LATE, LateOrders
from vncproxy.errors import StoreUnavailable
from vncproxy.model import (
    Announcement,
    ConsoleType,
    Ended,
    Identity,
    SessionFilter,
    SessionInfo,
    Unconfirmed,
    UnixTime,
)

STOPPED, HEALTHY = "a" * 16, "b" * 16


class FakeGiver:
    """Gives orders; processes confirm at once, or do not."""

    def __init__(self, clock: Clock) -> None:
        self.on_late: Any = None
        self.given: list[tuple[str, str]] = []
        self.silent = {STOPPED}
        self._clock = clock

    async def give_once(self, order: Order) -> Ended:
        self.given.append((order.id, order.worker))
        if order.worker not in self.silent:
            return Ended(0)
        await deferLater(self._clock, CONFIRM_TIME)
        return Ended(0, (Unconfirmed("p", "north", order.worker),))


class FakePresence:
    """Two processes, none of which drains."""

    def __init__(self) -> None:
        self.answer: Deferred[None] | None = None

    async def workers(self) -> Sequence[Announcement]:
        if self.answer is not None:
            await self.answer
        return [
            Announcement(Identity("p", each, "north"), sessions=1) for each in (STOPPED, HEALTHY)
        ]


class FakeSessions:
    """What the processes have written to Redis of their sessions."""

    def __init__(self) -> None:
        self.written: list[SessionInfo] = []

    async def of_worker(self, worker: Announcement, wanted: SessionFilter) -> list[SessionInfo]:
        return [each for each in self.written if wanted.accepts(each)]


def session(user: str) -> SessionInfo:
    return SessionInfo(
        "5e551011", ConsoleType.NOVNC, "192.0.2.1", UnixTime(0.0), user=user, seconds=30.0
    )


class RepeatingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.presence = Clock(), FakePresence()
        self.giver = FakeGiver(self.clock)
        giver: Any = self.giver
        presence: Any = self.presence
        self.sessions = FakeSessions()
        sessions: Any = self.sessions
        self.late = LateOrders(giver, presence, sessions, self.clock)

    def note(self, number: int, worker_id: str) -> None:
        """Let a process be late with an order: to drain, which is seen without sessions."""
        self.giver.on_late(Order(str(number), Kind.DRAIN, SessionFilter()), worker_id)

    def test_a_process_that_obeys_nothing_costs_one_wait_however_many_orders_it_has(self) -> None:
        for number in range(50):
            self.note(number, STOPPED)
        repeating = Deferred.fromCoroutine(self.late.repeat())
        self.clock.advance(CONFIRM_TIME)
        self.successResultOf(repeating)
        self.assertEqual(self.giver.given, [("0", STOPPED)])

    def test_others_get_all_of_theirs(self) -> None:
        for number in range(6):
            self.note(number, (STOPPED, HEALTHY)[number % 2])
        repeating = Deferred.fromCoroutine(self.late.repeat())
        self.clock.advance(CONFIRM_TIME)
        self.successResultOf(repeating)
        healthy = [order for order, worker in self.giver.given if worker == HEALTHY]
        self.assertEqual(healthy, ["1", "3", "5"])

    def test_each_time_it_is_the_turn_of_another_order(self) -> None:
        for number in range(3):
            self.note(number, STOPPED)
        for _ in range(4):
            self.late.begin_repeating()
            self.clock.advance(CONFIRM_TIME)
        self.assertEqual([order for order, _ in self.giver.given], ["0", "1", "2", "0"])

    def test_it_goes_on_beside_the_heartbeat_once_at_a_time(self) -> None:
        self.note(1, STOPPED)
        for _ in range(3):
            self.late.begin_repeating()
        self.assertEqual(len(self.giver.given), 1)
        self.clock.advance(CONFIRM_TIME)
        self.late.begin_repeating()
        self.assertEqual(len(self.giver.given), 2)

    def test_an_order_that_is_forgotten_meanwhile_is_no_error(self) -> None:
        self.note(0, STOPPED)
        repeating = Deferred.fromCoroutine(self.late.repeat())
        for number in range(1, MOST_LATE + 1):
            self.note(number, STOPPED)
        self.clock.advance(CONFIRM_TIME)
        self.successResultOf(repeating)
        self.late.begin_repeating()
        self.assertEqual([order for order, _ in self.giver.given], ["0", "1"])

    def test_sessions_that_are_not_written_again_yet_are_waited_for(self) -> None:
        order = Order("1", Kind.END, SessionFilter(user="carol"))
        self.giver.on_late(order, HEALTHY)
        self.late.begin_repeating()
        self.assertEqual(self.giver.given, [])
        self.sessions.written = [session("carol")]

        for _ in range(2):
            self.late.begin_repeating()
            self.sessions.written = [session("dora")]

        self.late.begin_repeating()
        self.assertEqual(self.giver.given, [("1", HEALTHY)])

    def test_without_redis_it_is_tried_again_the_next_time(self) -> None:
        self.note(1, HEALTHY)
        self.presence.answer = fail(StoreUnavailable("away"))
        self.late.begin_repeating()
        self.presence.answer = None
        self.late.begin_repeating()
        self.assertEqual(self.giver.given, [("1", HEALTHY)])

    def test_it_stops(self) -> None:
        self.note(1, STOPPED)
        self.late.begin_repeating()
        self.late.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
