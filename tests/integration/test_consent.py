"""Consent and approval with real viewers, QEMU and Xtigervnc, at proxies that share a Redis.

A recorder before each server has what arrives there.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from selenium.webdriver.common.by import By
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.novnc_pages import NoVNCPages
from tests.components.ports import free_port
from tests.components.recorder import Recorder
from tests.components.redis_server import RedisServer
from tests.components.viewer import Viewer
from tests.components.vnc_servers import Identity, QemuMachine, XServer, typing_sector
from tests.components.x_viewers import Display, tigervnc

RETURN = 0xFF0D
PAPER = (0x12, 0x18, 0x1F)
RED = (255, 0, 0)
TEXT = "Authorised use only. Everything is recorded."

CONFIG = """
[backends.here]
type = "static"
[backends.here.consoles]
{machines}
[tokens]
store = "redis"
[redis]
port = {redis}
[proxy]
name = "{name}"
stop_timeout = 1
"""

NOVNC_PIXEL = """
    const canvas = document.querySelector("#screen canvas");
    return canvas && canvas.width ? [canvas.width,
        ...canvas.getContext("2d").getImageData(5, 5, 1, 1).data].slice(0, 4) : null;
"""


class World:
    """A QEMU whose guest prints what is typed, an Xtigervnc, a Redis and two proxies."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="consent-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        authority = Authority(self.folder)
        self.ca_file = authority.ca_file
        certificate, key = authority.issue("localhost")
        self.redis = RedisServer()
        atexit.register(self.redis.remove)
        self.redis.start()
        self.qemu = QemuMachine(self.folder, "qemu", sector=typing_sector()).start()
        atexit.register(self.qemu.stop)
        identity = Identity(self.folder / "pki", authority, "localhost")
        server = XServer(self.folder, "None", identity, "unused").start()
        atexit.register(server.stop)
        self.at_qemu, self.at_server = Recorder(self.qemu.port), Recorder(server.port)
        self.port = free_port()
        self.pages = NoVNCPages(self.folder / "pages")
        atexit.register(self.pages.stop)
        listen = f"""
rfb = ["tcp:{self.port}:interface=127.0.0.1"]
rfb_certificate = "{certificate}"
rfb_key = "{key}"
"""
        address = {"public": f'rfb_address = "localhost:{self.port}"', "listen": listen}
        self.first = self.proxy("first", tables=address)
        self.second = self.proxy("second")

    def proxy(self, name: str, **options: Any) -> Gateway:
        machines = "\n".join(
            f'{machine} = {{ address = "127.0.0.1:{recorder.port}" }}'
            for machine, recorder in (("qemu", self.at_qemu), ("red", self.at_server))
        )
        config = CONFIG.format(machines=machines, redis=self.redis.port, name=name)
        gateway = Gateway(config, **options).start()
        atexit.register(gateway.stop)
        return gateway


@cache
def world() -> World:
    return World()


def until(get: Callable[[], Any], expected: Any, what: object = "") -> None:
    give_up = time.monotonic() + 60
    while (value := get()) != expected:
        if time.monotonic() > give_up:
            raise AssertionError(f"{value!r} instead of {expected!r} {what}")
        time.sleep(0.05)


class ConsentCase(SynchronousTestCase):
    timeout = 300

    def setUp(self) -> None:
        self.world = world()
        self.gateway = self.world.first

    def waiting(self, gateway: Gateway, token_id: str, at: str = "first") -> str:
        """Wait until a proxy lists the session of a token that waits at one; returns its id."""
        found: list[Any] = []

        def listed() -> int:
            path = f"/v1/sessions?state=waiting&token={token_id}&proxy={at}"
            found[:] = gateway.call("GET", path)[1]["sessions"]
            return len(found)

        until(listed, 1)
        return str(found[0]["id"])

    def typed(self, text: str) -> None:
        until(lambda: text in self.world.qemu.typed(), True, self.world.qemu.typed())


ASKED = "return document.querySelector('#consent[open] #consent-text')?.textContent ?? ''"
CLICK_LEAVE_AS_IT_COMES = """
const leave = document.getElementById("consent-leave");
new MutationObserver(() => leave.textContent === "Leave" && leave.click())
    .observe(leave, { childList: true });
"""
"""As the second click of a double click on the button that was in its place."""

SAY_NOTHING = "WebSocket.prototype.send = () => {}"


class PageTests(ConsentCase):
    def test_our_page_asks_and_another_proxy_approves_and_withdraws(self) -> None:
        world, page = self.world, Page()
        self.addCleanup(page.leave)
        before, typed = len(world.at_qemu.recordings), world.qemu.typed()
        issued = self.gateway.issue("here/qemu", policy={"banner": TEXT, "approval": 2})
        page.open(str(issued["url"]))
        until(lambda: page.driver.execute_script(ASKED), TEXT)
        page.driver.switch_to.active_element.send_keys("not for the guest\n")
        page.driver.execute_script(CLICK_LEAVE_AS_IT_COMES)
        page.driver.find_element(By.ID, "consent-accept").click()
        until(lambda: "have said yes" in page.driver.execute_script(ASKED), True)
        page.driver.execute_script("document.getElementById('consent-leave').focus()")

        session = self.waiting(world.second, issued["id"])
        self.assertEqual(len(world.at_qemu.recordings), before)
        path = f"/v1/sessions/{session}/approve"
        self.assertEqual(world.second.call("POST", path, {"by": "alice"})[0], 409)
        status, answer = world.second.call("POST", path, {"by": "bob"})
        self.assertEqual((status, answer["by"]), (200, ["bob"]))
        progress = "return document.getElementById('consent-state').textContent"
        until(lambda: page.driver.execute_script(progress), "1 of 2 have approved: bob.")
        self.assertEqual(page.driver.switch_to.active_element.get_attribute("id"), "consent-leave")
        self.assertEqual(world.second.call("POST", path, {"by": "eve"})[1]["by"], ["bob", "eve"])

        page.wait_for_state("connected")
        page.type("yes")
        self.typed("yes")
        self.assertNotIn("not", world.qemu.typed()[len(typed) :])
        self.assertEqual(self.gateway.audit_of("accept", session=session)["user"], "alice")
        self.assertEqual(self.gateway.audit_of("approve", session=session, count=2)["by"], "eve")

        page.reload()
        page.wait_for_state("connected")
        now = self.gateway.audit_of("open", token=issued["token"], count=2)["session"]
        path = f"/v1/sessions/{now}/approve"
        until(lambda: world.second.call("DELETE", path)[0], 200)
        page.wait_for_reason("was withdrawn")
        page.reload()
        page.wait_for_reason("not valid any more")

    def test_leave_works_where_the_gateway_answers_and_where_it_does_not(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        issued = self.gateway.issue("here/qemu", policy={"banner": TEXT})
        for before, reason in (("", "left before"), (SAY_NOTHING, "You closed this console")):
            page.open(str(issued["url"]))
            until(lambda: page.driver.execute_script(ASKED), TEXT)
            page.driver.execute_script(before)
            page.driver.find_element(By.ID, "consent-leave").click()
            page.wait_for_reason(reason)

    def test_a_stock_page_sees_our_screen_and_then_the_console(self) -> None:
        world, page = self.world, Page()
        self.addCleanup(page.leave)
        before, origin = len(world.at_server.recordings), world.pages.origin
        policy = {"banner": TEXT, "allowed_origins": [origin]}
        token = self.gateway.issue("here/red", policy=policy)["token"]
        path = f"websockify%3Ftoken={token}"
        port = self.gateway.web_port
        page.open(f"{origin}/1.7/vnc_lite.html?host=127.0.0.1&port={port}&path={path}")
        pixel = lambda: page.driver.execute_script(NOVNC_PIXEL)  # noqa: E731
        until(pixel, [800, *PAPER])
        self.assertEqual(len(world.at_server.recordings), before)

        page.driver.find_element(By.CSS_SELECTOR, "#screen canvas").click()
        page.driver.switch_to.active_element.send_keys("x\n")
        until(pixel, [640, *RED])
        recording = world.at_server.recordings[-1]
        self.assertNotIn(b"\x00\x00\xff\x0d", bytes(recording.to_server))


class ProgramTests(ConsentCase):
    def test_tigervnc_types_only_what_comes_after_the_text(self) -> None:
        world = self.world
        before, typed = len(world.at_qemu.recordings), world.qemu.typed()
        display = Display(world.folder / "home")
        self.addCleanup(display.stop)
        issued = self.gateway.issue("here/qemu", type="xvpvnc", policy={"banner": TEXT})
        viewer = tigervnc(display, world.port, str(issued["token"]), world.ca_file)
        self.addCleanup(viewer.stop)
        self.waiting(world.second, issued["id"])
        display.focus("qemu .*TigerVNC")
        display.type("early")
        self.assertEqual(len(world.at_qemu.recordings), before)
        display.press("Return")
        self.gateway.audit_of("open", token=issued["token"])
        display.type("late")
        self.typed("late")
        self.assertNotIn("early", world.qemu.typed()[len(typed) :])
        self.assertNotIn("\r", world.qemu.typed()[len(typed) :])

    def test_view_only_with_a_text(self) -> None:
        world = self.world
        policy = {"banner": TEXT, "mode": "view-only", "clipboard": "none"}
        token = str(self.gateway.issue("here/red", type="xvpvnc", policy=policy)["token"])
        viewer = Viewer.connect(self.gateway.xvp_port, token)
        self.addCleanup(viewer.close)
        self.assertEqual((viewer.pixel(), viewer.size), (PAPER, (800, 600)))
        viewer.key(RETURN)
        viewer.wait_for_pixel(RED)
        self.assertEqual(viewer.size, (640, 400))
        viewer.key(ord("k"))
        viewer.pixel()
        recording = bytes(world.at_server.recordings[-1].to_server)
        self.assertNotIn(bytes([4, 1, 0, 0, 0, 0, 0, ord("k")]), recording)

    def test_a_proxy_that_is_killed_takes_the_wait_with_it(self) -> None:
        world = self.world
        third = world.proxy("third")
        policy = {"approval": 1, "uses": 2}
        issued = third.issue("here/red", type="xvpvnc", policy=policy)
        viewer = Viewer.connect(third.xvp_port, str(issued["token"]))
        self.addCleanup(viewer.close)
        session = self.waiting(world.second, issued["id"], "third")
        third.kill()
        self.assertRaises((EOFError, ConnectionError), viewer.pixel)
        status, _ = world.second.call("POST", f"/v1/sessions/{session}/approve", {})
        self.assertIn(status, (404, 503))
        again = Viewer.connect(world.second.xvp_port, str(issued["token"]))
        self.addCleanup(again.close)
        path = f"/v1/sessions/{self.waiting(world.first, issued['id'], 'second')}/approve"
        until(lambda: world.first.call("POST", path, {})[0], 200)
        again.wait_for_pixel(RED)
