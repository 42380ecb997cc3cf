"""Answers to orders that no process of ours sends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cluster.giving import CONFIRM_TIME, OrderGiver
from vncproxy.cluster.keys import ClusterKeys
from vncproxy.cluster.obeying import Obedience
from vncproxy.cluster.order import Kind, Order
from vncproxy.errors import ModeFixed, StoreUnavailable
from vncproxy.model import Announcement, Changed, Identity, Messaged, Mode, SessionFilter

OTHER = "c" * 16

MALFORMED = (
    b"",
    b"[]",
    b"{}",
    b'{"order": [], "worker": "b"}',
    b'{"order": "1", "worker": "b", "ended": "many"}',
    b'{"order": "1", "worker": "b", "ended": NaN}',
    b'{"order": "1", "worker": "b", "ended": Infinity}',
)


class AnswerTests(SynchronousTestCase):
    def test_a_malformed_one_is_ignored(self) -> None:
        unused: Any = None
        identity = Identity("a" * 16, "b" * 16, "north")
        giver = OrderGiver(identity, unused, ClusterKeys("vncproxy"), unused, Clock())

        with capturedLogs() as logged:
            for message in MALFORMED:
                giver.confirmed(message)

        said = [event["log_format"] for event in logged]
        self.assertEqual(said, ["a malformed answer to an order was ignored"] * len(MALFORMED))


class LostTests(SynchronousTestCase):
    """An order that Redis did not take."""

    def give(self, worker: str) -> list[tuple[Order, str]]:
        """Give an order while Redis is away; returns which are late."""
        unused: Any = None
        obedience: Any = Obedience(Identity("a" * 16, "b" * 16, "north"), unused, lambda: None)
        self.patch(obedience, "obey", succeed_with_none_ended)
        giver = OrderGiver(
            Identity("a" * 16, "b" * 16, "north"), unused, ClusterKeys("v"), obedience, Clock()
        )
        self.patch(giver, "_send", fail_to_send)
        late: list[tuple[Order, str]] = []
        giver.on_late = lambda order, worker_id: late.append((order, worker_id))
        wanted = SessionFilter(ids=frozenset({"7f3a"}))
        self.order = giver.new_order(Kind.END, wanted, reason="taken-over", worker=worker)
        self.failureResultOf(Deferred.fromCoroutine(giver.give(self.order)), StoreUnavailable)
        return late

    def test_one_for_a_process_is_given_again_later(self) -> None:
        late = self.give(OTHER)
        self.assertEqual(late, [(self.order, OTHER)])

    def test_one_for_all_is_given_again_by_its_giver(self) -> None:
        self.assertEqual(self.give(""), [])


async def succeed_with_none_ended(order: Order) -> int:
    return 0


async def fail_to_send(order: Order) -> list[Announcement]:
    raise StoreUnavailable("away")


class AnsweredTestCase(SynchronousTestCase):
    """An order to the process of one session, which a test answers."""

    order: Order

    def setUp(self) -> None:
        self.clock = Clock()
        unused: Any = None
        identity = Identity("a" * 16, "b" * 16, "north")
        self.giver = OrderGiver(identity, unused, ClusterKeys("vncproxy"), unused, self.clock)
        there = Announcement(Identity("a" * 16, OTHER, "north"))
        self.patch(self.giver, "_send", self.send)
        self.workers = [there]
        self.wanted = SessionFilter(ids=frozenset({"7f3a"}))

    async def send(self, order: Order) -> list[Announcement]:
        return self.workers

    def answer(self, **members: object) -> None:
        answer = {"order": self.order.id, "worker": OTHER, "ended": 0, **members}
        self.giver.confirmed(json.dumps(answer).encode())


class MessageTests(AnsweredTestCase):
    """The answers of the process whose session is sent a message."""

    def setUp(self) -> None:
        super().setUp()
        order = self.giver.new_order(Kind.MESSAGE, self.wanted, worker=OTHER, by="desk")
        self.order = replace(order, text="18:00")
        self.messaging = Deferred.fromCoroutine(self.giver.message(self.order))

    def test_what_became_of_it(self) -> None:
        for members, expected in (
            ({"messaged": 1, "shown": True}, Messaged(known=True, shown=True)),
            ({"messaged": 1, "shown": False}, Messaged(known=True, shown=False)),
            ({"messaged": 0, "shown": False}, Messaged(known=False)),
            ({"unknown": True}, Messaged(known=True, shown=False)),  # an earlier version
        ):
            messaging = Deferred.fromCoroutine(self.giver.message(self.order))
            self.answer(**members)
            self.assertEqual(self.successResultOf(messaging), expected)

    def test_a_process_that_was_killed_is_named(self) -> None:
        self.clock.advance(CONFIRM_TIME)

        messaged = self.successResultOf(self.messaging)
        self.assertFalse(messaged.known)
        self.assertEqual([each.worker for each in messaged.unconfirmed], [OTHER])


class ChangeTests(AnsweredTestCase):
    """The answers of the process whose session is to change."""

    def setUp(self) -> None:
        super().setUp()
        self.order = self.giver.new_order(
            Kind.CHANGE, self.wanted, worker=OTHER, mode=Mode.VIEW_ONLY, by="desk"
        )
        self.changing = Deferred.fromCoroutine(self.giver.change(self.order))

    def test_it_has_changed(self) -> None:
        self.answer(changed=1, reenters=True)

        self.assertEqual(self.successResultOf(self.changing), Changed(known=True, reenters=True))

    def test_it_has_ended_meanwhile(self) -> None:
        self.answer(changed=0, reenters=False)

        self.assertEqual(self.successResultOf(self.changing), Changed(known=False))

    def test_it_is_refused_in_words(self) -> None:
        self.answer(changed=0, refused="Try again.\n")

        failure = self.failureResultOf(self.changing, ModeFixed)
        self.assertEqual(failure.value.sentence(), "Try again.\\u000a")

    def test_an_older_version_does_not_know_how(self) -> None:
        self.answer(unknown=True)

        self.assertIn("version", self.failureResultOf(self.changing, ModeFixed).value.sentence())

    def test_a_process_that_was_killed_is_named(self) -> None:
        self.clock.advance(CONFIRM_TIME)

        changed = self.successResultOf(self.changing)
        self.assertFalse(changed.known)
        self.assertEqual([each.worker for each in changed.unconfirmed], [OTHER])
        self.answer(changed=1)  # too late
