"""Answers to orders that no process of ours sends."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cluster.giving import OrderGiver
from vncproxy.cluster.keys import ClusterKeys
from vncproxy.model import Identity

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
