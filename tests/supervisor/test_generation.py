"""The workers of a generation, without their processes."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.workers import MemoryLauncher, connect
from vncproxy.supervisor import process
from vncproxy.supervisor.generation import LONGEST_PAUSE, Generation
from vncproxy.supervisor.process import StartFailed


class GenerationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(process, "open_channel", connect)
        self.clock = Clock()
        self.launcher: Any = MemoryLauncher(self.clock)
        self.workers = self.launcher.workers
        self.generation = self.new_generation(2)

    def new_generation(self, count: int) -> Generation:
        return Generation(1, b"", count, self.launcher, self.clock, lambda *_: None, 30.0)

    def begin(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.generation.start())

    def serve(self, wanted: int = 2) -> None:
        """Let the workers start, and serve."""
        starting = self.begin()
        for worker in self.workers:
            worker.says(**{"is": "ready", "workers": wanted})
        self.successResultOf(starting)
        self.generation.serve(drained=False)

    def test_one_that_ends_before_all_are_ready_fails_the_start(self) -> None:
        starting = self.begin()
        one, other = self.workers
        one.says(**{"is": "ready", "workers": 2})
        one.end()
        other.says(**{"is": "ready", "workers": 2})

        failure = self.failureResultOf(starting, StartFailed)

        self.assertIn("worker 1 ended before it could serve", str(failure.value))

    def test_one_that_ends_later_is_started_again(self) -> None:
        self.serve()
        self.workers[1].end()
        self.clock.advance(LONGEST_PAUSE)

        self.assertEqual([each.number for each in self.generation], [1, 2])
        self.workers[2].says(**{"is": "ready", "workers": 2})
        self.assertEqual(self.workers[2].told(), ["serve"])

    def test_those_that_are_not_wanted_any_more_stay_away(self) -> None:
        self.serve(wanted=1)
        self.assertTrue(self.workers[1].is_killed)
        self.workers[1].end()
        self.clock.advance(LONGEST_PAUSE)

        self.assertEqual(len(self.workers), 2)
