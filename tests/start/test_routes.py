"""Logins, keys and hostile requests at the start page."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from twisted.internet.defer import Deferred

from tests.doubles.openid import ISSUER
from tests.doubles.start_page import COOKIE, OWN, PAGE, StartTestCase, cookies_of, policy
from tests.doubles.users import Answer
from vncproxy.api import ApiKey, Caller, Scope, new_api_key
from vncproxy.config.scope import Access
from vncproxy.errors import StoreUnavailable
from vncproxy.model import VMPatterns


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

    def test_logins_of_another_provider_are_none(self) -> None:
        cookie = self.log_in()
        self.issuer = "https://new.example"
        self.configure(policy())

        self.assertEqual(self.go("/start/machines", cookies={COOKIE: cookie}).status, 401)
        self.assertIsNone(
            json.loads(self.go("/start/state", cookies={COOKIE: cookie}).body)["user"]
        )

    def test_the_page_greets_the_user(self) -> None:
        state = json.loads(self.go("/start/state", cookies={COOKIE: self.log_in()}).body)

        self.assertEqual(state["user"], {"name": "Alice", "key": False})

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
        state = json.loads(self.go("/start/state", cookies={COOKIE: cookie}).body)
        self.assertIsNone(state["user"], "the page would ask for the machines again and again")

    def test_keys_that_are_not_accepted_here(self) -> None:
        cookie = cookies_of(self.enter())[COOKIE]
        self.configure()

        self.assertEqual(self.enter().status, 401)
        self.assertEqual(self.go("/start/machines", cookies={COOKIE: cookie}).status, 401)

    def test_an_address_that_tries_keys(self) -> None:
        self.door.full = True

        self.assertEqual(self.enter().status, 429)
