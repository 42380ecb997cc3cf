"""The output of a process as the answer to a request."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IPushProducer, IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from zope.interface import implementer

from .sending import keep_answering

LONGEST_COMPLAINT: Final = 2000
"""Bytes of what a process says on its standard error that are logged."""

_VARIABLES: Final = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


@implementer(IPushProducer)
class Following(ProcessProtocol):
    """Sends what a process writes, as fast as the client reads; each ends with the other.

    Attributes:
        sent: bytes of it.
        is_over: whether there is nothing more to send.
        is_at_end: whether that is so because the process has ended by itself.
        done: fires with None at the end.
    """

    log = Logger()

    def __init__(self, request: Request) -> None:
        self.sent = 0
        self.is_over = self.is_at_end = False
        self.done: Deferred[None] = Deferred()
        self._request = request
        self._complaint = b""

    def connectionMade(self) -> None:
        """Begin to send."""
        self._request.registerProducer(self, True)
        self._request.notifyFinish().addBoth(lambda _: self.stopProducing())

    def outReceived(self, data: bytes) -> None:
        """Send entries."""
        if self.is_over:
            return
        self.sent += len(data)
        self._request.write(data)
        keep_answering(self._request)

    def errReceived(self, data: bytes) -> None:
        """Keep the beginning of a complaint."""
        self._complaint = (self._complaint + data)[:LONGEST_COMPLAINT]

    def processEnded(self, reason: Failure) -> None:
        """End the answer."""
        if self._complaint:
            text = self._complaint.decode("utf-8", "replace")
            self.log.warn("a recording is not followed any more: {text}", text=text)
        self.is_at_end = not self.is_over
        self.end()

    def end(self, last: bytes = b"") -> None:
        """End the answer, and the process; nothing happens where it is over.

        Args:
            last: what is sent before the end.
        """
        if self.is_over:
            return
        self._kill()
        self._request.unregisterProducer()
        self._request.write(last)
        self._request.finish()

    def pauseProducing(self) -> None:
        """Read no more of the process, which waits then; called by the connection."""
        self._process.pauseProducing()

    def resumeProducing(self) -> None:
        """Read again; called by the connection."""
        self._process.resumeProducing()

    def stopProducing(self) -> None:
        """End the process, since the client has gone; called by the connection."""
        if not self.is_over:
            self._kill()

    def _kill(self) -> None:
        self.is_over = True
        with suppress(ProcessExitedAlready):
            self._process.signalProcess("KILL")
        self.done.callback(None)

    @property
    def _process(self) -> Any:
        return self.transport


def follow(argv: Sequence[str], request: Request, reactor: IReactorProcess) -> Following:
    """Answer a request with the output of a process, until one of them ends.

    The process gets no variables that could hold secrets, and a standard input that ends with this
    process.
    """
    following = Following(request)
    variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    reactor.spawnProcess(following, argv[0], list(argv), env=variables)
    return following
