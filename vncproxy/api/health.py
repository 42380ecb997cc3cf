"""Health of one proxy, for load balancers: no key, no secret, no call to a hypervisor."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from werkzeug.exceptions import MethodNotAllowed

from ..answers import Health, Unready
from ..answers import Readiness as Ready
from ..errors import StoreUnavailable, VNCProxyError
from ..interfaces import ISessionRegistry, ITokenStore
from .reply import Reply, error_body, not_routed

TIME_LIMIT = 2.0
"""Seconds that the token store may take to answer."""

REMEMBERED = 1.0
"""Seconds for which the store's answer is reused: requests for it need no key."""

OK = "ok"


async def alive() -> Reply[Health]:
    """Answer that the process answers."""
    return Reply(200, {"status": OK})


class StoreCheck:
    """Checks whether the token store answers, at most once in `REMEMBERED` seconds.

    Args:
        store: is given `TIME_LIMIT` seconds.
        clock: for the time limit, and the age of an answer.
    """

    def __init__(self, store: ITokenStore, clock: IReactorTime) -> None:
        self._store = store
        self._clock = clock
        self._known: tuple[float, str] | None = None
        self._waiting: list[Deferred[str]] = []
        self._checking = False

    async def __call__(self) -> str:
        """Return `OK`, or the code of what is wrong."""
        if self._known is not None and self._clock.seconds() - self._known[0] < REMEMBERED:
            return self._known[1]
        mine: Deferred[str] = Deferred()
        self._waiting.append(mine)
        if not self._checking:
            self._checking = True
            Deferred.fromCoroutine(self._check()).addBoth(self._checked)
        return await mine

    async def _check(self) -> str:
        async def check() -> None:
            await self._store.check()

        try:
            await Deferred.fromCoroutine(check()).addTimeout(TIME_LIMIT, self._clock)
        except (StoreUnavailable, TimeoutError):
            return StoreUnavailable.code
        return OK

    def _checked(self, result: str | Failure) -> None:
        if isinstance(result, str):
            self._known = self._clock.seconds(), result
        waiting, self._waiting, self._checking = self._waiting, [], False
        for each in waiting:
            if not each.called:
                each.callback(result)


class Readiness:
    """Checks whether this proxy could open a console now.

    Args:
        store: is checked once a second at most.
        sessions: for whether they take another one.
        clock: for the time limit.
        more: further checks by name: each returns `OK`, or the code of what is wrong.
        room_elsewhere: returns whether another process on the same sockets takes sessions.
    """

    def __init__(
        self,
        store: ITokenStore,
        sessions: ISessionRegistry,
        clock: IReactorTime,
        more: Mapping[str, Callable[[], str]] = MappingProxyType({}),
        room_elsewhere: Callable[[], bool] = lambda: False,
    ) -> None:
        self._check_store = StoreCheck(store, clock)
        self._sessions = sessions
        self._more = more
        self._room_elsewhere = room_elsewhere

    async def __call__(self) -> Reply[Ready | Unready]:
        """Answer 200, or 503 with the parts that are not ready."""
        parts = {"store": await self._check_store(), "sessions": self._check_sessions()}
        parts |= {name: check() for name, check in self._more.items()}
        failed = [name for name, code in parts.items() if code != OK]
        if not failed:
            return Reply(200, {"status": OK, "parts": parts})
        error = error_body("not-ready", f"not ready: {', '.join(failed)}")
        body: Unready = {**error, "parts": parts}
        return Reply(503, body, (("Retry-After", "2"),))

    def _check_sessions(self) -> str:
        refusal = self._sessions.refusal()
        return OK if refusal is None or self._room_elsewhere() else refusal.code


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


def health_resource(
    *,
    store: ITokenStore,
    sessions: ISessionRegistry,
    clock: IReactorTime,
    room_elsewhere: Callable[[], bool] = lambda: False,
) -> Resource:
    """Return a resource with the children ``healthz`` and ``readyz``.

    Another site, such as the users' one, can render the children at any path.
    """
    root = Resource()
    root.putChild(b"healthz", HealthCheck(alive))
    ready = Readiness(store, sessions, clock, room_elsewhere=room_elsewhere)
    root.putChild(b"readyz", HealthCheck(ready))
    return root
