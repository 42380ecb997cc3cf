"""The start page's requests in memory: logins, lists, links, keys, and hostile ones."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twisted.internet.defer import Deferred
from zope.interface import implementer_only

from tests.doubles.openid import CLIENT, ISSUER, RETURN, SECRET, OpenIDProvider
from tests.doubles.users import Answer, SiteTestCase
from vncproxy.api import ApiKey, ApiKeys, Caller, Scope, new_api_key
from vncproxy.api.assembly import ApiParts, Assembly
from vncproxy.api.audit import ApiAudit
from vncproxy.config.scope import Access
from vncproxy.errors import BackendError, StoreUnavailable
from vncproxy.interfaces import IConsoleBackend, IMachineIds
from vncproxy.login.logins import Logins
from vncproxy.login.memory import MemoryLogins
from vncproxy.login.options import ProviderOptions
from vncproxy.login.provider import Provider
from vncproxy.metrics import Registry
from vncproxy.model import PolicyBounds, VMAddress, VMPatterns
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
        settings = StartSettings(PAGE, "Example", keys, policies, 28800.0)
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


class LoginTests(StartTestCase):
    def test_from_the_login_to_a_link(self) -> None:
        cookie = self.log_in()
        self.assertEqual(
            [row["vm"] for row in self.machines(cookie)["vms"]], ["kvm/db-01", "kvm/web-01"]
        )

        answer = self.post("/start/open?vm=kvm/web-01", OWN, cookie=cookie)

        self.assertEqual(answer.status, 201, answer.body)
        token = parse_qs(urlsplit(json.loads(answer.body)["url"]).query)["token"][0]
        grant = self.successResultOf(Deferred.fromCoroutine(self.store.redeem(token)))
        self.assertEqual((grant.token.user, str(grant.token.vm)), ("u-1", "kvm/web-01"))
        events = [(event, members.get("user")) for event, members in self.notes]
        self.assertEqual(events, [("login", "u-1"), ("api-issue", "u-1")])

    def test_the_cookies(self) -> None:
        answer = self.go("/login")
        (line,) = answer.headers["set-cookie"]
        rest = "HttpOnly; SameSite=Lax; Secure"
        self.assertRegex(
            line, rf"^__Host-vncproxy-attempt=[\w-]{{43}}; Path=/; Max-Age=600; {rest}$"
        )
        address = answer.header("location")
        done = self.finish(self.openid.log_in(address), cookies_of(answer))
        first, second = done.headers["set-cookie"]
        self.assertRegex(
            first, rf"^__Host-vncproxy-login=[\w-]{{43}}; Path=/; Max-Age=28800; {rest}$"
        )
        self.assertTrue(second.startswith("__Host-vncproxy-attempt=; Path=/; Max-Age=0;"))
        self.assertEqual(done.header("cache-control"), "no-store")

    def test_what_strangers_learn(self) -> None:
        state = json.loads(self.go("/start/state").body)
        self.assertEqual(state, {"login": "Example", "keys": False, "user": None})
        for method, path in (
            ("GET", "/start/machines"),
            ("GET", "/start/picture?vm=kvm/web-01"),
            ("GET", "/start/picture?vm=kvm/nothing"),
            ("POST", "/start/open?vm=kvm/web-01"),
            ("POST", "/start/open?vm=kvm/nothing"),
        ):
            answer = self.ask(f"{method} {path} HTTP/1.1", OWN, "Content-Length: 0")
            self.assertEqual(answer.status, 401, path)
            self.assertEqual(json.loads(answer.body)["error"]["message"], "Log in first.")

    def test_nothing_is_kept_of_those_who_never_come_back(self) -> None:
        before = vars(self.login_store).copy()
        for _ in range(20):
            self.begin()

        self.assertEqual(vars(self.login_store), before)

    def test_a_user_who_logs_in_again_has_one_login(self) -> None:
        before = self.log_in()
        address, cookies = self.begin()
        answer = self.finish(self.openid.log_in(address), {**cookies, COOKIE: before})

        self.assertEqual(self.go("/start/machines", cookies={COOKIE: before}).status, 401)
        self.machines(cookies_of(answer)[COOKIE])

    def test_a_login_ends(self) -> None:
        cookie = self.log_in()
        self.wait(28800)

        self.assertEqual(self.go("/start/machines", cookies={COOKIE: cookie}).status, 401)


class HostileTests(StartTestCase):
    def test_an_answer_for_another_browser(self) -> None:
        address, _ = self.begin()
        query = self.openid.log_in(address)
        _, mine = self.begin()

        self.assertEqual(self.problem(self.finish(query, mine)), "other-browser")
        self.assertEqual(self.problem(self.finish(query, {})), "other-browser")
        self.assertEqual(self.openid.requests.count(f"{ISSUER}/token"), 0)

    def test_an_answer_that_is_sent_again(self) -> None:
        address, cookies = self.begin()
        query = self.openid.log_in(address)
        self.assertEqual(self.finish(query, cookies).header("location"), PAGE)

        for _ in range(2):
            self.assertEqual(self.problem(self.finish(query, cookies)), "used")
        self.assertEqual(self.openid.requests.count(f"{ISSUER}/token"), 1)

    def test_a_code_that_another_user_has_got(self) -> None:
        """Logs nobody in as somebody else: the code was asked for with another challenge."""
        address, _ = self.begin()
        stolen = self.openid.log_in(address).partition("&")[0]
        mine_address, mine = self.begin()
        state = parse_qs(urlsplit(mine_address).query)["state"][0]

        query = f"{stolen}&state={state}&iss={ISSUER}"
        self.assertEqual(self.problem(self.finish(query, mine)), "used")

    def test_no_request_says_where_the_browser_goes(self) -> None:
        for more in ("next=https://evil.example", "next=//evil.example", "redirect_uri=x", "url=x"):
            address, cookies = self.begin(f"/login?{more}")
            self.assertTrue(address.startswith(f"{ISSUER}/auth?"))
            self.assertNotIn("evil", address)
            answer = self.finish(f"{self.openid.log_in(address)}&{more}", cookies)

            self.assertEqual(answer.header("location"), PAGE)

    def test_other_answers_than_those_of_a_login(self) -> None:
        for change, word in (
            ({"nonce": "of another"}, "untrusted"),
            ({"aud": "another"}, "untrusted"),
            ({"iss": "https://evil.example"}, "untrusted"),
        ):
            address, cookies = self.begin()
            self.openid.change = change
            self.assertEqual(self.problem(self.finish(self.openid.log_in(address), cookies)), word)

        (what, why) = self.door.refusals[-1]
        self.assertEqual(what, "login")
        self.assertIn("iss", why)

    def test_a_provider_that_is_away(self) -> None:
        self.openid.away = True
        self.assertEqual(self.problem(self.go("/login")), "provider")

        self.openid.away = False
        address, cookies = self.begin()
        query = self.openid.log_in(address)
        self.openid.away = True
        self.assertEqual(self.problem(self.finish(query, cookies)), "provider")

    def test_the_cookie_of_a_user_who_has_logged_out(self) -> None:
        cookie = self.log_in()
        answer = self.post("/start/logout", OWN, cookie=cookie)
        self.assertEqual(answer.status, 200)
        self.assertEqual(cookies_of(answer), {})

        self.assertEqual(self.go("/start/machines", cookies={COOKIE: cookie}).status, 401)
        self.assertEqual(self.post("/start/open?vm=kvm/web-01", OWN, cookie=cookie).status, 401)
        self.assertEqual(self.notes[-1][0], "logout")
        self.assertEqual(self.post("/start/logout", OWN, cookie=cookie).status, 200)
        self.assertEqual(len(self.notes), 2)

    def test_pages_of_others_change_nothing(self) -> None:
        cookie = self.log_in()
        for origin in ((), ("Origin: https://evil.example",), ("Origin: null",)):
            for path in ("/start/open?vm=kvm/web-01", "/start/logout", "/start/key"):
                self.assertEqual(self.post(path, *origin, cookie=cookie).status, 403)

        self.machines(cookie)
        self.assertEqual([event for event, _ in self.notes], ["login"])

    def test_other_methods_and_paths(self) -> None:
        cookie = self.log_in()
        for request in (
            "GET /start/open?vm=kvm/web-01",
            "GET /start/logout",
            "HEAD /start/machines",
            "PUT /start/key",
            "POST /login",
            "GET /start",
            "GET /start/",
            "GET /login/other",
            "GET /start/../start/x",
        ):
            answer = self.ask(f"{request} HTTP/1.1", OWN, f"Cookie: {COOKIE}={cookie}")
            self.assertEqual(answer.status, 404, request)

    def test_machines_that_are_none(self) -> None:
        cookie = self.log_in()
        for text in ("", "?vm=", "?vm=x", "?vm=kvm/", "?vm=kvm/%00", "?" + "a=b&" * 30):
            answer = self.post(f"/start/open{text}", OWN, cookie=cookie)
            self.assertIn(answer.status, (400, 403, 404), text)

    def test_a_visitor_who_asks_all_the_time(self) -> None:
        cookie = self.log_in()
        found = {self.go("/start/machines", cookies={COOKIE: cookie}).status for _ in range(70)}

        self.assertEqual(found, {200, 429})
        self.wait(10)
        self.machines(cookie)

    def test_an_address_that_is_refused_too_often(self) -> None:
        address, cookies = self.begin()
        self.door.full = True

        self.assertEqual(self.finish(self.openid.log_in(address), cookies).status, 429)

    def test_a_store_that_is_away(self) -> None:
        cookie = self.log_in()

        async def away(*args: object) -> None:
            raise StoreUnavailable("no answer")

        for name in ("find", "add", "first", "remove"):
            self.patch(self.login_store, name, away)
        self.assertEqual(self.go("/start/machines", cookies={COOKIE: cookie}).status, 503)
        self.assertEqual(self.post("/start/logout", OWN, cookie=cookie).status, 503)
        address, cookies = self.begin()
        self.assertEqual(self.finish(self.openid.log_in(address), cookies).status, 503)


class MachineTests(StartTestCase):
    def names(self) -> list[str]:
        return [row["vm"] for row in self.machines(self.log_in())["vms"]]

    def test_users_see_the_machines_of_their_policies(self) -> None:
        self.configure(policy("kvm/web-*"), policy("kvm/db-01", groups=("others",)))
        self.assertEqual(self.names(), ["kvm/web-01"])

        self.openid.user["groups"] = ["staff", "others"]
        self.assertEqual(self.names(), ["kvm/db-01", "kvm/web-01"])

        self.openid.user["groups"] = []
        self.assertEqual(self.names(), [])

    def test_a_policy_for_all_or_for_a_user(self) -> None:
        self.openid.user["groups"] = []
        self.configure(policy("kvm/web-*", groups=("*",)))
        self.assertEqual(self.names(), ["kvm/web-01"])

        of_user = policy("kvm/db-*", groups=())
        self.configure(UserPolicy(frozenset(), frozenset({"u-1"}), of_user.access))
        self.assertEqual(self.names(), ["kvm/db-01"])

    def test_the_first_policy_for_a_machine_counts(self) -> None:
        short = PolicyBounds(max_duration=60.0)
        self.configure(policy("kvm/web-*", policy=short), policy())
        cookie = self.log_in()

        for vm, most in (("kvm/web-01", 60.0), ("kvm/db-01", None)):
            body = json.loads(self.post(f"/start/open?vm={vm}", OWN, cookie=cookie).body)
            token = parse_qs(urlsplit(body["url"]).query)["token"][0]
            grant = self.successResultOf(Deferred.fromCoroutine(self.store.redeem(token)))
            self.assertEqual(grant.token.policy.max_duration, most)

    def test_machines_of_others_are_not_opened(self) -> None:
        self.configure(policy("kvm/web-*"))
        cookie = self.log_in()
        for vm in ("kvm/db-01", "kvm/nothing", "esx/mail"):
            answer = self.post(f"/start/open?vm={vm}", OWN, cookie=cookie)
            self.assertEqual(answer.status, 403, vm)
            picture = self.go(f"/start/picture?vm={vm}", cookies={COOKIE: cookie})
            self.assertEqual((picture.status, picture.body), (403, picture.body))
        self.assertEqual([event for event, _ in self.notes], ["login"])

    def test_a_machine_that_is_gone(self) -> None:
        answer = self.post("/start/open?vm=kvm/gone", OWN, cookie=self.log_in())

        self.assertEqual(answer.status, 422)
        self.assertIn("no machine 'gone'", json.loads(answer.body)["error"]["message"])

    def test_a_policy_that_may_not_issue_opens_nothing(self) -> None:
        self.configure(policy(scopes=frozenset({Scope.READ})))
        cookie = self.log_in()

        (row, _) = self.machines(cookie)["vms"]
        self.assertEqual((row["opens"], row["picture"]), (False, False))
        self.assertEqual(self.post("/start/open?vm=kvm/web-01", OWN, cookie=cookie).status, 403)

    def test_a_backend_is_asked_once_for_many_users(self) -> None:
        asked: list[int] = []
        list_machines = self.kvm.list

        async def listed() -> Any:
            asked.append(1)
            return await list_machines()

        self.patch(self.kvm, "list", listed)
        cookie = self.log_in()
        for _ in range(5):
            self.machines(cookie)
        self.assertEqual(len(asked), 1)

        self.wait(5)
        self.machines(cookie)
        self.assertEqual(len(asked), 2)

    def named(self, backend: StaticConsoles) -> Any:
        """Return the list where a policy names a machine of another backend."""
        self.configure(policy("blind/a", "blind/b*", "kvm/web-01", "gone/x"), blind=backend)
        found = self.machines(self.log_in())
        rows = [(row["vm"], row["state"], row["power"]) for row in found["vms"]]
        self.assertEqual(rows, [("blind/a", "", ""), ("kvm/web-01", "running", "on")])
        return found["errors"]

    def test_a_backend_that_cannot_list_has_the_machines_that_policies_name(self) -> None:
        self.assertEqual(self.named(Unlisted()), [])

    def test_so_has_one_that_fails_and_its_error_is_told(self) -> None:
        async def fail() -> Any:
            raise BackendError("no route", public="It is away.")

        blind = StaticConsoles(name="blind")
        self.patch(blind, "list", fail)

        self.assertEqual(self.named(blind), [{"backend": "blind", "message": "It is away."}])

    def test_a_machine_that_a_list_does_not_have_is_not_shown(self) -> None:
        self.configure(policy("kvm/gone", "kvm/web-01"))

        self.assertEqual(self.names(), ["kvm/web-01"])

    def test_pictures(self) -> None:
        cookies = {COOKIE: self.log_in()}
        answer = self.go("/start/picture?vm=kvm/web-01", cookies=cookies)
        self.assertEqual((answer.status, answer.body), (200, b"kvm/web-01 320"))
        self.assertEqual(answer.header("content-type"), "image/jpeg")

        known = self.go("/start/picture?vm=kvm/web-01", 'If-None-Match: "tag"', cookies=cookies)
        self.assertEqual((known.status, known.body), (304, b""))

    def test_no_pictures_of_what_is_shown_after_consent_only(self) -> None:
        for bounds in (
            PolicyBounds(banner="Read this."),
            PolicyBounds(approval=1),
            PolicyBounds(record=True),
        ):
            self.configure(policy(policy=bounds))
            cookie = self.log_in()

            self.assertFalse(self.machines(cookie)["vms"][0]["picture"])
            answer = self.go("/start/picture?vm=kvm/web-01", cookies={COOKIE: cookie})
            self.assertEqual(answer.status, 403)


class KeyTests(StartTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.key, digest = new_api_key()
        access = Access(
            scopes=frozenset({Scope.ISSUE, Scope.READ}), vms=VMPatterns.parse(["kvm/web-*"])
        )
        self.api_keys.append(ApiKey(digest, Caller.of("portal", access)))
        self.configure(keys=True)

    def enter(self, key: str = "") -> Answer:
        return self.post("/start/key", OWN, f"Authorization: Bearer {key or self.key}")

    def test_a_key_lists_and_opens_its_machines(self) -> None:
        answer = self.enter()
        self.assertEqual((answer.status, json.loads(answer.body)), (200, {"name": "portal"}))
        cookie = cookies_of(answer)[COOKIE]
        self.assertNotIn(self.key, cookie)

        self.assertEqual([row["vm"] for row in self.machines(cookie)["vms"]], ["kvm/web-01"])
        self.assertEqual(self.post("/start/open?vm=kvm/web-01", OWN, cookie=cookie).status, 201)
        self.assertEqual(self.post("/start/open?vm=kvm/db-01", OWN, cookie=cookie).status, 403)
        self.assertEqual(self.notes[-1][1]["key"], "portal")
        self.assertNotIn(self.key, repr(self.notes) + repr(vars(self.login_store)))

    def test_a_key_that_is_not_known(self) -> None:
        for key in ("x", "a" * 43, "ä" * 20, " "):
            answer = self.enter(key)
            self.assertEqual(answer.status, 401, key)
            self.assertIn("This key is not known", json.loads(answer.body)["error"]["message"])
            self.assertEqual(cookies_of(answer), {})
        self.assertEqual(len(self.door.refusals), 4)

    def test_a_key_that_is_revoked_ends_what_was_begun_with_it(self) -> None:
        cookie = cookies_of(self.enter())[COOKIE]
        self.api_keys.clear()
        self.configure(keys=True)

        self.assertEqual(self.go("/start/machines", cookies={COOKIE: cookie}).status, 401)

    def test_keys_that_are_not_accepted_here(self) -> None:
        cookie = cookies_of(self.enter())[COOKIE]
        self.configure()

        self.assertEqual(self.enter().status, 401)
        self.assertEqual(self.go("/start/machines", cookies={COOKIE: cookie}).status, 401)

    def test_an_address_that_tries_keys(self) -> None:
        self.door.full = True

        self.assertEqual(self.enter().status, 429)
