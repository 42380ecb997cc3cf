"""HTTP connections with limits on a request's header, which other protocols can take over."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IProtocol, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request
from twisted.web.resource import IResource
from twisted.web.server import Request as SiteRequest
from twisted.web.server import Site

from ..model import Limits, new_id
from ..relay.detach import take_pipelined
from ..relay.sockets import tune
from .forwarded import NOWHERE

REQUESTS = 100
"""Requests on one connection, and so the most that are served out of one read."""

LENGTH_DIGITS = 18
"""Digits of a ``Content-Length``; Python refuses to convert thousands of them."""


class ConsoleChannel(HTTPChannel):
    """One HTTP connection.

    The time for a request is counted from its beginning, not from the last byte, so that it cannot
    be stretched by sending slowly.
    """

    log = Logger()

    header_bytes: int = 16384
    header_time: float = 10.0
    transport: Any
    _heir: IProtocol | None = None
    _too_late: IDelayedCall | None = None
    _header_size = 0
    _served = 0
    _silent = True
    _refused = False
    _serving = False

    def connectionMade(self) -> None:
        """Start to wait for the first request."""
        tune(self.transport)
        super().connectionMade()
        self._await_request()

    def take_over(self, heir: IProtocol) -> None:
        """Give this connection to another protocol, from the next byte on, without a way back.

        Bytes that are in hand already, pipelined behind the request, follow as data.
        """
        if self._heir is None:
            self.requests = []
            self.transport.unregisterProducer()
            self.transport.resumeProducing()
        self._heir = heir
        heir.makeConnection(self.transport)
        # what followed the request's body
        if pipelined := take_pipelined(self):
            heir.dataReceived(pipelined)

    def dataReceived(self, data: bytes) -> None:
        """Take bytes from the transport."""
        if self._heir is not None:
            self._heir.dataReceived(data)
            return
        if self._refused:
            return
        if self._too_late is None and not self._serving:
            self._await_request()
        self._silent = False
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
        if self._header_size > self.header_bytes:
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
            f"header over {self.header_bytes} bytes, limits.header_bytes",
        )

    def rawDataReceived(self, data: bytes) -> None:
        """Take bytes behind a header."""
        if self._heir is not None:
            self._heir.dataReceived(data)
        else:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """Stop waiting for the request."""
        self._stop_waiting()
        self._serving = True
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """Wait for the next request, if there may be one; called when one was answered."""
        self._serving = not self.persistent
        super().requestDone(request)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell whoever has the connection now."""
        self._stop_waiting()
        super().connectionLost(reason)
        if self._heir is not None:
            self._heir.connectionLost(reason)

    def _await_request(self) -> None:
        self._too_late = self.callLater(self.header_time, self._wait_no_more)

    def _wait_no_more(self) -> None:
        """Refuse a request that is not whole in time; browsers open connections in reserve, too."""
        if self._silent or self._refused:
            self.transport.abortConnection()
            return
        self._refuse(
            408,
            "Your request did not arrive in time. Try again.",
            f"request not whole within {self.header_time:g} s, limits.header_time",
        )

    def _refuse_malformed(self, why: str) -> None:
        self._refuse(400, "Your request is malformed.", why)

    def _refuse(self, status: int, words: str, why: str) -> None:
        """Tell whoever asks, and the log, which limit was reached, and close.

        The words stand in the status line, too, which is all that TCP viewers show.
        """
        self._stop_waiting()
        self._refused, request_id = True, new_id()
        words = f"{words} (id {request_id})"
        self.log.info(
            "request {request} from {client} refused: {why}",
            request=request_id,
            client=getattr(self.transport.getPeer(), "host", NOWHERE),
            why=why,
        )
        self.transport.write(
            f"HTTP/1.1 {status} {words}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(words) + 1}\r\nConnection: close\r\n\r\n{words}\n".encode()
        )
        self.loseConnection()
        self._await_request()  # what does not close by itself

    def _stop_waiting(self) -> None:
        if self._too_late is not None and self._too_late.active():
            self._too_late.cancel()
        self._too_late = None


class ConsoleRequest(SiteRequest):
    """A request that does not show its query, where the token is, in logs.

    Nothing that is served has a use for a body, so what comes of one is dropped.
    """

    def process(self) -> None:
        """Serve it; ``OPTIONS *`` as any other path, for Twisted would answer it by itself."""
        if self.path == b"*":
            self.path = b"/*"
        super().process()

    def gotLength(self, length: int | None) -> None:
        """Make no place for a body, however long."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Drop it."""

    def __repr__(self) -> str:
        return f"<{self.method.decode('ascii', 'replace')} request of {self.getClientAddress()}>"


class ConsoleSite(Site):
    """The site's connections; it writes no access log, for that would hold tokens.

    Attributes:
        limits: on the requests of connections that are made from now on.
    """

    protocol = ConsoleChannel  # type: ignore[assignment]

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """Return what may be agreed on under TLS: Twisted would offer h2 wherever it is installed.

        A page that opened over h2 could not open a web socket on its connection.
        """
        return [b"http/1.1"]

    def __init__(self, resource: IResource, limits: Limits, reactor: IReactorTime) -> None:
        super().__init__(resource, requestFactory=ConsoleRequest, reactor=reactor)
        self.limits = limits
        self.noisy = False

    def buildProtocol(self, addr: Any) -> Any:
        """Return a new connection's protocol."""
        channel = super().buildProtocol(addr)
        channel.totalHeadersSize = sys.maxsize  # Twisted's own limit tells nobody
        channel.header_bytes = channel.MAX_LENGTH = self.limits.header_bytes
        channel.header_time = self.limits.header_time
        return channel

    def log(self, request: Request) -> None:
        """Write nothing."""
