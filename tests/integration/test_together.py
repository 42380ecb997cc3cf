"""Several users at one machine: two proxies over a real Redis, before a real QEMU and Xtigervnc."""

from __future__ import annotations

import atexit
import hashlib
import secrets
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from selenium.webdriver.common.by import By
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.redis_case import documented
from tests.components.redis_server import RedisServer
from tests.components.viewer import Refused, Viewer
from tests.components.vnc_servers import RED, Identity, QemuMachine, XServer, typing_sector

CONFIG = """
[backends.here]
type = "static"
[backends.here.consoles]
qemu = {{ address = "127.0.0.1:{qemu}" }}
alone = {{ address = "127.0.0.1:{alone}", one_viewer = true }}
[tokens]
store = "redis"
[redis]
port = {redis}
username = "vncproxy"
password = "CHANGE-ME"
[timeouts]
linger = 2
[proxy]
name = "{name}"
stop_timeout = 1
[api.keys.watch]
hash = "sha256:{hash}"
scopes = ["shadow", "admin"]
[sharing]
show_users = true
"""


class World:
    """A QEMU whose guest prints what is typed, an Xtigervnc for one viewer, and two proxies."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="together-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.qemu = QemuMachine(self.folder, "qemu", sector=typing_sector()).start()
        atexit.register(self.qemu.stop)
        identity = Identity(self.folder / "pki", Authority(self.folder), "localhost")
        alone = ("-AlwaysShared=0", "-NeverShared")
        self.display = XServer(self.folder, "None", identity, "unused", *alone).start()
        atexit.register(self.display.stop)
        acl = documented("", "user vncproxy on").splitlines()
        self.redis = RedisServer(acl=[*acl, "user default on nopass ~* &* +@all"]).start()
        atexit.register(self.redis.remove)
        self.key = secrets.token_urlsafe(32)
        self.north, self.south = self._proxy("north"), self._proxy("south")

    def _proxy(self, name: str) -> Gateway:
        gateway = Gateway(
            CONFIG.format(
                qemu=self.qemu.port,
                alone=self.display.port,
                redis=self.redis.port,
                name=name,
                hash=hashlib.sha256(self.key.encode()).hexdigest(),
            )
        ).start()
        atexit.register(gateway.stop)
        gateway.key = self.key
        return gateway


@cache
def world() -> World:
    return World()


class TogetherCase(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.north, self.south = world().north, world().south
        until(lambda: not self.sessions(), "sessions to end")

    def sessions(self) -> list[dict[str, Any]]:
        """Return the sessions that are open."""
        found: list[dict[str, Any]] = self.north.call("GET", "/v1/sessions?state=open")[1][
            "sessions"
        ]
        return found

    def open(self, proxy: Gateway, token: str) -> Viewer:
        viewer = Viewer.connect(proxy.web_port, token)
        self.addCleanup(viewer.close)
        return viewer

    def host(self, vm: str = "here/qemu", **policy: Any) -> tuple[str, Viewer]:
        """Open a console at the first proxy; returns its session's id."""
        issued = self.north.issue(vm, type="xvpvnc", policy=policy)
        viewer = self.open(self.north, issued["token"])
        found = until(
            lambda: [s for s in self.south.call("GET", "/v1/sessions")[1]["sessions"]
                     if s["token_id"] == issued["id"] and s["state"] == "open"],
            "the session at the other proxy",
        )  # fmt: skip
        return found[0]["id"], viewer

    def shadow(self, session_id: str, **more: Any) -> dict[str, Any]:
        """Ask the second proxy for a link to a session."""
        body = {"user": "dora", "type": "xvpvnc", **more}
        status, answer = self.south.call("POST", f"/v1/sessions/{session_id}/shadow", body)
        self.assertEqual(status, 201, answer)
        link: dict[str, Any] = answer
        return link


class DrivingTests(TogetherCase):
    """QEMU's guest prints what its keyboard receives: who can type, and who cannot."""

    def drive(self, session_id: str) -> tuple[int, Any]:
        return self.south.call("POST", f"/v1/sessions/{session_id}/drive")

    def typed(self, viewer: Viewer, key: str) -> str:
        """Press a key; returns what has arrived since the test began, once all is through."""
        viewer.key(ord(key))
        viewer.pixel()
        time.sleep(0.3)
        return world().qemu.typed()[self.before :]

    def test_one_drives_among_proxies_and_the_end_of_its_process_frees_it(self) -> None:
        self.before = len(world().qemu.typed())
        policy = {"sharing": "one-driver"}
        _, first = self.host(**policy)
        issued = self.south.issue("here/qemu", user="bob", type="xvpvnc", policy=policy)
        second = self.open(self.south, issued["token"])
        self.assertEqual(self.typed(first, "a"), "a")
        self.assertEqual(self.typed(second, "b"), "a")

        of_second = until(lambda: self.session_of(issued), "the second session")
        self.assertEqual(self.drive(of_second), (200, {"session": of_second}))
        until(lambda: self.typed(second, "c").endswith("c"), "the second one to drive")
        self.assertEqual(self.typed(first, "d").count("d"), 0)

        third = self.open(self.north, self.issued("carol", policy)["token"])
        world().south.kill()
        self.addCleanup(world().south.start)
        self.forget_processes_of("south")
        of_third = until(lambda: self.of_user("carol"), "the third session")
        self.assertEqual(self.north.call("POST", f"/v1/sessions/{of_third}/drive")[0], 200)
        until(lambda: self.typed(third, "e").endswith("e"), "the third one to drive")
        self.assertEqual(self.typed(first, "f").count("f"), 0)

    def issued(self, user: str, policy: Any) -> dict[str, Any]:
        return self.north.issue("here/qemu", user=user, type="xvpvnc", policy=policy)

    def session_of(self, issued: dict[str, Any]) -> str:
        return next((s["id"] for s in self.sessions() if s["token_id"] == issued["id"]), "")

    def of_user(self, user: str) -> str:
        return next((s["id"] for s in self.sessions() if s["user"] == user), "")

    def forget_processes_of(self, name: str) -> None:
        """End the announcements of a killed proxy, as their expiry does 15 seconds later."""
        proxies = self.north.call("GET", "/v1/proxies")[1]["proxies"]
        for proxy in proxies:
            for worker in proxy["workers"] if proxy["name"] == name else ():
                world().redis.cli("del", f"vncproxy:worker:{worker['id']}")


class PageTests(TogetherCase):
    def test_a_user_invites_a_guest_and_sees_them_come_and_go(self) -> None:
        page, policy = Page(), {"may_invite": "control"}
        driver = page.driver
        driver.set_window_size(1280, 800)
        self.addCleanup(leave_all, page)
        page.open(self.north.issue("here/qemu", user="alice", policy=policy)["url"])
        page.wait_for_state("connected")
        driver.find_element(By.ID, "people").click()
        driver.find_element(By.ID, "open-invite").click()
        driver.find_element(By.ID, "invite-name").send_keys("Bob")
        driver.find_element(By.CSS_SELECTOR, "[name=invite-mode][value=control]").click()
        driver.find_element(By.ID, "invite-make").click()
        value = "return document.getElementById('invite-link').value"
        url = until(lambda: driver.execute_script(value), "the link")
        driver.find_element(By.ID, "invite-close").click()
        own = driver.current_window_handle

        driver.switch_to.new_window("tab")
        before = world().qemu.typed()
        page.open(url)
        page.wait_for_state("connected")
        page.type("g")
        until(lambda: world().qemu.typed() == before + "g", "the guest's key")
        guest = driver.current_window_handle
        driver.switch_to.window(own)
        text = "return document.getElementById('people-list').textContent"
        until(lambda: "guest of alice: Bob" in driver.execute_script(text), "the guest's name")
        count = "return document.getElementById('people-count').textContent"
        self.assertEqual(driver.execute_script(count), "2")

        page.leave()
        driver.switch_to.window(guest)
        page.wait_for_reason("The session that this link belongs to has ended.")
        self.assertFalse(page.offers_reconnect())


def leave_all(page: Page) -> None:
    """Leave the console in each window."""
    for handle in page.driver.window_handles:
        page.driver.switch_to.window(handle)
        page.leave()


class ShadowTests(TogetherCase):
    def test_it_sees_the_screen_at_another_proxy_and_ends_with_the_session(self) -> None:
        session, viewer = self.host()
        link, unused = self.shadow(session, announce=False), self.shadow(session)
        watching = self.open(self.south, link["token"])
        self.assertEqual(watching.pixel(), viewer.pixel())

        viewer.close()
        began = time.monotonic()
        watching.wait_for_end()

        self.assertLess(time.monotonic() - began, 10)
        close = self.south.audit_of("close", token=link["token"])
        self.assertEqual(close["reason"], "joined-session-ended")
        joins = {"session": session, "kind": "shadow", "by": "watch", "announced": False}
        self.assertEqual(close["joins"], joins)
        with self.assertRaises(Refused) as caught:
            self.open(self.south, unused["token"])
        self.assertTrue(str(caught.exception).startswith("401 "), caught.exception)
        joined = self.south.audit_of("join", session=session)
        self.assertEqual((joined["user"], joined["mode"]), ("dora", "view-only"))

    def test_a_console_of_one_viewer_is_not_taken_from_its_user(self) -> None:
        session, viewer = self.host("here/alone")
        viewer.wait_for_pixel(RED)

        status, answer = self.south.call("POST", f"/v1/sessions/{session}/shadow", {"user": "dora"})

        self.assertEqual((status, answer["error"]["code"]), (409, "cannot-join"))
        self.assertIn("one viewer at a time", answer["error"]["message"])
        self.assertEqual(viewer.pixel(), RED)
