"""The factory of users' HTTP connections and requests: Site and Request of twisted.web."""

from __future__ import annotations

from io import BytesIO

from twisted.internet.interfaces import IReactorTime
from twisted.web.http import Request
from twisted.web.resource import IResource
from twisted.web.server import Request as SiteRequest
from twisted.web.server import Site

from ..errors import Busy
from ..model import Limits
from .channel import ConsoleChannel, limited_channel
from .connections import Connections
from .http_refusal import http_refusal


class ConsoleRequest(SiteRequest):
    """A request that keeps its query, and with it the token, out of logs.

    No resource here reads a body, so bodies are discarded.
    """

    def process(self) -> None:
        """Serve it; ``OPTIONS *`` like any other path, which Twisted would answer itself."""
        if self.path == b"*":
            self.path = b"/*"
        super().process()

    def gotLength(self, length: int | None) -> None:
        """Allocate nothing for a body."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Discard it."""

    def __repr__(self) -> str:
        return f"<{self.method.decode('ascii', 'replace')} request of {self.getClientAddress()}>"


class ConsoleSite(Site):
    """The factory of connections, without an access log, which would hold tokens.

    Attributes:
        limits: of connections that are made from now on.
        connections: those of all ports.
    """

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """Return the protocols to negotiate by ALPN; Twisted would offer h2 where it is installed.

        A browser could not open a WebSocket on an h2 connection to Twisted.
        """
        return [b"http/1.1"]

    def __init__(
        self,
        resource: IResource,
        limits: Limits,
        reactor: IReactorTime,
        connections: Connections | None = None,
    ) -> None:
        super().__init__(resource, requestFactory=ConsoleRequest, reactor=reactor)
        self.timeOut = None  # a channel has its own time limits
        self.limits = limits
        self.connections = Connections(limits, reactor) if connections is None else connections
        self.noisy = False

    def protocol(self) -> ConsoleChannel:  # type: ignore[override]
        """Return the channel of a new connection; called by Twisted."""
        return limited_channel(self.limits, self.connections)

    def late_refusal(self) -> bytes:
        """Return what refuses a connection that has waited too long to be accepted."""
        return http_refusal(Busy.status, Busy.public, retry_after=Busy.retry_after)

    def log(self, request: Request) -> None:
        """Write nothing."""
