"""Consoles in a frame of another site's page, in Chromium and Firefox: docs/embedding.md."""

from __future__ import annotations

import atexit
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.chromium import ARGUMENTS, CHROMIUM, DRIVER, PIXEL, REASON, STATE
from tests.components.firefox import firefox
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR
from tests.components.portal import Portal, example
from tests.components.vnc_servers import QemuMachine

CONSOLE, PORTAL = "console.example", "portal.test"
TIME_LIMIT = 60.0
BLOCKED_SHOWN = """
    const blocked = document.querySelector("#blocked");
    return blocked?.checkVisibility({visibilityProperty: true}) ?? null;
"""
BLOCKED_WORDS = "return document.querySelector('#blocked').textContent"
NEVER_STARTED = "return document.body?.dataset.state ?? null"


class World:
    """One gateway over https, a portal of another site, and a machine, for all tests here."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="embedding-"))
        authority = Authority(folder)
        self.portal = Portal(authority.issue(PORTAL))
        atexit.register(self.portal.stop)
        self.machine = QemuMachine(folder, "guest").start()
        atexit.register(self.machine.stop)
        certificate, key = authority.issue(CONSOLE)
        self.gateway = Gateway(
            f"""
[timeouts]
linger = 1
[backends.lab]
type = "static"
[backends.lab.consoles]
web-01 = {{ address = "127.0.0.1:{self.machine.port}" }}
""",
            web=f"ssl:{{port}}:interface=127.0.0.1:privateKey={key}:certKey={certificate}",
            scheme="https",
        )
        self.configure("localhost", CONSOLE)
        atexit.register(self.gateway.stop)
        self.gateway.start()

    def configure(self, old: str, new: str) -> None:
        text = self.gateway.config.read_text()
        assert old in text
        self.gateway.config.write_text(text.replace(old, new))

    @property
    def origin(self) -> str:
        return f"https://{PORTAL}:{self.portal.port}"


world = cache(World)


@cache
def chromium() -> Any:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    rules = f"MAP {CONSOLE} 127.0.0.1, MAP {PORTAL} 127.0.0.1"
    for argument in (*ARGUMENTS.split(), f"--host-resolver-rules={rules}"):
        options.add_argument(argument)
    driver = webdriver.Chrome(service=Service(DRIVER), options=options)
    atexit.register(driver.quit)
    return driver


class ChromiumFrame:
    """The portal's page in Chromium."""

    def __init__(self) -> None:
        self.driver = chromium()

    def open(self, url: str) -> None:
        self.driver.get(url)

    def reload(self) -> None:
        self.driver.refresh()

    def inside(self, script: str) -> Any:
        """Run a script in the frame."""
        self.driver.switch_to.default_content()
        self.driver.switch_to.frame(self.driver.find_element(By.TAG_NAME, "iframe"))
        return self.driver.execute_script(script)


@cache
def one_firefox() -> Any:
    driver = firefox(CONSOLE, PORTAL)
    atexit.register(driver.quit)
    return driver


class FirefoxFrame:
    """The portal's page in Firefox."""

    def __init__(self) -> None:
        self.driver = one_firefox()

    def open(self, url: str) -> None:
        self.driver.switch_to_frame()
        self.driver.navigate(url)

    def reload(self) -> None:
        self.driver.switch_to_frame()
        self.driver.refresh()

    def inside(self, script: str) -> Any:
        """Run a script in the frame."""
        self.driver.switch_to_frame()
        self.driver.switch_to_frame(self.driver.find_element("tag name", "iframe"))
        return self.driver.execute_script(script, sandbox=None)


class Frames:
    """What is tested in each browser."""

    timeout = 180
    frame: Any
    running = True
    browser: Callable[[], Any]
    assertEqual: Callable[..., Any]
    assertIn: Callable[..., Any]

    def setUp(self) -> None:
        self.world = world()
        self.gateway = self.world.gateway
        self.frame = self.browser()
        self.opened = len(self.gateway.audit("open"))
        self.refused = len(self.gateway.audit("refuse"))

    def tearDown(self) -> None:
        self.frame.open("about:blank")
        if not self.running:
            self.world.machine.start()

    def embed(self, **policy: Any) -> None:
        """Open the portal's page with the console of a new token."""
        url = self.gateway.issue("lab/web-01", policy=policy)["url"]
        self.world.portal.page = example(url)
        self.frame.open(f"{self.world.origin}/")

    def until(self, script: str, expected: Any) -> None:
        give_up = time.monotonic() + TIME_LIMIT
        while (value := self.look(script)) != expected:
            if time.monotonic() > give_up:
                reason = self.look(REASON)
                raise AssertionError(f"{value!r} instead of {expected!r}: {reason}")
            time.sleep(0.1)

    def look(self, script: str) -> Any:
        try:
            return self.frame.inside(script)
        except Exception as e:  # noqa: BLE001 the frame is loading
            return f"{type(e).__name__}: {e}"

    def test_the_portal_that_a_token_names_shows_the_console(self) -> None:
        self.embed(allowed_origins=[self.world.origin])

        self.until(STATE, "connected")
        self.until(PIXEL, list(START_COLOUR))

    def test_a_reload_of_the_portal_comes_back_although_the_token_is_used(self) -> None:
        self.embed(allowed_origins=[self.world.origin])
        self.until(STATE, "connected")

        self.frame.reload()

        self.until(STATE, "connected")
        self.assertEqual(self.gateway.audit("refuse")[self.refused :], [])

    def test_a_restarted_machine_comes_back_by_itself(self) -> None:
        self.embed(allowed_origins=[self.world.origin])
        self.until(STATE, "connected")

        self.world.machine.stop()
        self.running = False
        self.until(STATE, "waiting")
        self.world.machine.start()
        self.running = True

        self.until(STATE, "connected")
        self.until(PIXEL, list(START_COLOUR))

    def test_the_button_reconnects(self) -> None:
        self.embed(allowed_origins=[self.world.origin])
        self.until(STATE, "connected")

        self.frame.inside("document.querySelector('#disconnect').click()")
        self.until(STATE, "ended")
        self.frame.inside("document.querySelector('#reconnect').click()")

        self.until(STATE, "connected")

    def test_a_sandbox_without_an_origin_is_told_of(self) -> None:
        url = self.gateway.issue("lab/web-01", policy={"allowed_origins": [self.world.origin]})[
            "url"
        ]
        self.world.portal.page = example(url).replace(" allow-same-origin", "")
        self.frame.open(f"{self.world.origin}/")

        self.until(BLOCKED_SHOWN, True)
        self.assertIn("the page that shows this one in a frame", self.look(BLOCKED_WORDS))

    def test_another_portal_shows_nothing(self) -> None:
        self.embed(allowed_origins=["https://another.example"])

        time.sleep(1)
        for _ in range(10):
            self.assertEqual(self.look(NEVER_STARTED) in ("connecting", "connected"), False)
            time.sleep(0.1)
        self.assertEqual(self.gateway.audit("open")[self.opened :], [])


class ChromiumTests(Frames, SynchronousTestCase):
    """Chromium."""

    browser = ChromiumFrame


class FirefoxTests(Frames, SynchronousTestCase):
    """Firefox."""

    browser = FirefoxFrame
