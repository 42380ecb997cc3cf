"""HTTP connections with limits on a request's header, which can be handed to another protocol."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IProtocol
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request
from twisted.web.http_headers import Headers

from ..errors import OverLimit, VNCProxyError
from ..model import Limits
from ..relay.fast.detach import take_pipelined
from ..relay.sockets import set_socket_options
from .connections import UNKNOWN, Connections, Slot, address_of
from .forwarded import plain_address
from .http_refusal import http_refusal

REQUESTS = 100
"""Requests on one connection, and so the most that are served from one read."""

LENGTH_DIGITS = 18
"""Digits of a ``Content-Length``; Python refuses to convert thousands of them."""

RESPONSE_TIME = 60.0
"""Seconds within which the client must read a response."""

CLOSE_TIME = 5.0
"""Seconds after which a closing connection is aborted."""


class ConsoleChannel(HTTPChannel):
    """One HTTP connection.

    The time limit of a request starts with its first byte; sending slowly does not extend it.

    Attributes:
        limits: of its requests.
        connections: where it is counted.
        slot: its own slot there.
    """

    log = Logger()

    limits: Limits
    connections: Connections
    slot: Slot
    transport: Any
    _successor: IProtocol | None = None
    _timeout: IDelayedCall | None = None
    _header_size = 0
    _served = 0
    _idle = True
    _nothing_received = True
    _refused = False
    _serving = False

    def connectionMade(self) -> None:
        """Wait for the first request, unless there are too many connections."""
        set_socket_options(self.transport)
        super().connectionMade()
        try:
            self.slot = self.connections.add(address_of(self.transport))
        except OverLimit as e:
            self.slot = Slot(None, UNKNOWN)
            self._refuse_connection(e)
        else:
            self.slot.set_idle(self)
            self._set_timeout(self.limits.header_time, self._on_header_timeout)

    def hand_over(self, successor: IProtocol) -> None:
        """Hand this connection to another protocol for good.

        Bytes received after the request, which were pipelined, are passed to it first.
        """
        if self._successor is None:
            self._cancel_timeout()
            self.requests = []
            self.transport.unregisterProducer()
            self.transport.resumeProducing()
        self._successor = successor
        successor.makeConnection(self.transport)
        # what followed the request's body
        if pipelined := take_pipelined(self):
            successor.dataReceived(pipelined)

    def dataReceived(self, data: bytes) -> None:
        """Receive bytes from the transport."""
        if self._successor is not None:
            self._successor.dataReceived(data)
            return
        if self._refused:
            return
        if self._idle:
            self._begin_request()
        if not self._refused:
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Receive a line of a request's header."""
        if self._refused:
            return
        if self._header_size and line[:1] in (b" ", b"\t"):
            # RFC 9112 section 5.2; joining them takes quadratic time
            self._refuse_malformed("folded header")
            return
        self._header_size += len(line)
        if self._header_size > self.limits.header_bytes:
            self.lineLengthExceeded(line)
            return
        if not line:
            self._header_size = 0
        super().lineReceived(line)

    def headerReceived(self, line: bytes) -> bool:
        """Receive a whole header field; False when the request cannot be served."""
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and len(value.strip()) > LENGTH_DIGITS:
            self._refuse_malformed(f"content-length of {len(value)} digits")
            return False
        return bool(super().headerReceived(line))

    def checkPersistence(self, request: Request, version: bytes) -> bool:  # noqa: N802
        """Tell whether another request may follow on this connection."""
        self._served += 1
        if self._served < REQUESTS:
            return bool(super().checkPersistence(request, version))
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        return False

    def writeHeaders(  # noqa: N802
        self, version: bytes, code: bytes, reason: bytes, headers: Headers
    ) -> None:
        """Write the header of a response; it says where no further request is served."""
        if self.connections.closing:
            self.persistent = False
            headers.setRawHeaders(b"Connection", [b"close"])
        super().writeHeaders(version, code, reason, headers)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a header that is too large; Twisted calls it for a single line."""
        self._refuse(
            431,
            "This link, or what the browser sends with it, is too long. Open the link as you got "
            "it; if that does not help, delete the cookies of this site.",
            f"header over {self.limits.header_bytes} bytes, limits.header_bytes",
        )

    def rawDataReceived(self, data: bytes) -> None:
        """Receive bytes after a request's header."""
        if self._successor is not None:
            self._successor.dataReceived(data)
        else:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """End the request's time limit, and begin that of its response."""
        self._serving = True
        self._set_timeout(RESPONSE_TIME, self.transport.abortConnection)
        super().allContentReceived()

    def extend_response(self) -> None:
        """Begin the time limit of the response again: its client takes what is sent."""
        if self._serving:
            self._set_timeout(RESPONSE_TIME, self.transport.abortConnection)

    def requestDone(self, request: Request) -> None:
        """Wait for the next request on a persistent connection; called when one was answered."""
        self._serving = not self.persistent
        self._cancel_timeout()
        super().requestDone(request)
        if self._serving or self._refused or self._timeout is not None:
            return  # the connection is closing, or the next request has begun
        self._idle = True
        self.slot.set_idle(self)
        self._set_timeout(self.limits.keep_alive, self._on_keep_alive_timeout)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Release the slot, and pass the event on to the protocol that has the connection."""
        self._cancel_timeout()
        self.slot.release()
        super().connectionLost(reason)
        if self._successor is not None:
            self._successor.connectionLost(reason)

    def abort_idle(self) -> None:
        """Close at once; called while the connection waits for a request."""
        self._refused = True
        self.transport.abortConnection()

    def close_idle(self) -> None:
        """Close at once: browsers send their next request on another connection."""
        self.abort_idle()

    def close_served(self) -> None:
        """Close, unless no request has been served; called while the connection waits for one."""
        if self._served:
            self._on_keep_alive_timeout()

    def _begin_request(self) -> None:
        """Begin a request; a PROXY header before the first one has named the client."""
        self._nothing_received = self._idle = False
        self.slot.set_busy()
        self._set_timeout(self.limits.header_time, self._on_header_timeout)
        if self.slot.address == UNKNOWN and (
            refusal := self.slot.recount(address_of(self.transport))
        ):
            self._refuse_connection(refusal)

    def _refuse_connection(self, why: VNCProxyError) -> None:
        """Refuse a connection that is over a limit."""
        if self.isSecure():  # without the TLS handshake, the most expensive part
            self._refused = True
            self.transport.abortConnection()
        else:
            self._refuse(why.status, why.sentence(), str(why))

    def _on_header_timeout(self) -> None:
        """Refuse a request that is incomplete; close silently where not a byte was received."""
        if self._nothing_received:
            self.transport.abortConnection()
            return
        self._refuse(
            408,
            "Your request did not arrive in time. Try again.",
            f"request not whole within {self.limits.header_time:g} s, limits.header_time",
        )

    def _on_keep_alive_timeout(self) -> None:
        self._refused = True
        self.loseConnection()
        self._set_timeout(CLOSE_TIME, self.transport.abortConnection)

    def _refuse_malformed(self, why: str) -> None:
        self._refuse(400, "Your request is malformed.", why)

    def _refuse(self, status: int, message: str, why: str) -> None:
        """Answer and log that a limit was reached, and close."""
        self._refused = True
        client = plain_address(self.transport.getPeer())
        message += self.connections.refusals.log_refusal(client, "request", why)
        self.transport.write(http_refusal(status, message))
        self.loseConnection()
        self._set_timeout(CLOSE_TIME, self.transport.abortConnection)

    def _set_timeout(self, seconds: float, on_timeout: Callable[[], object]) -> None:
        """Replace the current time limit."""
        self._cancel_timeout()
        self._timeout = self.callLater(seconds, on_timeout)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None and self._timeout.active():
            self._timeout.cancel()
        self._timeout = None


def limited_channel(limits: Limits, connections: Connections) -> ConsoleChannel:
    """Return the channel of a new connection.

    Args:
        connections: where it is counted.
    """
    channel = ConsoleChannel()
    channel.totalHeadersSize = sys.maxsize  # Twisted's own limit would close without a response
    channel.MAX_LENGTH = limits.header_bytes
    channel.limits, channel.connections = limits, connections
    return channel
