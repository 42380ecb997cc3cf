"""A VNC server that plays a script to each client, on any transport of Twisted's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure

from ..errors import VNCProxyError
from ..handshake.dialogue import Dialogue
from ..handshake.steps import Read, Steps, Write
from ..rfb.pixels import PixelFormat
from ..rfb.security_types import SecurityType
from ..rfb.server_init import ServerInit
from ..rfb.versions import BANNER_SIZE, Version, encode_reason, parse_banner
from ..rfb.vnc_auth import vnc_response

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
    """Run the handshake of an RFB server, from banner to ServerInit.

    Args:
        types: the security types offered; a 3.3 client gets the first of them.
        password: the one that the response to `CHALLENGE` must prove.
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
    chosen = yield from _offer_types(version, types)
    accepted = chosen != SecurityType.VNC_AUTH or (yield from _check_password(password))
    if chosen == SecurityType.VNC_AUTH or version is Version.V3_8:
        yield Write((not accepted).to_bytes(4, "big"))
    if not accepted:
        if version is Version.V3_8:
            yield Write(encode_reason("wrong password"))
        return False
    yield Read(1)
    yield Write(server_init + greeting)
    return True


def _offer_types(version: Version, types: Sequence[int]) -> Steps[int]:
    if version is Version.V3_3:
        yield Write(types[0].to_bytes(4, "big"))
        return types[0]
    yield Write(bytes([len(types), *types]))
    return (yield Read(1))[0]


def _check_password(password: str) -> Steps[bool]:
    yield Write(CHALLENGE)
    return (yield Read(16)) == vnc_response(password, CHALLENGE)


class ScriptedRFBServer(ServerFactory):
    """A server that runs a script for each client and records what they send.

    Args:
        script: makes the script of a new connection, such as ``rfb_script``; when that returns
            False, or raises an error for what the client sent, the connection is closed.

    Attributes:
        connections: all of them, in their order.
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
        after_script: what it sent after the end of the script: its messages.
        failure: the error that the client's bytes caused in the script.
        closed: whether the connection is closed.
    """

    def __init__(self, dialogue: Dialogue[bool]) -> None:
        self.received = b""
        self.after_script = b""
        self.failure: VNCProxyError | None = None
        self.closed = False
        self._dialogue = dialogue

    def connectionMade(self) -> None:
        """Start the script."""
        self._advance()

    def dataReceived(self, data: bytes) -> None:
        """Record the bytes, and continue the script."""
        assert self.transport is not None
        self.received += data
        try:
            self._dialogue.receive(data)
            self._advance()
        except VNCProxyError as e:
            self.failure = e
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Record the end."""
        self.closed = True

    def _advance(self) -> None:
        assert self.transport is not None
        self.transport.write(self._dialogue.outgoing())
        if self._dialogue.done:
            self.after_script += self._dialogue.leftover()
            if not self._dialogue.result:
                self.transport.loseConnection()
