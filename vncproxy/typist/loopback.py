"""A connection within the process, as the transport of a leg."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from ..relay.leg import Leg
from ..relay.sockets import IFinishesSending


@implementer(IFinishesSending)
class Loopback:
    """The transport of a leg, whose peer is an object of this process.

    What the leg writes arrives in a later turn of the reactor, as it would from a socket. It has
    always room: its peer reads all that comes.

    Args:
        leg: is connected at once.
        receive: called with the bytes that the leg has sent.

    Attributes:
        reading: whether the leg takes bytes now.
        on_reading: called when it takes bytes again.
    """

    def __init__(self, leg: Leg, receive: Callable[[bytes], object], clock: IReactorTime) -> None:
        self.reading = True
        self.on_reading: Callable[[], object] = _nothing
        self._leg = leg
        self._receive = receive
        self._clock = clock
        self._written = bytearray()
        self._later: Any = None
        self._is_closing = self._is_lost = False
        leg.makeConnection(self)

    def send(self, data: bytes) -> None:
        """Give bytes to the leg; only while it is `reading`."""
        if not (self._is_closing or self._is_lost):
            self._leg.dataReceived(data)

    def write(self, data: bytes) -> None:
        """Carry bytes to the peer; called by the leg."""
        if not (self._is_closing or self._is_lost):
            self._written += data
            self._run_later()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Carry bytes to the peer; called by the leg."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close, once all that was written has arrived."""
        self._is_closing = True
        self._run_later()

    finish_sending = loseWriteConnection = loseConnection

    def abortConnection(self) -> None:
        """Close, without what has not arrived yet."""
        self._written.clear()
        self.loseConnection()

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """Do nothing: there is always room."""

    def unregisterProducer(self) -> None:
        """Do nothing."""

    def pauseProducing(self) -> None:
        """Take no more bytes."""
        self.reading = False

    def resumeProducing(self) -> None:
        """Take bytes again."""
        self.reading = True
        self.on_reading()

    def stopProducing(self) -> None:
        """Close."""
        self.loseConnection()

    def _run_later(self) -> None:
        if self._later is None and not self._is_lost:
            self._later = self._clock.callLater(0, self._carry)

    def _carry(self) -> None:
        self._later = None
        written, self._written = bytes(self._written), bytearray()
        if written:
            self._receive(written)
        if self._is_closing and not self._is_lost:
            self._is_lost = True
            self._leg.connectionLost(Failure(ConnectionDone()))


def _nothing() -> None:
    """Do nothing."""
