"""The output of a process as the answer to a request."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request

LONGEST_COMPLAINT = 2000
"""Bytes of what a process says on its standard error that are logged."""


class Following(ProcessProtocol):
    """Sends what a process writes, as fast as the client reads; each ends with the other."""

    log = Logger()

    def __init__(self, request: Request) -> None:
        self._request = request
        self._is_over = False
        self._complaint = b""

    def connectionMade(self) -> None:
        """Begin to send."""
        self._request.registerProducer(self.transport, True)
        self._request.notifyFinish().addBoth(self._on_client_gone)

    def outReceived(self, data: bytes) -> None:
        """Send entries."""
        if not self._is_over:
            self._request.write(data)

    def errReceived(self, data: bytes) -> None:
        """Keep the beginning of a complaint."""
        self._complaint = (self._complaint + data)[:LONGEST_COMPLAINT]

    def processEnded(self, reason: Failure) -> None:
        """End the answer."""
        if self._complaint:
            text = self._complaint.decode("utf-8", "replace")
            self.log.warn("a recording is not followed any more: {text}", text=text)
        if not self._is_over:
            self._is_over = True
            self._request.unregisterProducer()
            self._request.finish()

    def _on_client_gone(self, result: object) -> None:
        if not self._is_over:
            self._is_over = True
            assert self.transport is not None
            with suppress(ProcessExitedAlready):
                self.transport.signalProcess("KILL")


def follow(argv: Sequence[str], request: Request, reactor: IReactorProcess) -> None:
    """Answer a request with the output of a process, until one of them ends."""
    reactor.spawnProcess(Following(request), argv[0], list(argv), env=None)
