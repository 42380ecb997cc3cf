"""The routes of Nova's API: what each needs, and how a call becomes a response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from uuid import uuid4

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException

from ...config.scope import Scope
from ...errors import VNCProxyError
from ..authentication import Unauthenticated
from ..caller import Caller
from ..desk import Desk, stranger
from ..reply import Reply
from ..request_ids import set_request_id
from .auth_tokens import AuthTokens
from .bodies import remote_console, vnc_console
from .callers import SENT_HOST
from .consoles import Consoles
from .faults import Fault, fault_of, fault_reply, not_routed, unauthenticated
from .microversions import REMOTE_CONSOLES, Microversion, requested, version_headers
from .options import NovaOptions
from .servers import Server, Servers
from .versions import all_versions, one_version, sent_host, service_root

Work = Callable[[Caller, Microversion], Awaitable[Reply]]


class NovaApi:
    """The routes below ``/v2.1``, and the discovery of versions.

    Work that has begun is finished even if the caller closes the connection.
    """

    app = Klein()
    app.url_map.merge_slashes = False
    log = Logger()

    def __init__(
        self,
        options: NovaOptions,
        desk: Desk,
        servers: Servers,
        consoles: Consoles,
        auth_tokens: AuthTokens,
    ) -> None:
        self._options = options
        self._desk = desk
        self._servers = servers
        self._consoles = consoles
        self._auth_tokens = auth_tokens

    @app.route("/", methods=["GET"])
    def versions(self, request: Request) -> bytes:
        """Show all versions."""
        return all_versions(service_root(request, self._options.url)).render(request)

    @app.route("/v2.1", methods=["GET"])
    @app.route("/v2.1/", methods=["GET"])
    def version(self, request: Request) -> bytes:
        """Show the version."""
        return one_version(service_root(request, self._options.url)).render(request)

    @app.route("/v2.1/servers", methods=["GET"])
    def list_servers(self, request: Request) -> Deferred[bytes]:
        """List servers by name."""
        return self._list(request, Server.brief)

    @app.route("/v2.1/servers/detail", methods=["GET"])
    def list_details(self, request: Request) -> Deferred[bytes]:
        """List servers by name, with their states."""
        return self._list(request, Server.detail)

    @app.route("/v2.1/servers/<path:server_id>", methods=["GET"])
    def show_server(self, request: Request, server_id: str) -> Deferred[bytes]:
        """Show a server."""

        async def work(caller: Caller, version: Microversion) -> Reply:
            server = await self._servers.find(caller, server_id)
            return Reply(200, {"server": server.detail()})

        return self._answer(request, work, Scope.ISSUE, Scope.READ)

    @app.route("/v2.1/servers/<path:server_id>/action", methods=["POST"])
    def act(self, request: Request, server_id: str) -> Deferred[bytes]:
        """Return a console's URL, up to 2.5."""

        async def work(caller: Caller, version: Microversion) -> Reply:
            asked = vnc_console(_body(request))
            if version >= REMOTE_CONSOLES:
                raise _not_in(version)
            return await self._consoles.vnc_console(caller, server_id, asked)

        return self._answer(request, work, Scope.ISSUE)

    @app.route("/v2.1/servers/<path:server_id>/remote-consoles", methods=["POST"])
    def create_console(self, request: Request, server_id: str) -> Deferred[bytes]:
        """Return a console's URL, from 2.6 on."""

        async def work(caller: Caller, version: Microversion) -> Reply:
            if version < REMOTE_CONSOLES:
                raise _not_in(version)
            asked = remote_console(_body(request))
            return await self._consoles.remote_console(caller, server_id, asked)

        return self._answer(request, work, Scope.ISSUE)

    @app.route("/v2.1/os-console-auth-tokens/<secret>", methods=["GET"])
    def show_auth_token(self, request: Request, secret: str) -> Deferred[bytes]:
        """Return where the console of a token is."""

        async def work(caller: Caller, version: Microversion) -> Reply:
            has_query = b"?" in request.uri
            return await self._auth_tokens.show(caller, secret, version, has_query=has_query)

        return self._answer(request, work, Scope.ADMIN)

    @app.handle_errors(Exception)
    def failed(self, request: IRequest, failure: Failure) -> bytes:
        """Answer a request without a route, or one that failed unexpectedly."""
        if isinstance(failure.value, HTTPException):
            return not_routed(failure.value).render(request)
        return self._unexpected(failure, _request_id()).render(request)

    def _list(
        self, request: Request, entry: Callable[[Server], dict[str, object]]
    ) -> Deferred[bytes]:
        async def work(caller: Caller, version: Microversion) -> Reply:
            name, marker = _parameter(request, "name"), _parameter(request, "marker")
            found = await self._servers.named(caller, name)
            page = [server for server in found if server.id > marker]
            return Reply(200, {"servers": [entry(server) for server in page[: _limit(request)]]})

        return self._answer(request, work, Scope.ISSUE, Scope.READ)

    def _answer(self, request: Request, work: Work, *scopes: Scope) -> Deferred[bytes]:
        """Answer with the reply of ``work``; the caller needs one of the scopes."""
        request_id = _request_id()
        set_request_id(request, request_id)

        async def serve() -> Reply:
            caller = stranger(request)
            headers = request.requestHeaders.copy()
            headers.setRawHeaders(SENT_HOST, [sent_host(request).encode("ascii")])
            versions: Iterable[tuple[str, str]] = ()
            try:
                caller = await self._desk.receive(headers, caller)
                version = requested(headers)
                versions = version_headers(version)
                caller.require_scope(*scopes)
                reply = await work(caller, version)
            except Unauthenticated:
                reply = unauthenticated(self._challenges())
                self._desk.audit.refused(caller, *_place(request), reply)
            except VNCProxyError as e:
                reply = self._refused(e, request_id)
                self._desk.audit.refused(caller, *_place(request), reply)
            return replace(reply, headers=(*reply.headers, *versions))

        # klein cancels the route's own Deferred when the connection ends; the work goes on
        answer: Deferred[Reply] = Deferred()
        serving = Deferred.fromCoroutine(serve()).addErrback(self._unexpected, request_id)
        serving.chainDeferred(answer)
        return answer.addCallback(lambda reply: _with_id(reply, request_id).render(request))

    def _challenges(self) -> Sequence[str]:
        """Return how each way asks for its credentials, Keystone's URL first if there is one."""
        found = dict.fromkeys(each.challenge for each in self._options.authenticators)
        return sorted(found, key=lambda text: "uri=" not in text)

    def _refused(self, error: VNCProxyError, request_id: str) -> Reply:
        reply = fault_of(error, request_id)
        if reply.status >= 500 and not isinstance(error, Fault):
            self.log.warn(
                "nova api request {request} failed: {code}: {error}",
                request=request_id,
                code=error.code,
                error=error,
            )
        return reply

    def _unexpected(self, failure: Failure, request_id: str) -> Reply:
        self.log.failure("nova api request {request} failed", failure, request=request_id)
        return fault_reply(500, f"The request failed. See the log (id {request_id}).")


def _request_id() -> str:
    return f"req-{uuid4()}"


def _place(request: Request) -> tuple[str, str]:
    """Return a request's method, and the beginning of its path, without ids and tokens."""
    method, path = (text.decode("ascii", "replace") for text in (request.method, request.path))
    return method, "/".join(path.split("/")[:3])


def _with_id(reply: Reply, request_id: str) -> Reply:
    """Return a reply with the id that clients print with errors."""
    names = "X-OpenStack-Request-Id", "X-Compute-Request-Id"
    return replace(reply, headers=(*reply.headers, *((name, request_id) for name in names)))


def _not_in(version: Microversion) -> Fault:
    return Fault(404, f"API version {version} is not supported on this method.")


def _body(request: Request) -> bytes:
    assert request.content is not None
    body: bytes = request.content.read()
    return body


def _parameter(request: Request, name: str) -> str:
    """Return the last value of a query's parameter; empty without it."""
    values = request.args.get(name.encode()) or [b""]
    return str(values[-1].decode("utf-8", "replace"))


def _limit(request: Request) -> int | None:
    text = _parameter(request, "limit")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise Fault(400, "Invalid input for query parameters limit. It is not a whole number.")
    return int(text[:9])
