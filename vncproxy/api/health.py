"""Health of one proxy, for load balancers: no key, no secret, no call to a hypervisor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from klein import Klein
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from werkzeug.exceptions import HTTPException

from ..errors import ProxyStopping, StoreUnavailable
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


class _Check:
    app = Klein()

    def __init__(self, check: Callable[[], Awaitable[Reply]]) -> None:
        self._check = check

    @app.route("/", methods=["GET"])
    async def show(self, request: IRequest) -> bytes:
        return (await self._check()).render(request)

    @app.handle_errors(HTTPException)
    def failed(self, request: IRequest, failure: Failure) -> bytes:
        assert isinstance(failure.value, HTTPException)
        return not_routed(failure.value).render(request)


def health_resource(
    *, store: ITokenStore, sessions: LiveSessions, clock: IReactorTime
) -> IResource:
    """Return a resource with the children ``healthz`` and ``readyz``.

    Another site, such as the users' one, mounts the children themselves.
    """
    root = Resource()
    root.putChild(b"healthz", _Check(alive).app.resource())
    root.putChild(b"readyz", _Check(Readiness(store, sessions, clock)).app.resource())
    return root
