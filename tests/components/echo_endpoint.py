"""WebSocket endpoints that echo, for conformance tests.

One is the project's legs and relay in front of a raw TCP echo server; the other is its framing
alone, with whole messages and text added. The opening handshake is not the subject; it is as short
as it can be.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.wire import Echo

from vncproxy.errors import ClientGone, ConsoleEnded, VNCProxyError
from vncproxy.relay.framing import FrameError
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.websocket_framing import Opcode, WebSocketFraming

Join = Callable[[Leg, Leg], Deferred[VNCProxyError]]
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LINGER = 1.0


class RelayEcho:
    """The relay in front of an echo server; listens on loopback until it is closed.

    Attributes:
        port: of the WebSocket endpoint.
        legs: all that there ever were, the downstream ones.
    """

    def __init__(self, reactor: Any, join: Join) -> None:
        self.reactor = reactor
        self.join = join
        self.legs: list[Leg] = []
        self._ports: list[Any] = []

    async def open(self) -> RelayEcho:
        self._echo_port = await self._listen(_quiet(Echo))
        self.port = await self._listen(upgrading(self.begin))
        return self

    async def close(self) -> None:
        for port in self._ports:
            await port.stopListening()
        for leg in self.legs:
            await leg.closed

    def begin(self) -> Protocol:
        """Return the user's side of a new session."""
        down = Leg(WebSocketFraming(), self.reactor, ClientGone)
        self.legs.append(down)
        Deferred.fromCoroutine(self._relay(down))
        return down

    async def _relay(self, down: Leg) -> None:
        up = Leg(RawFraming(), self.reactor, ConsoleEnded)
        echo = TCP4ClientEndpoint(self.reactor, "127.0.0.1", self._echo_port)
        await echo.connect(_quiet(lambda: up))
        why = await self.join(down, up)
        down.close(why, LINGER)
        up.close(why, LINGER)

    async def _listen(self, factory: Any) -> int:
        endpoint = TCP4ServerEndpoint(self.reactor, 0, interface="127.0.0.1")
        port: Any = await endpoint.listen(factory)
        self._ports.append(port)
        return int(port.getHost().port)


def upgrading(begin: Callable[[], Protocol]) -> Any:
    """Return a factory of connections that shake hands, then are what ``begin`` makes."""
    return _quiet(lambda: _Upgrade(begin))


def _quiet(make: Callable[[], Any]) -> Any:
    factory: Any = Factory()
    factory.noisy = False
    factory.buildProtocol = lambda _: make()
    return factory


class MessageEcho(Protocol):
    """The framing alone: whole messages come back as they were, text as text.

    The framing keeps neither text nor the ends of messages, so it is read byte by byte here.
    """

    transport: Any

    def connectionMade(self) -> None:
        self._framing = _WithText()
        self._message = b""

    def dataReceived(self, data: bytes) -> None:
        try:
            for at in range(len(data)):
                self._take(data[at : at + 1])
        except FrameError as e:
            self.transport.write(self._framing.close(e.reply_code, "protocol error"))
            self.transport.loseConnection()

    def _take(self, byte: bytes) -> None:
        framing = self._framing
        self._message += framing.receive(byte)
        if framing.message_over():
            self.transport.write(framing.whole(self._message))
            self._message = b""
        self.transport.write(framing.replies())
        if framing.close_received:
            self.transport.loseConnection()


class _WithText(WebSocketFraming):
    """Text is taken for binary, and remembered."""

    _kind: int = Opcode.BINARY

    def message_over(self) -> bool:
        return self.between_messages and self._opcode < Opcode.CLOSE

    def whole(self, message: bytes) -> bytes:
        self._opcode = Opcode.CLOSE
        return self._frame(Opcode(self._kind), message)

    def _check(self, reserved: int, final: bool, opcode: int, masked: bool, size: int) -> None:
        if opcode in (Opcode.TEXT, Opcode.BINARY):
            self._kind = opcode
        opcode = Opcode.BINARY if opcode == Opcode.TEXT else opcode
        super()._check(reserved, final, opcode, masked, size)

    def _start_frame(self) -> None:
        super()._start_frame()
        if self._opcode == Opcode.TEXT:
            self._opcode = Opcode.BINARY


class _Upgrade(Protocol):
    transport: Any

    def __init__(self, begin: Callable[[], Protocol]) -> None:
        self._begin = begin
        self._request = b""

    def dataReceived(self, data: bytes) -> None:
        self._request += data
        head, end, rest = self._request.partition(b"\r\n\r\n")
        if not end:
            return
        lines = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
        headers = {name.lower(): value for name, _, value in lines}
        accept = b64encode(sha1(headers[b"sec-websocket-key"] + GUID).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        protocol = self._begin()
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)
        protocol.dataReceived(rest)
