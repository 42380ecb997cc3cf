"""What a session is told about its time, through ``twistd`` and an Xtigervnc, with the page."""

from __future__ import annotations

import atexit
import shutil
import struct
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from selenium.webdriver.common.keys import Keys
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.viewer import Viewer
from tests.components.vnc_servers import Identity, XServer

T = TypeVar("T")

PING = """
    const [token, done] = arguments;
    import("/static/session/connection.js").then(async ({ Connection }) => {
        const connection = new Connection(document.querySelector("#screen"),
            `ws://${location.host}/websockify?talks=1&token=${token}`);
        connection.open();
        await new Promise((live) => {
            connection.addEventListener("change", () => connection.live && live());
        });
        const answers = [Object.keys(await connection.ask("ping"))];
        await connection.ask("no such thing").catch(({ code, message }) => {
            answers.push(code, message);
        });
        connection.disconnect();
        done(answers);
    });
"""

NOTICES = """
    const done = arguments[0];
    import("/static/page/notices.js").then((notices) => {
        window.notices = notices;
        window.pressed = [];
        const run = (label) => () => window.pressed.push(label);
        const press = (label) => ({ label, run: run(label), primary: label === "Yes" });
        notices.show("ask", "Alice asks to control the machine.", [press("Yes"), press("No")]);
        notices.show("time", "This console ends soon.", [], "5:00");
        notices.show("time", "This console ends soon.", [], "4:59");
        done();
    });
"""

CARDS = """
    return [...document.querySelectorAll("#notices .notice")].map((card) =>
        [".text", ".detail"].map((part) => card.querySelector(part).textContent).join("|"))
"""


class World:
    """An Xtigervnc, a proxy before it, and the page in Chromium."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="time-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        identity = Identity(self.folder / "pki", Authority(self.folder), "localhost")
        self.display = XServer(self.folder, "None", identity, "unused").start()
        atexit.register(self.display.stop)
        machine = f'screen = {{ address = "127.0.0.1:{self.display.port}" }}'
        config = f'[backends.here]\ntype = "static"\n[backends.here.consoles]\n{machine}\n'
        self.gateway = Gateway(config).start()
        atexit.register(self.gateway.stop)


@cache
def world() -> World:
    return World()


class TimeCase(SynchronousTestCase):
    timeout = 300

    def setUp(self) -> None:
        self.gateway = world().gateway
        self.page = Page()
        self.driver = self.page.driver
        self.addCleanup(self.page.leave)

    def open(self, **policy: Any) -> str:
        """Open the page of a link; returns its token."""
        issued = self.gateway.issue("here/screen", policy=policy)
        self.page.open(str(issued["url"]))
        self.page.wait_for_state("connected")
        return str(issued["token"])

    def js(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)


class ChannelTests(TimeCase):
    def test_the_page_asks_and_is_answered(self) -> None:
        token = self.gateway.issue("here/screen")["token"]
        self.page.open(f"http://127.0.0.1:{self.gateway.web_port}/?token=of-another-console")

        answered = self.driver.execute_async_script(PING, token)

        self.assertEqual(answered[:2], [["id"], "bad-request"])
        self.assertIn("id ", answered[2])


class WarningTests(TimeCase):
    def notice(self) -> str:
        return "\n".join(self.js(CARDS))

    def test_the_end_of_the_longest_duration_is_announced_and_named(self) -> None:
        token = self.open(max_duration=6)

        told = until_true(self.notice)
        self.assertRegex(told, r"closes in \d seconds?, when its time is over.*new link\.\|0:0\d$")
        self.page.wait_for_reason("The time allowed for this console is over.")
        self.assertEqual(self.notice(), "")
        self.assertEqual(self.gateway.audit_of("close", token=token)["reason"], "time-limit")

    def test_an_idle_session_is_kept_open_by_the_button_also_of_a_watcher(self) -> None:
        self.open(idle_timeout=14, mode="view-only")

        until_true(lambda: "Press the button to keep it open." in self.notice())
        self.driver.find_element("css selector", ".notice .primary").click()
        until_true(lambda: not self.notice())
        self.assertEqual(self.page.state(), "connected")

    def test_a_link_says_when_it_opens_and_opens_then(self) -> None:
        policy = {"not_before": time.time() + 1.5}
        self.page.open(str(self.gateway.issue("here/screen", policy=policy)["url"]))
        self.page.wait_for_reason("may be opened from")
        self.assertTrue(self.page.offers_reconnect())

        time.sleep(max(0.0, policy["not_before"] - time.time()))
        self.page.reconnect()
        self.page.wait_for_state("connected")

    def test_what_is_no_window_is_refused_when_the_link_is_issued(self) -> None:
        body = {
            "vm": "here/screen",
            "user": "a",
            "policy": {"hours": ["mon 08:00-18:00 UTC", "8-18"]},
        }
        status, answer = self.gateway.call("POST", "/v1/tokens", body)

        self.assertEqual((status, answer["error"]["field"]), (422, "policy.hours.1"))
        self.assertIn("days, times and a time zone", answer["error"]["message"])


class NoticesTests(TimeCase):
    def setUp(self) -> None:
        super().setUp()
        self.open()
        self.driver.execute_async_script(NOTICES)

    def focus(self) -> str:
        return str(self.js("return document.activeElement.tagName"))

    def test_cards_are_shown_beside_each_other_and_leave_the_focus_to_the_screen(self) -> None:
        self.assertEqual(
            self.js(CARDS), ["Alice asks to control the machine.|", "This console ends soon.|4:59"]
        )
        self.assertEqual(self.focus(), "CANVAS")
        self.assertEqual(self.js("return document.querySelector('#notices').ariaLive"), "polite")

    def test_an_action_is_run_by_a_click_or_a_key_and_the_screen_keeps_the_focus(self) -> None:
        self.driver.find_element("css selector", ".notice .primary").click()
        self.assertEqual((self.js("return pressed"), self.focus()), (["Yes"], "CANVAS"))

        self.js("document.querySelector('#disconnect').focus()")
        self.driver.switch_to.active_element.send_keys(Keys.TAB)
        self.driver.switch_to.active_element.send_keys(" ")
        self.assertEqual(self.js("return pressed"), ["Yes", "Yes"])
        self.js("notices.hide('ask')")
        self.assertEqual(
            (self.js(CARDS), self.focus()), (["This console ends soon.|4:59"], "CANVAS")
        )

    def test_cards_are_dismissed_and_fit_a_phone(self) -> None:
        size = {"width": 320, "height": 600, "deviceScaleFactor": 2, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.clearDeviceMetricsOverride", {})
        fits = """
            return [document.documentElement.scrollWidth, ...document.querySelectorAll(".notice")]
                .map((e) => e.getBoundingClientRect?.() ?? e)
                .map((box) => box <= 320 || (box.left >= 0 && box.right <= 320))
        """
        self.assertEqual(self.js(fits), [True, True, True])

        self.js("document.querySelector('.dismiss').click()")
        self.assertEqual(self.js(CARDS), ["This console ends soon.|4:59"])


class BandwidthTests(TimeCase):
    def test_a_session_keeps_to_its_rate_and_others_are_not_slower(self) -> None:
        rate = 300_000
        capped, free = (self.viewer(bandwidth=rate), self.viewer())
        whole = 4 * free.size[0] * free.size[1]
        self.assertGreater(whole, 3 * rate)
        began = time.monotonic()
        capped.send(struct.pack(">BBHHHH", 3, 0, 0, 0, *capped.size) * 4)

        for _ in range(10):
            free.pixel()
            free_at = time.monotonic() - began
        heard = rate // 2
        capped.read(heard)
        capped_at = time.monotonic() - began

        self.assertGreaterEqual(capped_at, (heard / rate) - 1 / 4 - 1 / 16)
        self.assertGreater(10 * whole / free_at, rate, "the other session had the same rate")
        capped.close()

    def viewer(self, **policy: Any) -> Viewer:
        token = self.gateway.issue("here/screen", type="xvpvnc", policy=policy)["token"]
        viewer = Viewer.connect(self.gateway.xvp_port, str(token))
        self.addCleanup(viewer.close)
        return viewer


def until_true(condition: Callable[[], T], limit: float = 60.0) -> T:
    """Wait until something is true, and return it."""
    give_up = time.monotonic() + limit
    while not (value := condition()):
        if time.monotonic() > give_up:
            raise AssertionError("it does not come to hold")
        time.sleep(0.05)
    return value
