"""The factory of users' connections and requests."""

from __future__ import annotations

from io import BytesIO

from twisted.internet.interfaces import IReactorTime
from twisted.web.http import Request
from twisted.web.resource import IResource
from twisted.web.server import Request as SiteRequest
from twisted.web.server import Site

from ..model import Limits
from .channel import ConsoleChannel, limited_channel
from .connections import Connections


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
        connections: all that there are, at however many ports.
    """

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """Return what may be agreed on under TLS: Twisted would offer h2 wherever it is installed.

        A page that opened over h2 could not open a web socket on its connection.
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
        self.timeOut = None  # a channel has its own limits of time
        self.limits = limits
        self.connections = Connections(limits, reactor) if connections is None else connections
        self.noisy = False

    def protocol(self) -> ConsoleChannel:  # type: ignore[override]
        """Return what reads a new connection's requests; called by Twisted."""
        return limited_channel(self.limits, self.connections)

    def log(self, request: Request) -> None:
        """Write nothing."""
