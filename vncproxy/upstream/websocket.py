"""The opening handshake of a web socket, as its client, by Autobahn.

Autobahn gets the server's header and nothing behind it, so it never sees a frame: those are the
leg's. A request may hold a ticket; it stands in no error and, below Autobahn's debug level, in no
log.
"""

from __future__ import annotations

import re
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.types import ConnectingRequest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock

from ..addresses import bracketed
from ..errors import UpstreamRefused, UpstreamViolation
from ..handshake.steps import ReadUntil, Steps, Write
from ..rfb.versions import clean_reason

HEADER_LIMIT = 8192
"""Longest header of a reply, in bytes."""

SUBPROTOCOL = "binary"

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})(?: .*)?\r\n")


def open_websocket(
    host: str, port: int, target: str, headers: tuple[tuple[str, str], ...] = ()
) -> Steps[None]:
    """Open a web socket of subprotocol ``binary`` on a connection that is under TLS already.

    Args:
        target: path and query.
        headers: further headers of the request.

    Raises:
        UpstreamRefused: any answer but 101, with its status line.
        UpstreamViolation: it does not answer as RFC 6455 says.
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
        raise UpstreamRefused(f"web socket answered with {clean_reason(line[:128])}")
    rest = yield ReadUntil(b"\r\n\r\n", HEADER_LIMIT, "the header of its HTTP reply")
    _judge(opening, line + rest)


def _judge(opening: _Opening, header: bytes) -> None:
    try:
        opening.dataReceived(header)
    except (ValueError, IndexError) as e:
        raise UpstreamViolation(f"web socket: header of {len(header)} bytes is not one") from e
    if not opening.opened:
        raise UpstreamViolation(f"web socket: {clean_reason(opening.problem.encode())}")


class _Opening(WebSocketClientProtocol):
    """One opening handshake.

    Attributes:
        opened: whether it is over.
        problem: why it failed.
    """

    request: ConnectingRequest
    opened = False
    problem = "the handshake did not end"

    def onConnecting(self, transport_details: object) -> ConnectingRequest:
        return self.request

    def onOpen(self) -> None:
        self.opened = True

    def failHandshake(self, reason: str) -> None:
        self.problem = reason


def _opening(host: str, port: int, target: str, headers: dict[str, str]) -> _Opening:
    # the clock never ticks: whoever runs the steps has a time limit
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
    """The transport of an opening handshake: it keeps what is sent."""

    def __init__(self) -> None:
        self.sent = bytearray()

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self.sent += data

    def getPeer(self) -> Any:
        """Return an address that means nothing."""
        return IPv4Address("TCP", "0.0.0.0", 0)  # noqa: S104 nobody listens

    def loseConnection(self) -> None:
        """Do nothing: the leg is closed for the error."""
