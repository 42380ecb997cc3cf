"""Users log in at npm's oidc-provider with Chromium, see their machines and open one."""

from __future__ import annotations

import atexit
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cache
from typing import Any

from selenium.webdriver.common.by import By
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.components.accessibility import findings
from tests.components.certificates import self_signed
from tests.components.chromium import PIXEL, browser
from tests.components.gateway import Gateway
from tests.components.openid_provider import CLIENT, OpenIDProvider
from tests.components.painted_display import PaintedDisplay
from tests.components.ports import free_port
from tests.components.redis_case import RedisCase, at_once, documented, sleep
from tests.components.viewer import Refused, Viewer
from tests.login.store_contract import LoginStoreContract
from vncproxy.config.settings import Settings
from vncproxy.errors import ProviderUnavailable
from vncproxy.login.provider import Provider
from vncproxy.login.redis import RedisLogins
from vncproxy.model import secret_id
from vncproxy.service.start_page import login_checks

LIMIT = 60.0
RED = [255, 0, 0]
USERS = {
    "alice": {"name": "Alice Ängström", "groups": ["staff"]},
    "bob": {"name": "Bob", "groups": ["visitors"]},
}
CONFIG = """
[backends.lab]
type = "static"
[backends.lab.consoles]
display = {{ address = "127.0.0.1:{port}", name = "The red one" }}
secret = {{ address = "127.0.0.1:{gone}" }}
[login]
issuer = "{issuer}"
client_id = "{client}"
client_secret = "{secret}"
scopes = ["openid", "profile", "groups"]
label = "Example & Sons"
required = true
[[login.policies]]
groups = ["staff"]
vms = ["lab/display"]
"""


class World:
    """A provider, a display and a gateway with TLS, whose links demand a login."""

    def __init__(self) -> None:
        painted = PaintedDisplay("login", (320, 200))
        certificate, key = self_signed(painted.folder)
        web = f"ssl:{{port}}:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
        self.gateway = Gateway("", web=web, scheme="https")
        self.url = f"https://localhost:{self.gateway.web_port}/"
        self.provider = OpenIDProvider(f"{self.url}login/callback", USERS).start()
        atexit.register(self.provider.stop)
        with self.gateway.config.open("a") as config:
            config.write(
                CONFIG.format(
                    port=painted.display.port,
                    gone=free_port(),
                    issuer=self.provider.issuer,
                    client=CLIENT,
                    secret=self.provider.secret,
                )
            )
        self.gateway.start()
        atexit.register(self.gateway.stop)


@cache
def world() -> World:
    return World()


class RedisLoginsTests(LoginStoreContract, RedisCase):
    """The contract, with no more than the permissions of the documented ACL."""

    def setUp(self) -> None:
        acl = documented("", "user vncproxy on").splitlines()
        self.server_options = {"acl": [*acl, "user default on nopass ~* &* +@all"]}
        super().setUp()

    def make_logins(self) -> RedisLogins:
        from twisted.internet import reactor

        settings = self.settings(username="vncproxy", password="CHANGE-ME")
        store = RedisLogins(reactor, settings)
        self.addCleanup(lambda: Deferred.fromCoroutine(store.close()))
        return store

    async def pass_time(self, seconds: float) -> None:
        await sleep(seconds + 0.02)

    async def test_two_proxies_share_them(self) -> None:
        one, two = self.make_logins(), self.make_logins()
        await one.add("a" * 64, "alice", "{}", 60)

        self.assertEqual(await two.find("a" * 64), "{}")
        firsts = await at_once(*(each.first("x", 60) for each in (one, two) * 5))
        self.assertEqual(sorted(firsts, key=str), [False] * 9 + [True])
        await two.remove("a" * 64)
        self.assertIsNone(await one.find("a" * 64))


class ProviderRequestsTests(TestCase):
    """What ``check-config`` asks, and the log has of a provider that cannot be asked."""

    timeout = 120

    def provider(self, issuer: str) -> Provider:
        from twisted.internet import reactor

        settings = Settings.model_validate({"login": {"issuer": issuer, "client_id": CLIENT}})
        return login_checks(settings, reactor)["login"]

    async def test_a_provider_that_answers(self) -> None:
        issuer = world().provider.issuer

        self.assertRegex(await self.provider(issuer).probe(), rf"^{issuer} has \d keys? for sig")

    async def test_none_listens_there(self) -> None:
        await self.refused(f"http://127.0.0.1:{free_port()}", "refused")

    async def test_one_that_is_not_trusted(self) -> None:
        await self.refused(world().url, "signed by itself")

    async def test_one_of_another_name(self) -> None:
        await self.refused(f"{world().provider.issuer}/", "is of the issuer")

    async def refused(self, issuer: str, why: str) -> None:
        with self.assertRaises(ProviderUnavailable) as refused:
            await self.provider(issuer).probe()
        self.assertIn(why, refused.exception.detail)
        self.assertIn("/.well-known/openid-configuration", refused.exception.detail)


class StartPageTests(SynchronousTestCase):
    timeout = 300

    def setUp(self) -> None:
        self.driver = browser()
        self.url = world().url
        # cookies of both, which differ in their ports only
        self.driver.get(self.url)
        self.driver.delete_all_cookies()
        self.driver.get(f"{world().provider.issuer}/.well-known/openid-configuration")
        self.driver.delete_all_cookies()
        self.addCleanup(self.driver.get, "about:blank")

    def until(self, find: Callable[[], Any], expected: Any = True) -> None:
        give_up = time.monotonic() + LIMIT
        while (found := find()) != expected:
            if time.monotonic() > give_up:
                raise AssertionError(f"{found!r} instead of {expected!r} at {self.driver.title!r}")
            time.sleep(0.05)

    def js(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def text(self, selector: str) -> str:
        return str(self.js(f"return document.querySelector({selector!r})?.textContent ?? ''"))

    def click(self, selector: str) -> None:
        self.until(lambda: bool(self.driver.find_elements(By.CSS_SELECTOR, selector)))
        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def log_in(self, user: str) -> None:
        """Log in at the provider, whose page is shown."""
        self.until(lambda: bool(self.driver.find_elements(By.NAME, "login")))
        self.driver.find_element(By.NAME, "login").send_keys(user)
        self.driver.find_element(By.NAME, "password").send_keys("any")
        self.driver.find_element(By.CSS_SELECTOR, "[type=submit]").click()

    def enter(self, user: str) -> None:
        self.driver.get(self.url)
        self.until(lambda: self.text("#log-in"), "Log in with Example & Sons")
        self.assertEqual(findings(self.driver), [])
        self.click("#log-in")
        self.log_in(user)
        self.until(lambda: self.text("#user"), USERS[user]["name"])

    def link(self, user: str) -> tuple[str, str]:
        """Return a link that the API has issued to a user, and its token."""
        status, body = world().gateway.call(
            "POST", "/v1/tokens", {"vm": "lab/display", "user": user}
        )
        self.assertEqual(status, 201, body)
        return body["url"], body["token"]

    def shows_the_display(self) -> None:
        self.until(lambda: self.js("return document.body.dataset.state"), "connected")
        self.until(lambda: self.js(PIXEL), RED)

    def test_from_the_login_to_the_screen(self) -> None:
        self.enter("alice")

        self.until(lambda: self.js("return document.querySelectorAll('.machine').length"), 1)
        self.assertIn("The red one", self.text(".machine"))
        self.until(lambda: self.js("return document.querySelector('canvas').dataset.shown"), "1")
        self.assertEqual(findings(self.driver), [])
        cookies = {each["name"]: each for each in self.driver.get_cookies()}
        cookie = cookies["__Host-vncproxy-login"]
        self.assertTrue(cookie["httpOnly"] and cookie["secure"])
        self.assertEqual((cookie["sameSite"], cookie["path"]), ("Lax", "/"))
        self.assertNotIn("__Host-vncproxy-attempt", cookies)

        self.click(".machine")

        self.shows_the_display()
        opened = world().gateway.audit_of("open", user="alice")
        self.assertEqual(opened["vm"], "lab/display")
        issued = world().gateway.audit_of("api-issue", user="alice")
        self.assertEqual((issued["caller"], issued["key"]), ("login", "alice"))

    def test_a_link_whose_token_is_in_the_fragment(self) -> None:
        _, token = self.link("alice")
        self.driver.get("about:blank")
        self.driver.get(f"{self.url}#token={token}")

        self.until(lambda: self.text("#headline"), "Log in to open this console")
        self.assertEqual(self.driver.current_url, f"{self.url}console#token={token}")

    def test_a_link_leads_through_the_login_to_its_console(self) -> None:
        url, token = self.link("alice")
        self.driver.get(url)
        self.until(lambda: self.text("#headline"), "Log in to open this console")
        self.until(lambda: self.text("#reconnect"), "Log in")

        self.click("#reconnect")
        self.log_in("alice")

        self.shows_the_display()
        self.assertIn(token, self.driver.current_url)

    def test_a_stolen_link_is_useless(self) -> None:
        url, token = self.link("alice")
        with self.assertRaises(Refused) as refused:
            Viewer.connect(world().gateway.xvp_port, token)
        self.assertEqual(
            str(refused.exception),
            "401 This console needs a login. Open its link in a browser.",
        )

        self.enter("bob")
        self.until(lambda: self.text("#machines-state")[:29], "No machine is assigned to you")
        self.driver.get(url)
        self.until(lambda: self.text("#headline"), "This link is for another user")
        world().gateway.audit_of("refuse", token=token, reason="login-of-another")
        status, shown = world().gateway.call("GET", f"/v1/tokens/{secret_id(token)}")
        self.assertEqual((status, shown["uses_left"]), (200, 1))

    def test_a_cookie_is_good_until_its_user_logs_out(self) -> None:
        self.enter("alice")
        (cookie,) = (c for c in self.driver.get_cookies() if c["name"].endswith("-login"))
        self.assertEqual(self.ask("start/machines", cookie["value"])[0], 200)

        self.click("#log-out")

        self.until(lambda: self.text("#log-in"), "Log in with Example & Sons")
        self.assertEqual(self.ask("start/machines", cookie["value"])[0], 401)
        world().gateway.audit_of("logout", user="alice")

    def ask(self, path: str, cookie: str) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.url + path, headers={"Cookie": f"__Host-vncproxy-login={cookie}"}
        )
        context = ssl._create_unverified_context()
        try:
            with urllib.request.urlopen(request, context=context, timeout=LIMIT) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)
