"""HTTP connections with limits on a request's header, which other protocols can take over."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IProtocol
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request

from ..errors import OverLimit, VNCProxyError
from ..model import Limits
from ..relay.fast.detach import take_pipelined
from ..relay.sockets import IPassesOn, tune
from .connections import UNKNOWN, Connections, Slot
from .forwarded import plain_address

REQUESTS = 100
"""Requests on one connection, and so the most that are served out of one read."""

LENGTH_DIGITS = 18
"""Digits of a ``Content-Length``; Python refuses to convert thousands of them."""


ANSWER_TIME = 60.0
"""Seconds within which an answer has to be read that is no console."""

CLOSE_TIME = 5.0
"""Seconds after which a connection is cut that was to close by itself."""


class ConsoleChannel(HTTPChannel):
    """One HTTP connection.

    The time for a request is counted from its beginning, not from the last byte, so that it cannot
    be stretched by sending slowly.

    Attributes:
        limits: on its requests.
        connections: all connections, of which it is one.
        slot: its own among them.
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
        """Start to wait for the first request, if there is room for another connection."""
        tune(self.transport)
        super().connectionMade()
        try:
            self.slot = self.connections.add(self._peer())
        except OverLimit as e:
            self.slot = Slot(None, UNKNOWN)
            self._refuse_connection(e)
        else:
            self.slot.set_idle(self)
            self._set_timeout(self.limits.header_time, self._on_header_timeout)

    def hand_over(self, successor: IProtocol) -> None:
        """Give this connection to another protocol, from the next byte on, without a way back.

        Bytes that are in hand already, pipelined behind the request, follow as data.
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
        """Take bytes from the transport."""
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
        """Take a line of a request's header."""
        if self._refused:
            return
        if self._header_size and line[:1] in (b" ", b"\t"):
            # RFC 9112 section 5.2; joining them costs the square of their number
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
        """Take a whole header; False when the request cannot be served."""
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

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a header that is too large; called for a single line, too."""
        self._refuse(
            431,
            "This link, or what the browser sends with it, is too long. Open the link as you got "
            "it; if that does not help, delete the cookies of this site.",
            f"header over {self.limits.header_bytes} bytes, limits.header_bytes",
        )

    def rawDataReceived(self, data: bytes) -> None:
        """Take bytes behind a header."""
        if self._successor is not None:
            self._successor.dataReceived(data)
        else:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """Stop waiting for the request, and wait until its answer is read."""
        self._serving = True
        self._set_timeout(ANSWER_TIME, self.transport.abortConnection)
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """Wait for the next request, if there may be one; called when one was answered."""
        self._serving = not self.persistent
        self._cancel_timeout()
        super().requestDone(request)
        if self._serving or self._refused or self._timeout is not None:
            return  # the connection closes, or the next request was there already
        self._idle = True
        self.slot.set_idle(self)
        self._set_timeout(self.limits.keep_alive, self._on_keep_alive_timeout)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell whoever has the connection now."""
        self._cancel_timeout()
        self.slot.release()
        super().connectionLost(reason)
        if self._successor is not None:
            self._successor.connectionLost(reason)

    def abort_idle(self) -> None:
        """Close at once; called while it waits for a request."""
        self._refused = True
        self.transport.abortConnection()

    def _begin_request(self) -> None:
        """Take note that a request begins; the first one may tell whose connection it is."""
        self._nothing_received = self._idle = False
        self.slot.set_busy()
        self._set_timeout(self.limits.header_time, self._on_header_timeout)
        if self.slot.address == UNKNOWN and (refusal := self.slot.recount(self._peer())):
            self._refuse_connection(refusal)

    def _peer(self) -> str:
        """Return the address of the other end, as far as it is known."""
        layer = self.transport
        if IPassesOn.providedBy(layer) and not layer.peer_known:
            return UNKNOWN
        return plain_address(layer.getPeer())

    def _refuse_connection(self, why: VNCProxyError) -> None:
        """Refuse a connection for which there is no room."""
        if self.isSecure():  # a handshake costs more than everything else
            self._refused = True
            self.transport.abortConnection()
        else:
            self._refuse(why.status, why.sentence(), str(why))

    def _on_header_timeout(self) -> None:
        """Refuse a request that is not whole in time; browsers open connections in reserve, too."""
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

    def _refuse(self, status: int, words: str, why: str) -> None:
        """Tell whoever asks, and the log, which limit was reached, and close.

        The words stand in the status line, too, which is all that TCP viewers show.
        """
        self._refused = True
        client = plain_address(self.transport.getPeer())
        words += self.connections.refusals.log_refusal(client, "request", why)
        self.transport.write(
            f"HTTP/1.1 {status} {words}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(words) + 1}\r\nConnection: close\r\n\r\n{words}\n".encode()
        )
        self.loseConnection()
        self._set_timeout(CLOSE_TIME, self.transport.abortConnection)

    def _set_timeout(self, seconds: float, then: Callable[[], object]) -> None:
        """Do something when it takes too long, instead of what was to be done before."""
        self._cancel_timeout()
        self._timeout = self.callLater(seconds, then)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None and self._timeout.active():
            self._timeout.cancel()
        self._timeout = None


def limited_channel(limits: Limits, connections: Connections) -> ConsoleChannel:
    """Return what reads the requests of a new connection.

    Args:
        connections: all connections, among which it gets a slot.
    """
    channel = ConsoleChannel()
    channel.totalHeadersSize = sys.maxsize  # Twisted's own limit tells nobody
    channel.MAX_LENGTH = limits.header_bytes
    channel.limits, channel.connections = limits, connections
    return channel
