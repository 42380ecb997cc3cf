"""What zones reach over tunnels: requests between zones, and web sockets of consoles."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import Request, Site

_NOTHING = b"There is nothing here for other zones.\n"


class _Only(Resource):
    """A part of a site, whose resource a reload may replace."""

    isLeaf = True

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site

    def render(self, request: Request) -> Any:
        """Serve what is allowed."""
        if self.allows(request):
            return self._site.resource.render(request)
        request.setResponseCode(404)
        request.setHeader("Content-Type", "text/plain; charset=utf-8")
        return _NOTHING

    def allows(self, request: Request) -> bool:
        """Return whether a request is served."""
        raise NotImplementedError


class OnlyZones(_Only):
    """The part of the API that zones use."""

    def allows(self, request: Request) -> bool:
        """Return whether it is a request between zones."""
        return bool(request.path.startswith(b"/v1/zones/"))


class OnlyConsoles(_Only):
    """The web sockets of consoles."""

    def allows(self, request: Request) -> bool:
        """Return whether it asks for a web socket."""
        return bool(request.requestHeaders.hasHeader(b"sec-websocket-key"))
