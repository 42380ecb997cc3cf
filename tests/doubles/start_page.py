"""The start page in memory, with an OpenID provider and users."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs, urlsplit

from zope.interface import implementer_only

from tests.doubles.openid import CLIENT, ISSUER, RETURN, SECRET, OpenIDProvider
from tests.doubles.users import Answer, SiteTestCase
from vncproxy.api import ApiKey, ApiKeys, Caller, Scope
from vncproxy.api.assembly import ApiParts, Assembly
from vncproxy.api.audit import ApiAudit
from vncproxy.config.scope import Access
from vncproxy.interfaces import IConsoleBackend, IMachineIds
from vncproxy.login.logins import Logins
from vncproxy.login.memory import MemoryLogins
from vncproxy.login.options import ProviderOptions
from vncproxy.login.provider import Provider
from vncproxy.metrics import Registry
from vncproxy.model import VMAddress, VMPatterns
from vncproxy.screenshots.formats import Image, ImageKind
from vncproxy.start.logging_in import LoggingIn
from vncproxy.start.routes import StartResource, StartSettings
from vncproxy.start.visitor import UserPolicy
from vncproxy.testing import StaticConsoles

PAGE = "https://console.example.com/"
OWN = "Origin: https://console.example.com"
COOKIE = "__Host-vncproxy-login"


class Door:
    """Users as they come, and the refusals that they got."""

    def __init__(self) -> None:
        self.refusals: list[tuple[str, str]] = []
        self.full = False

    def client(self, request: Any) -> str:
        return "192.0.2.1"

    def is_own_page(self, request: Any) -> bool:
        return bool(request.getHeader("origin") == PAGE.rstrip("/"))

    def refuses_cheaply(self, client: str) -> bool:
        return self.full

    def refused(self, client: str, what: str, why: str) -> str:
        self.refusals.append((what, why))
        return " (id 0123456789abcdef)"


class Pictures:
    """Pictures that are texts."""

    async def image(
        self, vm: VMAddress, kind: ImageKind, known: Collection[str], hops: int
    ) -> Image:
        return Image("tag", 0.0, b"" if "tag" in known else f"{vm} {kind.width}".encode())


@implementer_only(IConsoleBackend, IMachineIds)
class Unlisted(StaticConsoles):
    """A backend that cannot list."""


def policy(*vms: str, groups: tuple[str, ...] = ("staff",), **more: Any) -> UserPolicy:
    access = {"scopes": frozenset({Scope.ISSUE, Scope.READ, Scope.SCREENSHOT}), **more}
    if vms:
        access["vms"] = VMPatterns.parse(vms)
    return UserPolicy(frozenset(groups), frozenset(), Caller.of("policy", Access(**access)))


class StartTestCase(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.openid = OpenIDProvider(self.time())
        self.door = Door()
        self.issuer = ISSUER
        self.kvm = StaticConsoles(self.kvm.consoles, "kvm")
        self.kvm.consoles["db-01"] = self.kvm.consoles["web-01"]
        self.login_store = MemoryLogins(self.reactor.seconds)
        self.logins = Logins(self.login_store, self.time)
        self.api_keys: list[ApiKey] = []
        self.configure(policy())

    def configure(self, *policies: UserPolicy, keys: bool = False, blind: Any = None) -> None:
        backends = {"kvm": self.kvm, **({"blind": blind} if blind else {})}
        services = self.sessions.services
        front = Assembly(
            ApiParts(
                store=self.store,
                sessions=self.sessions,
                proxies=None,  # type: ignore[arg-type]
                backends=backends,
                power=services.power,
                authenticators=(),
                keys=ApiKeys(self.api_keys, self.time),
                audit=ApiAudit(self.note),
                metrics_registry=Registry(),
                time=self.time,
                clock=self.reactor,
                ttl=600,
                max_ttl=600,
                locate_timeout=10,
                base_url=PAGE,
                xvp_url=PAGE,
                pictures=Pictures(),
            )
        ).front()
        options = ProviderOptions(ISSUER, CLIENT, RETURN, SECRET)
        provider = Provider(options, self.openid, self.time, self.reactor.seconds)
        settings = StartSettings(PAGE, self.issuer, "Example", keys, policies, 28800.0)
        logging_in = LoggingIn(provider, self.logins, self.note)
        clocks = self.time, self.reactor.seconds
        start = StartResource(settings, logging_in, self.logins, front, self.door, *clocks)
        self.open_site({"login": start, "start": start})

    def go(self, path: str, *headers: str, cookies: dict[str, str] | None = None) -> Answer:
        """Send a GET; a cookie is given by its name."""
        sent = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
        more = (f"Cookie: {sent}",) if sent else ()
        return self.ask(f"GET {path} HTTP/1.1", *headers, *more)

    def post(self, path: str, *headers: str, cookie: str = "") -> Answer:
        more = (f"Cookie: {COOKIE}={cookie}",) if cookie else ()
        return self.ask(f"POST {path} HTTP/1.1", "Content-Length: 0", *headers, *more)

    def begin(self, path: str = "/login") -> tuple[str, dict[str, str]]:
        """Click on "Log in"; returns where the browser is led, and its cookies."""
        answer = self.go(path)
        self.assertEqual(answer.status, 303, answer)
        return answer.header("location"), cookies_of(answer)

    def finish(self, query: str, cookies: dict[str, str]) -> Answer:
        return self.go(f"/login/callback?{query}", cookies=cookies)

    def log_in(self) -> str:
        """Log in; returns the cookie of the login."""
        address, cookies = self.begin()
        answer = self.finish(self.openid.log_in(address), cookies)
        self.assertEqual((answer.status, answer.header("location")), (303, PAGE))
        return cookies_of(answer)[COOKIE]

    def machines(self, cookie: str) -> Any:
        answer = self.go("/start/machines", cookies={COOKIE: cookie})
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)

    def problem(self, answer: Answer) -> str:
        """Return the word that the page is led to with."""
        self.assertEqual(answer.status, 303)
        location = answer.header("location")
        self.assertTrue(location.startswith(f"{PAGE}?"), location)
        self.assertNotIn(COOKIE, cookies_of(answer))
        query = parse_qs(urlsplit(location).query)
        self.assertEqual(query["id"], ["0123456789abcdef"])
        return query["problem"][0]


def cookies_of(answer: Answer) -> dict[str, str]:
    """Return the cookies that an answer sets, without those that it removes."""
    found = [line.split("; ") for line in answer.headers.get("set-cookie", [])]
    pairs = [parts[0].partition("=") for parts in found if "Max-Age=0" not in parts]
    return {name: value for name, _, value in pairs}
