"""How a call of the API becomes a response: the caller, its scope, its errors, the audit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from klein import Klein
from pydantic import BaseModel
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IRequest
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException

from ...errors import VNCProxyError
from ..caller import Caller
from ..desk import Desk, stranger
from ..reply import Reply, error_body, not_routed, refused
from ..request_ids import request_id
from .bodies import read_body
from .operation import Operation
from .views import Views

Body = TypeVar("Body")
Asked = TypeVar("Asked", bound=BaseModel)
Work = Callable[[Caller], Awaitable[Reply[Body]]]
Route = Callable[..., Any]

_UNHEARD: Final = Reply(500, error_body(VNCProxyError.code, "the caller has left"))
"""What is answered where the connection has ended."""

_APP = Klein()
_APP.url_map.merge_slashes = False


def serves(operation: Operation[Any]) -> Callable[[Route], Route]:
    """Return what makes a method the route of an operation."""
    return _APP.route(operation.rule, methods=[operation.method])


class Serving:
    """Answers requests; the classes of the routes derive from it.

    Work that has begun is finished even if the caller closes the connection: a revoked token must
    not leave its sessions open.
    """

    app = _APP
    log = Logger()

    def __init__(self, desk: Desk, views: Views) -> None:
        self._desk = desk
        self._views = views

    @_APP.handle_errors(Exception)
    def failed(self, request: IRequest, failure: Failure) -> bytes:
        """Answer a request without a route, or one that failed unexpectedly."""
        if isinstance(failure.value, HTTPException):
            return not_routed(failure.value).render(request)
        return self._unexpected(failure, request).render(request)

    def _answer(
        self,
        request: Request,
        operation: Operation[Body],
        work: Work[Body],
        *,
        ends_with_caller: bool = False,
    ) -> Deferred[bytes]:
        """Answer with the reply of ``work``; the caller needs one of the operation's scopes.

        Args:
            ends_with_caller: whether the work is cancelled when the connection ends.
        """

        async def reply() -> Reply:
            caller = stranger(request)
            try:
                caller = await self._desk.receive(request.requestHeaders, caller)
                caller.require_scope(*operation.scopes)
                return await work(caller)
            except VNCProxyError as e:
                refusal = self._refused(request, e)
                self._desk.audit.refused(caller, operation.method, operation.path, refusal)
                return refusal

        return self._reply(request, reply, ends_with_caller=ends_with_caller)

    def _answer_body(
        self,
        request: Request,
        operation: Operation[Body],
        model: type[Asked],
        work: Callable[[Caller, Asked], Awaitable[Reply[Body]]],
        *,
        ends_with_caller: bool = False,
    ) -> Deferred[bytes]:
        """Answer with the reply of ``work`` to what the body asks for; once, if it is repeated.

        Args:
            ends_with_caller: as `_answer` has it.
        """

        async def read_and_work(caller: Caller) -> Reply[Body]:
            raw = _body_of(request)
            asked = read_body(model, raw)
            if not operation.repeats:
                return await work(caller, asked)
            return await self._desk.repeats.once(
                caller,
                request.requestHeaders,
                request.path.decode("utf-8", "replace"),
                raw,
                lambda: work(caller, asked),
            )

        return self._answer(request, operation, read_and_work, ends_with_caller=ends_with_caller)

    def _answer_zone(
        self,
        request: Request,
        operation: Operation[Body],
        work: Callable[[Headers], Awaitable[Reply[Body]]],
    ) -> Deferred[bytes]:
        """Answer another zone, whose request is signed."""

        async def reply() -> Reply:
            return await work(request.requestHeaders)

        return self._reply(request, reply)

    def _reply(
        self,
        request: Request,
        work: Callable[[], Awaitable[Reply]],
        *,
        ends_with_caller: bool = False,
    ) -> Deferred[bytes]:
        async def serve() -> Reply:
            try:
                return await work()
            except VNCProxyError as e:
                return self._refused(request, e)
            except CancelledError:
                return _UNHEARD

        # klein cancels the route's own Deferred when the connection ends; the work goes on
        answer: Deferred[Reply] = Deferred()
        serving = Deferred.fromCoroutine(serve()).addErrback(self._unexpected, request)
        if ends_with_caller:
            request.notifyFinish().addErrback(lambda _: serving.cancel())
        serving.chainDeferred(answer)
        return answer.addCallback(lambda reply: Deferred.fromCoroutine(reply.send(request)))

    def _refused(self, request: Request, error: VNCProxyError) -> Reply:
        reply = refused(error, request_id(request))
        if reply.status >= 500:
            self.log.warn(
                "api request {request} failed: {code}: {error}",
                request=request_id(request),
                code=error.code,
                error=error,
            )
        return reply

    def _unexpected(self, failure: Failure, request: IRequest) -> Reply:
        known = request_id(request)
        self.log.failure("api request {request} failed", failure, request=known)
        message = f"the request failed; see the log (id {known})"
        return Reply(500, error_body(VNCProxyError.code, message))


def _body_of(request: Request) -> bytes:
    assert request.content is not None
    body: bytes = request.content.read()
    return body
