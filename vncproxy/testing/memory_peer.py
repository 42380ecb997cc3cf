"""TCP in memory: the other end of a protocol's connection."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IAddress, IProtocol, IPushProducer, ITCPTransport
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(ITCPTransport, IPushProducer)
class MemoryPeer:
    """The other end of a protocol's connection: TCP in memory, with a bounded send buffer.

    Bytes arrive and closes complete in `pump`, where a reactor would do it later.

    Args:
        protocol: is connected at once.
        room: size of the send buffer, above which the producer is paused until `receive`.
        address: the peer's address; by default one for documentation.

    Attributes:
        closed: the reason of the end, once the connection is closed.
        reading: whether the protocol reads.
        half_closed: whether the protocol has half-closed.
        most: the largest number of bytes that were in the send buffer.
        disconnecting: whether the protocol has called `loseConnection`.
    """

    def __init__(
        self, protocol: IProtocol, room: int = 65536, address: IAddress | None = None
    ) -> None:
        self.closed: Failure | None = None
        self.reading = True
        self.half_closed = False
        self.most = 0
        self.disconnecting = False
        self._protocol = protocol
        self._room = room
        self._address = address or IPv4Address("TCP", "192.0.2.1", 50000)
        self._coming: list[bytes | Failure] = []
        self._leaving = bytearray()
        self._producer: IPushProducer | None = None
        self._paused = False
        protocol.makeConnection(self)

    def send(self, *pieces: bytes) -> None:
        """Send bytes, each piece as one segment."""
        self._coming += pieces
        self.pump()

    def receive(self) -> bytes:
        """Return what the protocol has sent, and empty the send buffer."""
        data = bytes(self._leaving)
        self._leaving.clear()
        if self._paused and self._producer is not None:
            self._paused = False
            self._producer.resumeProducing()
        self.pump()
        return data

    def close(self) -> None:
        """Close, after the bytes that were sent."""
        self._coming.append(Failure(ConnectionDone()))
        self.pump()

    def reset(self) -> None:
        """Reset the connection; bytes that the protocol has not read yet are lost."""
        self._lose(Failure(ConnectionLost("reset by the peer")))

    def pump(self) -> bool:
        """Deliver what was sent; returns whether anything was delivered."""
        moved = False
        while self.closed is None and self._step():
            moved = True
        return moved

    def _step(self) -> bool:
        if self.disconnecting and not self._leaving:
            self._lose(Failure(ConnectionDone()))
        elif self.reading and self._coming and not self.disconnecting:
            self._arrive(self._coming.pop(0))
        else:
            return False
        return True

    def _arrive(self, event: bytes | Failure) -> None:
        if isinstance(event, Failure):
            self._lose(event)
        else:
            self._protocol.dataReceived(event)

    def _lose(self, why: Failure) -> None:
        if self.closed is None:
            self.closed = why
            producer, self._producer = self._producer, None
            if producer is not None:  # as Twisted's transports do, before the protocol knows
                producer.stopProducing()
            self._protocol.connectionLost(why)

    def write(self, data: bytes) -> None:
        """Put bytes into the send buffer; called by the protocol."""
        if self.closed is not None or self.half_closed:
            return
        self._leaving += data
        self.most = max(self.most, len(self._leaving))
        if self._producer is not None and len(self._leaving) > self._room and not self._paused:
            self._paused = True
            self._producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Put bytes into the send buffer."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close after everything is received; nothing is delivered any more."""
        self.disconnecting = True

    def loseWriteConnection(self) -> None:
        """Half-close."""
        self.half_closed = True

    def abortConnection(self) -> None:
        """Close at once."""
        self._lose(Failure(ConnectionAborted()))

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """Pause and resume a producer by the room in the send buffer."""
        assert streaming
        if self._producer is not None:
            raise RuntimeError("there is a producer already")
        self._producer = producer

    def unregisterProducer(self) -> None:
        """Remove the producer."""
        self._producer, self._paused = None, False

    def pauseProducing(self) -> None:
        """Stop delivery."""
        self.reading = False

    def resumeProducing(self) -> None:
        """Resume delivery, at the next `pump`."""
        self.reading = True

    def stopProducing(self) -> None:
        """Close."""
        self.loseConnection()

    def getPeer(self) -> IAddress:  # type: ignore[override]  # unix sockets have none
        """Return the peer's address."""
        return self._address

    def getHost(self) -> IPv4Address:
        """Return an address for documentation."""
        return IPv4Address("TCP", "192.0.2.2", 6080)

    def getTcpNoDelay(self) -> bool:
        """Return True."""
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Do nothing."""

    def getTcpKeepAlive(self) -> bool:
        """Return True."""
        return True

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Do nothing."""


def carry(one: MemoryPeer, other: MemoryPeer) -> None:
    """Carry bytes and closes between two connections until neither sends any more."""
    busy = True
    while busy:
        busy = False
        for source, sink in ((one, other), (other, one)):
            if data := source.receive():
                sink.send(data)
                busy = True
            if source.closed is not None and sink.closed is None:
                sink.close()
