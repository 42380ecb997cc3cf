"""The workers of a generation, without their processes."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.supervisor import process
from vncproxy.supervisor.generation import LONGEST_PAUSE, Generation
from vncproxy.supervisor.process import StartFailed


class Worker:
    """The process of a worker as its protocol has it.

    Attributes:
        wire: what the supervisor writes to it.
    """

    pid = 7

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.wire = StringTransport()
        self.channel: Any = None
        self.has_ended = False
        self.is_killed = False

    def says(self, **message: Any) -> None:
        """Send a message to the supervisor."""
        self.channel.dataReceived(json.dumps(message).encode() + b"\n")

    def told(self) -> list[str]:
        """Return the orders that it was sent since the last call."""
        lines = self.wire.value().splitlines()
        self.wire.clear()
        return [json.loads(line)["do"] for line in lines]

    def signalProcess(self, number: int) -> None:
        """Note a signal; called by the supervisor."""
        if self.has_ended:
            raise ProcessExitedAlready
        self.is_killed = True

    def end(self) -> None:
        """Let the process end."""
        self.has_ended = True
        self.protocol.processExited(Failure(ProcessTerminated(signal=9)))


class GenerationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(process, "open_channel", self.connect)
        self.clock = Clock()
        self.workers: list[Worker] = []
        self.generation = self.new_generation(2)

    def new_generation(self, count: int) -> Generation:
        launcher: Any = SimpleNamespace(start=self.start, reactor=self.clock)
        return Generation(1, b"", count, launcher, self.clock, lambda *_: None, 30.0)

    def start(self, protocol: Any, *_: object) -> tuple[Worker, Worker]:
        worker = protocol.transport = Worker(protocol)
        self.workers.append(worker)
        return worker, worker

    def connect(self, channel: Any, worker: Any, _: object) -> None:
        worker.channel = channel
        channel.makeConnection(worker.wire)

    def begin(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.generation.start())

    def serve(self, wanted: int = 2) -> None:
        """Let the workers start, and serve."""
        starting = self.begin()
        for worker in self.workers:
            worker.says(**{"is": "ready", "workers": wanted})
        self.successResultOf(starting)
        self.generation.serve()

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
