"""Workers without processes, as the supervisor sees them."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure


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


class MemoryLauncher:
    """Starts workers.

    Attributes:
        workers: all that were started, in their order.
    """

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.workers: list[Worker] = []

    def start(self, protocol: Any, *_: object) -> tuple[Worker, Worker]:
        worker = protocol.transport = Worker(protocol)
        self.workers.append(worker)
        return worker, worker


def connect(channel: Any, worker: Worker, reactor: object) -> None:
    """Connect the supervisor's channel to a worker, instead of ``open_channel``."""
    worker.channel = channel
    channel.makeConnection(worker.wire)
