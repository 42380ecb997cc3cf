"""Health of one proxy, for load balancers: no key, no secret, no call to a hypervisor."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from werkzeug.exceptions import MethodNotAllowed

from ..errors import ProxyStopping, StoreUnavailable, VNCProxyError
from ..interfaces import ITokenStore
from .registry import LiveSessions
from .reply import Reply, error_body, not_routed

TIME_LIMIT = 2.0
"""Seconds that the token store may take to answer."""

OK = "ok"


async def alive() -> Reply:
    """Answer that the process answers."""
    return Reply(200, {"status": OK})


class Readiness:
    """Whether this proxy can open a console now.

    Args:
        store: asked with a time limit.
        sessions: which know whether the proxy is shutting down.
        clock: for the time limit.
    """

    def __init__(self, store: ITokenStore, sessions: LiveSessions, clock: IReactorTime) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock

    async def __call__(self) -> Reply:
        """Answer 200, or 503 with the part that is not ready."""
        parts = {"store": await self._ask_store(), "sessions": self._ask_sessions()}
        failed = [name for name, word in parts.items() if word != OK]
        if not failed:
            return Reply(200, {"status": OK, "parts": parts})
        body = error_body("not-ready", f"not ready: {', '.join(failed)}")
        return Reply(503, {**body, "parts": parts}, (("Retry-After", "2"),))

    def _ask_sessions(self) -> str:
        return ProxyStopping.code if self._sessions.draining else OK

    async def _ask_store(self) -> str:
        async def ping() -> str:
            return await self._store.ping()

        try:
            await Deferred.fromCoroutine(ping()).addTimeout(TIME_LIMIT, self._clock)
        except (StoreUnavailable, TimeoutError):
            return StoreUnavailable.code
        return OK


class HealthCheck(Resource):
    """One check as a resource that answers at whatever path it is mounted.

    Args:
        check: makes the reply.
    """

    isLeaf = True
    log = Logger()

    def __init__(self, check: Callable[[], Coroutine[Any, Any, Reply]]) -> None:
        super().__init__()
        self._check = check

    def render(self, request: Request) -> bytes | int:
        """Answer ``GET`` and ``HEAD``."""
        if request.method not in (b"GET", b"HEAD"):
            return not_routed(MethodNotAllowed(["GET", "HEAD"])).render(request)
        answer = Deferred.fromCoroutine(self._check())
        request.notifyFinish().addErrback(lambda _: answer.cancel())
        answer.addCallback(_send, request)
        answer.addErrback(self._failed, request)
        return NOT_DONE_YET

    def _failed(self, failure: Failure, request: Request) -> None:
        if not failure.check(CancelledError):
            self.log.failure("health check failed", failure)
            _send(Reply(500, error_body(VNCProxyError.code, "the check failed")), request)


def _send(reply: Reply, request: Request) -> None:
    request.write(reply.render(request))
    request.finish()


def health_resource(*, store: ITokenStore, sessions: LiveSessions, clock: IReactorTime) -> Resource:
    """Return a resource with the children ``healthz`` and ``readyz``.

    Another site, such as the users' one, can render the children at any path.
    """
    root = Resource()
    root.putChild(b"healthz", HealthCheck(alive))
    root.putChild(b"readyz", HealthCheck(Readiness(store, sessions, clock)))
    return root
