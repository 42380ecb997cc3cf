"""What is served where: the page, WebSocket upgrades and CONNECT on one port."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from ..errors import Busy
from ..languages.reasons import in_language
from ..model import ConsoleType
from ..session.registry import SessionRegistry
from ..web import STATIC, novnc_installed
from .channel import ConsoleChannel
from .connect import ConnectDownstream
from .cookies import parse_cookies
from .forwarded import peer_address
from .frame_ancestors import FrameAncestors
from .headers import header_lines
from .links import behind_path, query_token
from .rate_limit import RateLimit
from .refusals import TOO_OFTEN
from .request import language_of, read_user_request
from .static_files import find_file
from .trust import Trust
from .websocket import WebSocketDownstream, refuses_in_rfb, upgrade_factory

PAGES = frozenset({"", "index.html", "vnc.html", "vnc_auto.html", "vnc_lite.html", "console"})
"""Paths of the console page; noVNC's and Nova's names among them."""

LOOKUPS = (2.0, 20.0, 20.0)
"""Look-ups of tokens for framed pages: arguments of their `RateLimit`."""

START = "start/start.html"
"""The page for those who come without a token, below ``STATIC``."""

SOCKET = "websockify"
"""The path of the page's web socket; every other path is accepted as well."""

SCRIPT_BLOCKED = "static/blocked.svg"
"""An image that the page's style sheet requests when no script has run for some seconds."""

HSTS_AGE = 365 * 24 * 3600
"""Seconds for which browsers use TLS only for this host (RFC 6797)."""

_NO_PAGE = (
    b"The console page is not installed: npm was missing when vncproxy was built. Install npm and "
    b"build again; TCP viewers work without it.\n"
)


class ConsoleResource(Resource):
    """The site's only resource; it dispatches by method, then by path.

    Args:
        prefix: path of the public URL, such as ``/consoles/``. Requests are served with it and
            without it, where a reverse proxy has stripped it.
        resume: lifetime of a resume cookie in seconds.
        others: further resources by their first path segment, such as ``healthz``.
    """

    log = Logger()
    isLeaf = True

    def __init__(
        self,
        sessions: SessionRegistry,
        trust: Trust,
        prefix: str,
        resume: float,
        others: dict[str, IResource],
    ) -> None:
        super().__init__()
        self._sessions = sessions
        self._trust = trust
        self._prefix = prefix
        self._resume = resume
        self._others = others
        services = sessions.services
        lookups = RateLimit(*LOOKUPS, services.reactor.seconds)
        self._frame_ancestors = FrameAncestors(trust, services.store, lookups)
        self._upgrades = upgrade_factory(services.reactor)

    def render(self, request: Request) -> Any:
        """Serve any request; HEAD gets no body, for which Twisted would log a line."""
        body = self._render(request)
        if request.method == b"HEAD" and isinstance(body, bytes):
            # a file has set its own
            if body:
                request.setHeader("Content-Length", str(len(body)))
            return b""
        return body

    def _render(self, request: Request) -> Any:
        """Serve any request within the limits of its client's address."""
        channel = request.channel
        assert isinstance(channel, ConsoleChannel)
        client = self._trust.forwarding.client_address(request)
        if refusal := channel.slot.recount(client):
            log_id = channel.connections.refusals.log_refusal(client, "request", str(refusal))
            return _refuse_and_close(request, refusal.status, refusal.sentence() + log_id)
        handler = self._console_handler(request)
        if handler is None:
            return self._page(request)
        if channel.connections.refusals.refuses_cheaply(client):
            return _refuse_and_close(request, 429, TOO_OFTEN)
        return handler(request)

    def _console_handler(self, request: Request) -> Callable[[Request], object] | None:
        """Return the handler of a request for a console; None for any other request."""
        if request.method == b"CONNECT":
            return self._connect
        return self._websocket if _is_upgrade(request) else None

    def _connect(self, request: Request) -> object:
        user_request = read_user_request(request, ConsoleType.XVPVNC, self._trust)
        services, channel = self._sessions.services, request.channel
        assert isinstance(channel, ConsoleChannel)
        connection = ConnectDownstream(channel, services.timeouts.linger, services.reactor)
        connection.begin(user_request, self._sessions)
        return NOT_DONE_YET

    def _websocket(self, request: Request) -> object:
        user_request = read_user_request(request, ConsoleType.NOVNC, self._trust)
        services = self._sessions.services
        connection = WebSocketDownstream(
            request,
            self._upgrades,
            self._trust,
            self._resume,
            services.timeouts.linger,
            services.reactor,
        )
        connection.begin(user_request, self._sessions)
        return NOT_DONE_YET

    def _page(self, request: Request) -> Any:
        self._set_headers(request)
        if request.path.decode("latin-1") + "/" == self._prefix:
            return self._add_slash(request)
        path = self._path(request)
        first, _, rest = path.partition("/")
        if first in self._others:
            return self._others[first].render(request)
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader("Allow", "GET, HEAD, CONNECT")
            return _plain(request, 405, b"Only GET, WebSocket and CONNECT are served here.\n")
        if path == SOCKET or request.requestHeaders.hasHeader(b"sec-websocket-key"):
            return self._without_upgrade(request)
        if path in PAGES:
            return self._index(request)
        if path == SCRIPT_BLOCKED:
            self._warn("the page's script did not run in the browser of {client}", request)
        # the page finds its files relative to its own address only
        if first == "static" and rest not in ("index.html", START):
            return self._file(request, rest)
        return _plain(request, 404, b"There is nothing here. Open the link as you got it.\n")

    def _without_upgrade(self, request: Request) -> bytes:
        """Answer a request for the web socket without ``Upgrade``, or the page's probe of it."""
        channel = request.channel
        assert isinstance(channel, ConsoleChannel)
        client = self._trust.forwarding.client_address(request)
        if channel.connections.refusals.refuses_cheaply(client):
            return _refuse_and_close(request, 429, TOO_OFTEN)
        if request.requestHeaders.hasHeader(b"sec-websocket-key") or query_token(request):
            self._warn(
                "a request of {client} for a web socket came from {peer} without Upgrade: reverse "
                "proxies must speak HTTP/1.1 here, and pass the headers Upgrade and Connection on",
                request,
            )
        if self._sessions.admission.waiting:  # the page's probe after its web socket did not open
            request.setHeader("Retry-After", str(Busy.retry_after))
            sentence = in_language(Busy.public, language_of(request))
            return _plain(request, Busy.status, sentence.encode() + b"\n")
        request.setHeader("Upgrade", "websocket")
        return _plain(request, 426, b"This is an address for web sockets.\n")

    def _warn(self, line: str, request: Request) -> None:
        """Log, at most once a minute, what prevents a browser from opening its console."""
        client = self._trust.forwarding.client_address(request)
        self._trust.forwarding.warning(line, client=client, peer=peer_address(request))

    def _add_slash(self, request: Request) -> bytes:
        """Redirect to the prefix with its slash, to which the page's files are relative."""
        _, question, query = request.uri.partition(b"?")
        request.setHeader("Location", self._prefix.encode("ascii") + question + query)
        return _plain(request, 308, b"")

    def _path(self, request: Request) -> str:
        # an escaped question mark makes the query part of the path
        path = "/" + behind_path(request.path.decode("latin-1"))[0].lstrip("/")
        return path.removeprefix(self._prefix).lstrip("/")

    def _index(self, request: Request) -> Any:
        if self._path(request) == "" and not _has_token(request):
            return self._file(request, START)
        if not novnc_installed():
            return _plain(request, 503, _NO_PAGE)
        token = self._frame_ancestors.token_of(request)
        if not token:
            return self._file(request, "index.html")
        later = Deferred.fromCoroutine(self._index_for(request, token))
        later.addErrback(partial(self.log.failure, "the page was not served"))
        return NOT_DONE_YET

    async def _index_for(self, request: Request, token: str) -> None:
        """Serve the page with the content security policy of its token."""
        lost: list[Failure] = []
        request.notifyFinish().addErrback(lost.append)
        policy = await self._frame_ancestors.policy_for(token)
        if lost:
            return
        request.setHeader("Content-Security-Policy", policy)
        body = self._file(request, "index.html")
        if body is not NOT_DONE_YET:
            request.write(body)
            request.finish()

    def _file(self, request: Request, name: str) -> Any:
        file = find_file(STATIC, name)
        if file is None:
            return _plain(request, 404, b"There is no such file.\n")
        return file.render(request)

    def _set_headers(self, request: Request) -> None:
        for name, value in (
            ("Content-Security-Policy", self._frame_ancestors.policy),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-cache"),
            ("Server", "vncproxy"),
        ):
            request.setHeader(name, value)
        if self._trust.secure:
            request.setHeader("Strict-Transport-Security", f"max-age={HSTS_AGE}")


def _is_upgrade(request: Request) -> bool:
    upgrade = request.requestHeaders.getRawHeaders(b"upgrade") or [b""]
    return bool(upgrade[0].strip().lower() == b"websocket")


def _has_token(request: Request) -> bool:
    """Tell whether a request for the page comes with a token; one in a fragment is never sent."""
    return bool(query_token(request)) or "token" in parse_cookies(header_lines(request, "cookie"))


def _refuse_and_close(request: Request, status: int, message: str) -> bytes:
    """Refuse a request and close; the status line has the message, which TCP viewers show.

    A program that is no browser would take the body for frames of its web socket.
    """
    request.setHeader("Connection", "close")
    request.setHeader("Retry-After", "60" if status == 429 else "2")
    request.channel.persistent = False
    request.setHeader("Content-Type", "text/plain; charset=utf-8")
    request.setHeader("Server", "vncproxy")
    request.setResponseCode(status, message.encode("ascii", "replace"))
    if _is_upgrade(request) and not refuses_in_rfb(request):
        return b""
    return message.encode() + b"\n"


def _plain(request: Request, status: int, text: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader("Content-Type", "text/plain; charset=utf-8")
    return text
