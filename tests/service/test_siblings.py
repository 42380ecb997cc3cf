"""What a worker tells the others when it is full."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import OverLimit, VNCProxyError
from vncproxy.service.siblings import Siblings


class FullTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.refusal: VNCProxyError | None = None
        self.paused = False
        sessions: Any = SimpleNamespace(refusal=lambda: self.refusal, draining=False)
        limits = SimpleNamespace(connections=10)
        accepting: Any = SimpleNamespace(pause=self.pause)
        self.siblings = Siblings(sessions, cast(Any, Connections(limits)), accepting)
        self.said = 0
        self.siblings.on_full = self.count

    def pause(self, paused: bool, _: str) -> None:
        self.paused = paused

    def count(self) -> None:
        self.said += 1

    def fill(self, full: bool = True) -> None:
        self.refusal = OverLimit("full") if full else None
        self.siblings.check()

    def test_it_is_said_once_after_each_report_that_there_is_room(self) -> None:
        self.assertTrue(self.siblings.report())
        for _ in range(3):
            self.fill()
            self.fill(False)
        self.assertEqual(self.said, 1)

        self.siblings.report()
        self.fill()
        self.assertEqual(self.said, 2)

    def test_nothing_is_said_that_was_reported(self) -> None:
        self.fill()
        self.assertFalse(self.siblings.report())
        self.fill()

        self.assertEqual(self.said, 0)

    def test_one_that_is_full_leaves_connections_to_another_until_that_is_full_too(self) -> None:
        self.siblings.update(have_room=True)
        self.fill()
        self.assertTrue(self.paused)

        self.siblings.update(have_room=False)

        self.assertFalse(self.paused)


class Connections:
    """Has none open."""

    descriptor_limit = 10

    def __init__(self, limits: Any) -> None:
        self.limits = limits

    def __len__(self) -> int:
        return 0
