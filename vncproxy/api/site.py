"""The API's site: everything put together, and the answers that need no route."""

from __future__ import annotations

import re
import time as system_time
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web import http
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site
from werkzeug.exceptions import HTTPException

from ..text import printable
from .assembly import ApiParts, Assembly
from .dashboard import FILES, render_file, render_page, wants_page
from .nova.routes import NovaApi
from .nova.versions import PREFIX
from .reply import Reply, error_body
from .request_ids import request_id
from .v1.bodies import MAX_BODY
from .v1.routes import Api

_ID = re.compile(r"[0-9a-fA-F]{64}")
_LONG = re.compile(r"(^/v1/sessions/[0-9a-f]{16}$)|[\w.~-]{16,}")
"""The path of a session; or what may be a token's id, or a token at the wrong port."""

LONGEST_PATH = 200
"""Characters of a path in the log; a request without a key may have any length."""

_UNLOGGED = frozenset({"/healthz", "/readyz", "/metrics"})


def _is_routine(path: str) -> bool:
    return path in _UNLOGGED or path.encode().startswith(FILES)


def _shortened(found: re.Match[str]) -> str:
    if found[1]:
        return found[0]
    return found[0][:12] if _ID.fullmatch(found[0]) else "…"


class _Root(Resource):
    """Answers in JSON also what cannot reach a route."""

    isLeaf = True

    def __init__(self, api: Api, nova: NovaApi) -> None:
        super().__init__()
        self._routes = api.app.resource()
        self._nova_routes = nova.app.resource()

    def render(self, request: Request) -> Any:
        try:
            b"/".join([request.method, *(request.postpath or ())]).decode()
        except UnicodeDecodeError:
            message = "the request line is not UTF-8"
            body = Reply(400, error_body("bad-request", message)).render(request)
            return b"" if request.method == b"HEAD" else body
        if wants_page(request):
            return render_page(request)
        if request.path.startswith(FILES):
            return render_file(request)
        routes = self._nova_routes if _is_novas(request.path) else self._routes
        return routes.render(request)


def _is_novas(path: bytes) -> bool:
    return path == b"/" or path.split(b"/")[1:2] == [PREFIX.encode()]


class BoundedRequest(Request):
    """A request that keeps at most one byte of its body beyond the limit.

    Attributes:
        received_at: when it was whole, of the system's monotonic clock.
        sent_host: the ``Host`` header as it was sent, for links to the API itself.
    """

    received_at = 0.0
    sent_host = ""

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Serve it; the body is JSON, and is not parsed as a form whatever its content type says.

        No route depends on the host's name, and klein fails on some.
        """
        self.requestHeaders.removeHeader(b"content-type")
        self.sent_host = self.requestHeaders.getRawHeaders(b"host", [b""])[0].decode("latin-1")
        self.requestHeaders.setRawHeaders(b"host", [b"localhost"])
        super().requestReceived(command, path, version)

    def __repr__(self) -> str:
        return f"<request of {self.getClientAddress()}>"

    def process(self) -> None:
        """Serve it, ``OPTIONS *`` included, which Twisted would answer itself."""
        self.received_at = system_time.monotonic()
        if self.path == b"*":
            self.path = b"/*"
        super().process()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, or drop what is beyond the limit."""
        assert self.content is not None
        room = MAX_BODY + 1 - self.content.tell()
        super().handleContentChunk(data[: max(room, 0)])


def api_resource(parts: ApiParts) -> IResource:
    """Return the root of the API's site."""
    assembly = Assembly(parts)
    return _Root(assembly.api(), assembly.nova())


class ApiSite(Site):
    """Serves the API, bounds the memory of request bodies and keeps token ids out of the log.

    Attributes:
        on_answer: is called after each answer, with the template of its route or an empty text, the
            method, the status and the seconds since the request.
    """

    requestFactory = BoundedRequest
    noisy = False
    on_answer: Callable[[str, str, int, float], object] = staticmethod(
        lambda route, method, status, seconds: None
    )
    _logger = Logger()

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """Return the protocols for TLS: not h2, which has no limits for requests."""
        return [b"http/1.1"]

    def log(self, request: http.Request) -> None:
        """Log a request without its query and with ids shortened; health only when it is bad."""
        path = request.path.decode("ascii", "replace")
        self._tell_answer(request, path)
        if _is_routine(path) and request.code in (http.OK, http.NOT_MODIFIED):
            return
        self._logger.info(
            "api {client} {method} {path} {status}, request {request}",
            client=getattr(request.getClientAddress(), "host", "unix socket"),
            method=printable(request.method.decode("ascii", "replace"), 20),
            path=printable(_LONG.sub(_shortened, path), LONGEST_PATH),
            status=request.code,
            request=request_id(request),
        )

    def _tell_answer(self, request: http.Request, path: str) -> None:
        method = request.method.decode("ascii", "replace")
        since = getattr(request, "received_at", 0.0)
        seconds = system_time.monotonic() - since if since else 0.0
        self.on_answer(route_template(method, path), method, request.code, seconds)


def route_template(method: str, path: str) -> str:
    """Return the template of a request's route; empty where no route answers it."""
    app = NovaApi.app if _is_novas(path.encode()) else Api.app
    try:
        rule, _ = app.url_map.bind("localhost").match(path, method, return_rule=True)
    except HTTPException:
        return ""
    return str(rule.rule)


def api_site(
    resource: IResource,
    clock: IReactorTime | None = None,
    channel: Callable[[], http.HTTPChannel] | None = None,
) -> ApiSite:
    """Return the factory for the API's connections.

    Args:
        clock: for its time limits; the reactor unless given.
        channel: makes the channel of a connection, with limits of its own.
    """
    site = ApiSite(resource, reactor=clock)
    if channel is not None:
        site.timeOut = None
        vars(site)["protocol"] = channel
    return site
