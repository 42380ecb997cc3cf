"""Test doubles for people who write backends or other parts: small, real implementations.

They need no network and no threads; the server works on in-memory connections and on real sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IAddress, IProtocol, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from .errors import VMNotFound, VNCProxyError
from .handshake.steps import Dialogue, Read, Steps, Write
from .interfaces import IBlockingCalls, IConsoleBackend, IVMInventory
from .model import ConsoleElsewhere, ConsoleEndpoint, VMAddress, VMSummary
from .rfb.pixels import PixelFormat, ServerInit
from .rfb.security_types import Kind
from .rfb.versions import BANNER_SIZE, Version, encode_reason, parse_banner
from .rfb.vnc_auth import vnc_response

T = TypeVar("T")

SERVER_INIT = ServerInit(640, 400, PixelFormat(), "scripted").pack()
CHALLENGE = bytes(range(16))


def rfb_script(
    *,
    banner: bytes = Version.V3_8.value,
    types: Sequence[int] = (1,),
    password: str = "",
    refusal: str | None = None,
    server_init: bytes = SERVER_INIT,
    greeting: bytes = b"",
) -> Steps[bool]:
    """Return what an RFB server says, from banner to ServerInit.

    Args:
        types: the security types it offers; to a 3.3 client the first of them.
        password: what a client that chooses VNC authentication must answer `CHALLENGE` with.
        refusal: refuses every client, before security types are offered, with this reason.
        greeting: sent right after ServerInit.

    Returns:
        Whether the connection stays open.
    """
    yield Write(banner)
    version = parse_banner((yield Read(BANNER_SIZE)))
    if refusal is not None:
        yield Write((bytes(4) if version is Version.V3_3 else b"\0") + encode_reason(refusal))
        return False
    chosen = yield from _offer(version, types)
    welcome = chosen != Kind.VNC_AUTH or (yield from _knows(password))
    if chosen == Kind.VNC_AUTH or version is Version.V3_8:
        yield Write((not welcome).to_bytes(4, "big"))
    if not welcome:
        if version is Version.V3_8:
            yield Write(encode_reason("wrong password"))
        return False
    yield Read(1)
    yield Write(server_init + greeting)
    return True


def _offer(version: Version, types: Sequence[int]) -> Steps[int]:
    if version is Version.V3_3:
        yield Write(types[0].to_bytes(4, "big"))
        return types[0]
    yield Write(bytes([len(types), *types]))
    return (yield Read(1))[0]


def _knows(password: str) -> Steps[bool]:
    yield Write(CHALLENGE)
    return (yield Read(16)) == vnc_response(password, CHALLENGE)


class ScriptedRFBServer(ServerFactory):
    """A server that plays a script to each client and writes down what they say.

    Args:
        script: makes a new script for each connection, such as ``rfb_script``; when it returns
            False, or fails because of what the client sent, the connection is closed.

    Attributes:
        connections: all of them, the first one first.
    """

    noisy = False

    def __init__(self, script: Callable[[], Steps[bool]] = rfb_script) -> None:
        self.connections: list[ScriptedConnection] = []
        self._script = script

    def buildProtocol(self, addr: IAddress | None = None) -> ScriptedConnection:
        """Make the next connection."""
        connection = ScriptedConnection(Dialogue(self._script()))
        self.connections.append(connection)
        return connection


class ScriptedConnection(Protocol):
    """One client of a `ScriptedRFBServer`.

    Attributes:
        received: every byte the client sent, handshake included.
        after_script: what it sent once the script was over: its messages.
        failure: what was wrong with the client's side of the handshake.
        closed: whether the connection is over.
    """

    def __init__(self, dialogue: Dialogue[bool]) -> None:
        self.received = b""
        self.after_script = b""
        self.failure: VNCProxyError | None = None
        self.closed = False
        self._dialogue = dialogue

    def connectionMade(self) -> None:
        """Begin the script."""
        self._advance()

    def dataReceived(self, data: bytes) -> None:
        """Write down what comes, and go on with the script."""
        assert self.transport is not None
        self.received += data
        try:
            self._dialogue.receive(data)
            self._advance()
        except VNCProxyError as e:
            self.failure = e
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note the end."""
        self.closed = True

    def _advance(self) -> None:
        assert self.transport is not None
        self.transport.write(self._dialogue.outgoing())
        if self._dialogue.done:
            self.after_script += self._dialogue.leftover()
            if not self._dialogue.result:
                self.transport.loseConnection()


@implementer(IConsoleBackend, IVMInventory)
class StaticConsoles:
    """A backend over a dictionary that a test may change.

    Args:
        consoles: VM id -> where its console is, or the error that asking for it gives.
        name: the backend's name in the list of machines.

    Attributes:
        asked: the ids that were asked for, in order.
        closed: whether the backend was closed.
    """

    def __init__(
        self,
        consoles: Mapping[str, ConsoleEndpoint | ConsoleElsewhere | VNCProxyError] = {},
        name: str = "static",
    ) -> None:
        self.consoles = dict(consoles)
        self.asked: list[str] = []
        self.closed = False
        self._name = name

    async def locate(self, vm: str) -> ConsoleEndpoint | ConsoleElsewhere:
        """Look a console up."""
        self.asked.append(vm)
        found = self.consoles.get(vm)
        if found is None:
            raise VMNotFound(f"no console {vm!r}")
        if isinstance(found, VNCProxyError):
            raise found
        return found

    async def probe(self) -> str:
        """Count the consoles."""
        return f"{len(self.consoles)} consoles"

    async def list(self) -> Sequence[VMSummary]:
        """List all consoles as running machines."""
        return [VMSummary(VMAddress(self._name, vm), vm, "running") for vm in self.consoles]

    async def close(self) -> None:
        """Note it."""
        self.closed = True


@implementer(IBlockingCalls)
class FakeCalls:
    """Blocking calls that are made at once, in the caller's thread.

    Attributes:
        limits: the time limits that were asked for, in seconds, in order.
    """

    def __init__(self) -> None:
        self.limits: list[float] = []

    def call(
        self,
        timeout: float,
        function: Callable[..., T],
        *args: Any,
        late: Callable[[T], object] | None = None,
    ) -> Deferred[T]:
        """Make the call; no result of it ever comes late."""
        self.limits.append(timeout)
        try:
            return succeed(function(*args))
        except Exception:  # noqa: BLE001 whatever it is belongs to the caller
            return fail(Failure())

    def part(self, name: str, threads: int = 16) -> FakeCalls:
        """Return itself: no call ever waits for another one."""
        return self


@implementer(ITCPTransport, IPushProducer)
class MemoryPeer:
    """The other end of a protocol's connection: TCP in memory, with little room on the way there.

    Nothing happens by itself: what is sent arrives, and a close is completed, in `pump`, as a
    reactor would do it later.

    Args:
        protocol: is connected at once.
        room: bytes from the protocol that find place until `receive`, above which its producer is
            paused.
        address: where the protocol sees the peer; one for documentation when there is none.

    Attributes:
        closed: why the connection is over, once it is.
        reading: whether the protocol reads.
        half_closed: whether the protocol said that it sends no more.
        most: the most bytes that ever waited on their way from the protocol.
        disconnecting: whether the protocol wants to close.
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
        """Take what the protocol has sent."""
        data = bytes(self._leaving)
        self._leaving.clear()
        if self._paused and self._producer is not None:
            self._paused = False
            self._producer.resumeProducing()
        self.pump()
        return data

    def close(self) -> None:
        """Close, after what was sent."""
        self._coming.append(Failure(ConnectionDone()))
        self.pump()

    def reset(self) -> None:
        """Reset the connection; what the protocol has not read yet is lost."""
        self._lose(Failure(ConnectionLost("reset by the peer")))

    def pump(self) -> bool:
        """Let things arrive; False when nothing did."""
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
            self._producer = None
            self._protocol.connectionLost(why)

    def write(self, data: bytes) -> None:
        """Take bytes on their way; the protocol's transport."""
        if self.closed is not None or self.half_closed:
            return
        self._leaving += data
        self.most = max(self.most, len(self._leaving))
        if self._producer is not None and len(self._leaving) > self._room and not self._paused:
            self._paused = True
            self._producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Take bytes on their way."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close once everything was received; nothing arrives any more."""
        self.disconnecting = True

    def loseWriteConnection(self) -> None:
        """Send no more."""
        self.half_closed = True

    def abortConnection(self) -> None:
        """Close at once."""
        self._lose(Failure(ConnectionAborted()))

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """Tell a producer when there is no room."""
        assert streaming
        if self._producer is not None:
            raise RuntimeError("there is a producer already")
        self._producer = producer

    def unregisterProducer(self) -> None:
        """Tell nobody any more."""
        self._producer, self._paused = None, False

    def pauseProducing(self) -> None:
        """Let nothing arrive."""
        self.reading = False

    def resumeProducing(self) -> None:
        """Let things arrive, at the next `pump`."""
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
        """Return nothing of interest."""
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Do nothing."""

    def getTcpKeepAlive(self) -> bool:
        """Return nothing of interest."""
        return True

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Do nothing."""


def carry(one: MemoryPeer, other: MemoryPeer) -> None:
    """Carry bytes and ends between two connections, until both sides have nothing more to say."""
    busy = True
    while busy:
        busy = False
        for source, sink in ((one, other), (other, one)):
            if data := source.receive():
                sink.send(data)
                busy = True
            if source.closed is not None and sink.closed is None:
                sink.close()
