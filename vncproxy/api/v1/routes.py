"""The API's routes: the scope that each needs, and how a call becomes a response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from klein import Klein
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IRequest
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException

from ...config.scope import Scope
from ...errors import VNCProxyError
from ...model import new_id
from ..authentication import IAuthenticator, authenticate
from ..caller import Caller
from ..health import Readiness, alive
from ..reply import Refusal, Reply, error_body, not_routed, refused
from ..visible_metrics import metrics_text
from ..zones import ZoneDesk
from .bodies import token_request
from .inventory import Inventory
from .parameters import check_user, parse_vm
from .proxies import ProxiesView
from .session_query import session_query
from .sessions import SessionsView
from .tokens import Tokens

Work = Callable[[Caller], Awaitable[Reply]]


class Api:
    """The routes of ``/v1``, of health and of the metrics.

    Work that has begun is finished even if the caller closes the connection: a revoked token must
    not leave its sessions open.
    """

    app = Klein()
    app.url_map.merge_slashes = False
    log = Logger()

    def __init__(
        self,
        authenticators: Sequence[IAuthenticator],
        tokens: Tokens,
        sessions: SessionsView,
        proxies: ProxiesView,
        zones: ZoneDesk,
        inventory: Inventory,
        readiness: Readiness,
        metrics_registry: CollectorRegistry,
    ) -> None:
        self._authenticators = authenticators
        self._tokens = tokens
        self._sessions = sessions
        self._proxies = proxies
        self._zones = zones
        self._inventory = inventory
        self._readiness = readiness
        self._metrics_registry = metrics_registry

    @app.route("/v1/tokens", methods=["POST"])
    def issue_token(self, request: Request) -> Deferred[bytes]:
        """Issue a token."""

        async def work(caller: Caller) -> Reply:
            return await self._tokens.issue(caller, token_request(_body(request)))

        return self._answer(request, work, Scope.ISSUE)

    @app.route("/v1/tokens", methods=["DELETE"])
    def revoke_tokens(self, request: Request) -> Deferred[bytes]:
        """Revoke all tokens of a machine or of a user."""

        async def work(caller: Caller) -> Reply:
            match _one_parameter(request, "vm", "user"):
                case "vm", text:
                    return await self._tokens.revoke_vm(caller, parse_vm(text))
                case _, text:
                    return await self._tokens.revoke_user(caller, check_user(text))

        return self._answer(request, work, Scope.ISSUE)

    @app.route("/v1/tokens/<token_id>", methods=["GET"])
    def show_token(self, request: Request, token_id: str) -> Deferred[bytes]:
        """Show a token."""
        show = self._tokens.show
        return self._answer(request, lambda caller: show(caller, token_id), Scope.ISSUE, Scope.READ)

    @app.route("/v1/tokens/<token_id>", methods=["DELETE"])
    def revoke_token(self, request: Request, token_id: str) -> Deferred[bytes]:
        """Revoke a token."""
        revoke = self._tokens.revoke
        return self._answer(request, lambda caller: revoke(caller, token_id), Scope.ISSUE)

    @app.route("/v1/vms", methods=["GET"])
    def list_vms(self, request: Request) -> Deferred[bytes]:
        """List the machines of all backends."""
        return self._answer(request, self._inventory.list, Scope.READ)

    @app.route("/v1/proxies", methods=["GET"])
    def list_proxies(self, request: Request) -> Deferred[bytes]:
        """List the proxies."""
        return self._answer(request, self._proxies.list, Scope.READ)

    @app.route("/v1/proxies/<proxy_id>/drain", methods=["POST"])
    def drain_proxy(self, request: Request, proxy_id: str) -> Deferred[bytes]:
        """Let a proxy take no new sessions."""
        drain = self._proxies.drain
        return self._answer(request, lambda caller: drain(caller, proxy_id), Scope.ADMIN)

    @app.route("/v1/zones/tokens", methods=["POST"])
    def issue_zone_token(self, request: Request) -> Deferred[bytes]:
        """Issue a token for a session of another zone."""
        return self._answer_zone(request, self._zones.issue)

    @app.route("/v1/zones/checks", methods=["POST"])
    def check_for_zone(self, request: Request) -> Deferred[bytes]:
        """Tell another zone whether a machine exists."""
        return self._answer_zone(request, self._zones.check)

    @app.route("/v1/zones/about", methods=["GET"])
    def tell_zone(self, request: Request) -> Deferred[bytes]:
        """Tell another zone about this one."""
        return self._answer_zone(request, self._zones.about)

    @app.route("/v1/sessions", methods=["GET"])
    def list_sessions(self, request: Request) -> Deferred[bytes]:
        """List live sessions, all or a page."""

        async def work(caller: Caller) -> Reply:
            return await self._sessions.list(caller, session_query(request.args, pages=True))

        return self._answer(request, work, Scope.READ)

    @app.route("/v1/sessions", methods=["DELETE"])
    def end_sessions(self, request: Request) -> Deferred[bytes]:
        """End the sessions of a machine, a user, a token or a proxy."""

        async def work(caller: Caller) -> Reply:
            query = session_query(request.args, pages=False)
            return await self._sessions.end_where(caller, query)

        return self._answer(request, work, Scope.ADMIN)

    @app.route("/v1/sessions/<session_id>", methods=["GET"])
    def show_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Show a session."""
        show = self._sessions.show
        return self._answer(request, lambda caller: show(caller, session_id), Scope.READ)

    @app.route("/v1/sessions/<session_id>", methods=["DELETE"])
    def end_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """End a session, and revoke its token with ``?revoke=true``."""

        async def work(caller: Caller) -> Reply:
            return await self._sessions.end(caller, session_id, revoke=_flag(request, "revoke"))

        return self._answer(request, work, Scope.ADMIN)

    @app.route("/metrics", methods=["GET"])
    def show_metrics(self, request: Request) -> Deferred[bytes]:
        """Show the metrics as Prometheus reads them."""

        async def work(caller: Caller) -> Reply:
            text = metrics_text(self._metrics_registry, caller)
            return Reply(200, text, content_type=CONTENT_TYPE_LATEST)

        return self._answer(request, work, Scope.READ)

    @app.route("/healthz", methods=["GET"])
    async def healthz(self, request: Request) -> bytes:
        """Tell that the process answers."""
        return (await alive()).render(request)

    @app.route("/readyz", methods=["GET"])
    async def readyz(self, request: Request) -> bytes:
        """Tell whether a console could be opened."""
        return (await self._readiness()).render(request)

    @app.handle_errors(Exception)
    def failed(self, request: IRequest, failure: Failure) -> bytes:
        """Answer a request without a route, or one that failed unexpectedly."""
        if isinstance(failure.value, HTTPException):
            return not_routed(failure.value).render(request)
        return self._unexpected(failure).render(request)

    def _answer(self, request: Request, work: Work, *scopes: Scope) -> Deferred[bytes]:
        """Answer with the reply of ``work``; the caller needs one of the scopes."""

        async def reply() -> Reply:
            caller = await authenticate(self._authenticators, request.requestHeaders)
            caller.require_scope(*scopes)
            return await work(caller)

        return self._reply(request, reply)

    def _answer_zone(
        self, request: Request, work: Callable[[Headers], Awaitable[Reply]]
    ) -> Deferred[bytes]:
        """Answer another zone, whose request is signed."""

        async def reply() -> Reply:
            return await work(request.requestHeaders)

        return self._reply(request, reply)

    def _reply(self, request: Request, work: Callable[[], Awaitable[Reply]]) -> Deferred[bytes]:
        async def serve() -> Reply:
            try:
                return await work()
            except VNCProxyError as e:
                return self._refused(e)

        # klein cancels the route's own Deferred when the connection ends; the work goes on
        answer: Deferred[Reply] = Deferred()
        serving = Deferred.fromCoroutine(serve()).addErrback(self._unexpected)
        serving.chainDeferred(answer)
        return answer.addCallback(lambda reply: reply.render(request))

    def _refused(self, error: VNCProxyError) -> Reply:
        request_id = new_id()
        reply = refused(error, request_id)
        if reply.status >= 500:
            self.log.warn(
                "api request {request} failed: {code}: {error}",
                request=request_id,
                code=error.code,
                error=error,
            )
        return reply

    def _unexpected(self, failure: Failure) -> Reply:
        request_id = new_id()
        self.log.failure("api request {request} failed", failure, request=request_id)
        message = f"the request failed; see the log (id {request_id})"
        return Reply(500, error_body(VNCProxyError.code, message))


def _body(request: Request) -> bytes:
    assert request.content is not None
    body: bytes = request.content.read()
    return body


def _one_parameter(request: Request, *names: str) -> tuple[str, str]:
    """Return the name and value of the query's only parameter, which is one of the names."""
    given = [(name, value) for name, values in request.args.items() for value in values]
    if len(given) == 1 and given[0][0].decode("latin-1") in names:
        name, value = given[0]
        try:
            return name.decode(), value.decode()
        except UnicodeDecodeError:
            raise Refusal(400, "bad-request", "is not UTF-8", field=name.decode()) from None
    choice = " or ".join(f"?{name}=" for name in names)
    raise Refusal(400, "bad-request", f"exactly one of {choice} is needed")


def _flag(request: Request, name: str) -> bool:
    """Return a parameter that is true or false, and false without it."""
    given = request.args.get(name.encode(), [b"false"])
    if len(given) != 1 or given[0] not in (b"true", b"false"):
        raise Refusal(400, "bad-request", "must be true or false", field=name)
    return bool(given[0] == b"true")
