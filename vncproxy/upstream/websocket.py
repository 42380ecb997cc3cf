"""The opening handshake of a WebSocket, as its client, by Autobahn.

Autobahn gets the header of the server's reply and nothing after it: frames are decoded by the leg.
The request may contain a ticket; neither errors nor logs, Autobahn's debug log excepted, show it.
"""

from __future__ import annotations

import re
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.types import ConnectingRequest, ConnectionResponse
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock

from ..addresses import bracketed
from ..errors import UpstreamRefused, UpstreamViolation
from ..handshake.reasons import clean_reason
from ..handshake.steps import ReadUntil, Steps, Write
from ..model import SESSION_HEADER

HEADER_LIMIT = 8192
"""Longest header of a reply, in bytes."""

SUBPROTOCOL = "binary"

_SESSION = re.compile(r"[0-9a-f]{16}")
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})(?: .*)?\r\n")


def open_websocket(
    host: str, port: int, target: str, headers: tuple[tuple[str, str], ...] = ()
) -> Steps[str]:
    """Open a WebSocket of subprotocol ``binary`` on a connection that uses TLS already.

    Args:
        target: path and query.
        headers: further headers of the request.

    Returns:
        The server's id of the session, where it is the proxy of another zone.

    Raises:
        UpstreamRefused: the status is not 101; with the status line.
        UpstreamViolation: the reply violates RFC 6455.
    """
    wire = _Wire()
    opening = _opening(host, port, target or "/", dict(headers))
    opening.makeConnection(wire)
    yield Write(bytes(wire.sent))
    line = yield ReadUntil(b"\n", HEADER_LIMIT, "the first line of its HTTP reply")
    status = _STATUS.fullmatch(line)
    if not status:
        raise UpstreamViolation(f"not an HTTP reply: {line[:16].decode('latin-1')!r}")
    if status[1] != b"101":
        text = f"web socket answered with {clean_reason(line[:128])}"
        raise UpstreamRefused(text, http_status=int(status[1]))
    rest = yield ReadUntil(b"\r\n\r\n", HEADER_LIMIT, "the header of its HTTP reply")
    _check_reply(opening, line + rest)
    return opening.peer_session


def _check_reply(opening: _Opening, header: bytes) -> None:
    try:
        opening.dataReceived(header)
    except (ValueError, IndexError) as e:
        raise UpstreamViolation(f"web socket: header of {len(header)} bytes is not one") from e
    if not opening.opened:
        raise UpstreamViolation(f"web socket: {clean_reason(opening.problem.encode())}")


class _Opening(WebSocketClientProtocol):
    """One opening handshake.

    Attributes:
        opened: whether it has succeeded.
        problem: why it failed.
        peer_session: what the server says in `SESSION_HEADER`.
    """

    request: ConnectingRequest
    opened = False
    peer_session = ""
    problem = "the handshake did not end"

    def onConnecting(self, transport_details: object) -> ConnectingRequest:
        return self.request

    def onConnect(self, response: ConnectionResponse) -> None:
        session = response.headers.get(SESSION_HEADER.lower(), "")
        if _SESSION.fullmatch(session):
            self.peer_session = session

    def onOpen(self) -> None:
        self.opened = True

    def failHandshake(self, reason: str) -> None:
        self.problem = reason


def _opening(host: str, port: int, target: str, headers: dict[str, str]) -> _Opening:
    # a clock that never ticks: the runner of the steps has the time limit
    factory = WebSocketClientFactory(protocols=[SUBPROTOCOL], reactor=Clock())
    factory.setProtocolOptions(openHandshakeTimeout=0)
    opening = _Opening()
    opening.factory = factory
    opening.request = ConnectingRequest(
        host=bracketed(host),
        port=port,
        resource=target,
        headers=headers,
        protocols=[SUBPROTOCOL],
    )
    return opening


class _Wire:
    """The transport of an opening handshake: records what is sent."""

    def __init__(self) -> None:
        self.sent = bytearray()

    def write(self, data: bytes) -> None:
        """Record bytes."""
        self.sent += data

    def getPeer(self) -> Any:
        """Return an address, which Autobahn logs."""
        return IPv4Address("TCP", "0.0.0.0", 0)  # noqa: S104 it is not listened on

    def loseConnection(self) -> None:
        """Do nothing: the caller closes the leg."""
