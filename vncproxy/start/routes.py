"""Which path leads where: ``login`` for browsers that come and go, ``start`` for the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from ..addresses import counted_as
from ..api.authentication import Unauthenticated
from ..api.front import Front
from ..api.keys import key_in
from ..api.reply import Refusal, Reply
from ..api.request_ids import request_id
from ..api.v1.screenshots import known_tags
from ..downstream.headers import header
from ..downstream.login_cookie import ATTEMPT, LOGIN, login_cookie, set_login_cookie
from ..downstream.rate_limit import RateLimit
from ..errors import LoginFailed, LoginRequired, VNCProxyError
from ..login.limits import ATTEMPT_TIME
from ..login.login import Login
from ..login.logins import Logins
from ..model import UnixTime, VMAddress, secret_id
from .answers import add_cookies, failed, lead, send
from .doors import IDoor
from .logging_in import LoggingIn
from .machines import MachinesOfUser
from .opening import OpeningMachines
from .visitor import UserPolicy, Visitor, callers_of

PATHS: Final = ("login", "start")
"""The first segments of the paths of all that is served here."""

REQUESTS: Final = (2.0, 60.0)
"""Requests of one visitor each second, and at once; pictures have as many of their own."""

TOO_OFTEN: Final = "Too many requests. Wait a moment and try again."


@dataclass(frozen=True, slots=True)
class StartSettings:
    """What is configured of the page.

    Attributes:
        base_url: the page's.
        issuer: the provider's; empty where no login is configured.
        label: the provider's name on the button.
        keys: whether keys of the API are accepted.
        policies: what users may do.
        lifetime: seconds that a login lasts.
    """

    base_url: str
    issuer: str
    label: str
    keys: bool
    policies: Sequence[UserPolicy]
    lifetime: float

    @property
    def secure(self) -> bool:
        """Whether cookies travel with TLS only."""
        return self.base_url.startswith("https:")


class StartResource(Resource):
    """Serves `PATHS`.

    Args:
        time: the wall clock.
        seconds: a monotonic clock.
    """

    log = Logger()
    isLeaf = True

    def __init__(
        self,
        settings: StartSettings,
        logging_in: LoggingIn,
        logins: Logins,
        front: Front,
        door: IDoor,
        time: Callable[[], UnixTime],
        seconds: Callable[[], float],
    ) -> None:
        super().__init__()
        self._settings = settings
        self._logging_in = logging_in
        self._logins = logins
        self._front = front
        self._door = door
        self._time = time
        self._machines = MachinesOfUser(front)
        self._opening = OpeningMachines(front)
        self._requests = RateLimit(*REQUESTS, 1000, seconds)
        self._pictures = RateLimit(*REQUESTS, 100, seconds)

    def render(self, request: Request) -> Any:
        """Serve any request."""
        path = _path(request)
        serve = self._route(request, path)
        if serve is None:
            refusal = Refusal(404, "not-found", "there is nothing at this path, by this method")
            return failed(request, refusal)
        serving = Deferred.fromCoroutine(self._serve(request, serve))
        serving.addErrback(self._defect, request)
        return NOT_DONE_YET

    def _route(self, request: Request, path: str) -> Callable[[Request], Any] | None:
        routes: dict[tuple[bytes, str], Callable[[Request], Any]] = {
            (b"GET", "login"): self._begin,
            (b"GET", "login/callback"): self._finish,
            (b"GET", "start/state"): self._state,
            (b"GET", "start/machines"): self._list,
            (b"GET", "start/picture"): self._picture,
            (b"POST", "start/open"): self._open,
            (b"POST", "start/key"): self._enter_by_key,
            (b"POST", "start/logout"): self._leave,
        }
        return routes.get((request.method, path))

    async def _serve(self, request: Request, serve: Callable[[Request], Any]) -> None:
        lost: list[Failure] = []
        request.notifyFinish().addErrback(lost.append)
        try:
            if request.method == b"POST" and not self._door.is_own_page(request):
                raise Refusal(403, "forbidden", "only our own page may ask for this")
            body = await serve(request)
        except VNCProxyError as e:
            body = failed(request, e)
        if not lost:
            request.write(body)
            request.finish()

    async def _begin(self, request: Request) -> bytes:
        client = self._door.client(request)
        if not self._requests.take(counted_as(client)):
            raise Refusal(429, "rate-limited", TOO_OFTEN)
        try:
            url, secret = await self._logging_in.begin()
        except LoginFailed as e:
            return self._not_logged_in(request, e)
        return lead(request, url, self._cookie(ATTEMPT, secret, ATTEMPT_TIME))

    async def _finish(self, request: Request) -> bytes:
        attempt, before = self._cookie_of(request, ATTEMPT), self._cookie_of(request, LOGIN)
        query = request.uri.partition(b"?")[2].decode("latin-1")
        try:
            if self._door.refuses_cheaply(self._door.client(request)):
                raise Refusal(429, "rate-limited", TOO_OFTEN)
            login = await self._logging_in.finish(attempt, query)
            secret = await self._logging_in.enter(login, before, self._door.client(request))
        except LoginFailed as e:
            return self._not_logged_in(request, e)
        return self._logged_in(request, secret)

    def _logged_in(self, request: Request, secret: str) -> bytes:
        cookies = self._cookie(LOGIN, secret, self._settings.lifetime), self._cookie(ATTEMPT)
        return lead(request, self._settings.base_url, *cookies)

    def _not_logged_in(self, request: Request, error: LoginFailed) -> bytes:
        """Lead to the page, which says why in words; the log has the cause by its id."""
        why = self._door.refused(self._door.client(request), "login", str(error))
        id_ = why.strip(" ()").removeprefix("id ")
        query = urlencode({"problem": error.word, **({"id": id_} if id_ else {})})
        return lead(request, f"{self._settings.base_url}?{query}", self._cookie(ATTEMPT))

    async def _state(self, request: Request) -> bytes:
        settings = self._settings
        login = await self._login_of(request)
        state = {
            "login": settings.label if settings.issuer else None,
            "keys": settings.keys,
            "user": None if login is None else {"name": login.name, "key": bool(login.key)},
        }
        return send(request, Reply(200, state))

    async def _list(self, request: Request) -> bytes:
        visitor = await self._visitor(request)
        return send(request, Reply(200, await self._machines.read(visitor.callers)))

    async def _picture(self, request: Request) -> bytes:
        visitor = await self._visitor(request, self._pictures)
        known = known_tags(header(request, "if-none-match"))
        return send(request, await self._opening.picture(visitor, _vm(request), known))

    async def _open(self, request: Request) -> bytes:
        visitor = await self._visitor(request)
        return send(request, Reply(201, await self._opening.link(visitor, _vm(request))))

    async def _enter_by_key(self, request: Request) -> bytes:
        client = self._door.client(request)
        if self._door.refuses_cheaply(client):
            raise Refusal(429, "rate-limited", TOO_OFTEN)
        key = key_in(request.requestHeaders) if self._settings.keys else None
        try:
            if not key:
                raise Unauthenticated("no API key is accepted here, or none was given")
            caller = await self._front.keys.bearer(key)
        except Unauthenticated as e:
            why = self._door.refused(client, "API key at the start page", e.message)
            raise Refusal(401, "unauthorized", f"This key is not known{why}.") from e
        assert caller.credential is not None
        ends = min(caller.credential.expires_at or 1e11, self._time() + self._settings.lifetime)
        login = Login(caller.name, caller.name, (), ends, key=caller.credential.id)
        before = self._cookie_of(request, LOGIN)
        secret = await self._logging_in.enter(login, before, client)
        add_cookies(request, self._cookie(LOGIN, secret, ends - self._time()))
        return send(request, Reply(200, {"name": login.name}))

    async def _leave(self, request: Request) -> bytes:
        await self._logging_in.leave(self._cookie_of(request, LOGIN), self._door.client(request))
        add_cookies(request, self._cookie(LOGIN))
        return send(request, Reply(200, {}))

    async def _visitor(self, request: Request, limit: RateLimit | None = None) -> Visitor:
        """Return who sends a request.

        Raises:
            LoginRequired: no user is logged in, or the login has ended.
            Refusal: 429, the visitor has sent too many requests.
        """
        secret, client = self._cookie_of(request, LOGIN), self._door.client(request)
        login = await self._login_of(request)
        if login is None:
            raise LoginRequired("the page has no login", public="Log in first.")
        if not (limit or self._requests).take(secret_id(secret)):
            raise Refusal(429, "rate-limited", TOO_OFTEN, headers=(("Retry-After", "2"),))
        policies, keys = self._settings.policies, self._front.keys
        callers = await callers_of(login, policies, keys, client, request_id(request))
        for caller in callers:
            await self._front.gate.admit(caller)
        return Visitor(login, callers, secret_id(secret))

    async def _login_of(self, request: Request) -> Login | None:
        """Return the login of a request, if it would still be let in: by this provider or key."""
        login = await self._logins.find(self._cookie_of(request, LOGIN))
        if login is None or not login.key:
            return login if login and login.issuer == self._settings.issuer else None
        try:
            await self._front.keys.bearer_of(login.key)
        except Unauthenticated:
            return None
        return login if self._settings.keys else None

    def _cookie_of(self, request: Request, name: str) -> str:
        return login_cookie(request, name, secure=self._settings.secure)

    def _cookie(self, name: str, secret: str = "", seconds: float = 0) -> str:
        return set_login_cookie(name, secret, seconds, secure=self._settings.secure)

    def _defect(self, failure: Failure, request: Request) -> None:
        self.log.failure("a request of the start page was not answered", failure)
        if request.channel is not None:
            request.loseConnection()


def _path(request: Request) -> str:
    """Return a path from ``login`` or ``start`` on."""
    parts = request.path.decode("latin-1").strip("/").split("/")
    return "/".join(parts[-2:] if parts[-2:-1] and parts[-2] in PATHS else parts[-1:])


def _vm(request: Request) -> VMAddress:
    text = request.uri.partition(b"?")[2].decode("latin-1")
    try:
        query = parse_qs(text, max_num_fields=20)
        return VMAddress.parse(query.get("vm", [""])[0])
    except ValueError as e:
        raise Refusal(400, "bad-request", "vm is needed", field="vm") from e
