"""The console page of a stand-in gateway in a headless browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from selenium.webdriver.common.by import By
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.components.chromium import browser
from tests.components.firefox import firefox_browser
from tests.components.page_stand_in import Answer, Console, Gateway, Show
from vncproxy.web.install import install

TIME_LIMIT = 60.0


def until(get: Callable[[], Any], expected: Any) -> None:
    """Wait, in a thread, until `get` returns `expected`; raise what it returned instead."""
    limit = time.monotonic() + TIME_LIMIT
    while (value := get()) != expected:
        if time.monotonic() > limit:
            raise AssertionError(f"{value!r} instead of {expected!r}")
        time.sleep(0.02)


class PageTestCase(TestCase):
    """Opens the page of a stand-in gateway, and reads it from a thread."""

    timeout = 300
    prefix = "/"
    browser = staticmethod(browser)

    async def setUp(self) -> None:  # type: ignore[override]
        await deferToThread(install)
        from twisted.internet import reactor

        self.gateway = Gateway()
        self.running = self.gateway.listen(reactor, self.prefix)
        self.driver = await deferToThread(self.browser)
        await deferToThread(self.driver.set_window_size, 1100, 800)

    async def tearDown(self) -> None:  # type: ignore[override]
        await deferToThread(self.driver.get, "about:blank")
        await deferToThread(self.driver.get_log, "browser")
        await self.running.close()

    async def open(self, address: str = "?token=abc", answers: list[Answer] | None = None) -> None:
        """Load the page at `address`, relative to the root, to meet `answers`."""
        self.gateway.answers = answers or [Show()]
        await deferToThread(self.driver.get, self.running.url + address)

    async def open_screen(self, address: str = "?token=abc") -> Console:
        """Load the page and wait for the screen."""
        await self.open(address)
        await self.until("return document.body.dataset.state", "connected")
        return self.gateway.consoles[-1]

    async def js(self, script: str) -> Any:
        return await deferToThread(self.driver.execute_script, script)

    async def until(self, script: str, expected: Any) -> None:
        """Wait until a script in the page returns `expected`."""
        await deferToThread(until, lambda: self.driver.execute_script(script), expected)

    async def until_here(self, get: Callable[[], Any], expected: Any) -> None:
        """Wait until the stand-in has seen something."""
        await deferToThread(until, get, expected)

    async def click(self, name: str) -> None:
        """Click the element with this id, or else selector."""
        selector = name if name[0] in "[." else f"#{name}"
        await deferToThread(lambda: self.driver.find_element(By.CSS_SELECTOR, selector).click())

    async def write(self, name: str, text: str) -> None:
        """Type into the element with this id."""
        await deferToThread(lambda: self.driver.find_element(By.ID, name).send_keys(text))

    async def type(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        await deferToThread(lambda: self.driver.switch_to.active_element.send_keys(*keys))

    async def text(self, name: str) -> str:
        """Return what the element with this id shows; nothing when it cannot be seen."""
        return str(await deferToThread(lambda: self.driver.find_element(By.ID, name).text))

    async def visible(self, name: str) -> bool:
        return bool(
            await deferToThread(lambda: self.driver.find_element(By.ID, name).is_displayed())
        )

    async def complaints(self) -> list[str]:
        """Return the warnings and errors in the browser's console since the last call."""
        log = await deferToThread(self.driver.get_log, "browser")
        return [entry["message"] for entry in log if entry["level"] in ("WARNING", "SEVERE")]


class InFirefox:
    """Put before a class of page tests, lets Firefox instead of Chromium show the page."""

    browser = staticmethod(firefox_browser)


def tests_of(cases: type[PageTestCase], *names: str) -> Callable[[type], type]:
    """Put the named tests of another class, as they are, into the decorated one."""
    missing = set(names) - set(vars(cases))
    if missing:
        raise AttributeError(f"{cases.__name__} has no {', '.join(sorted(missing))}")
    chosen = {
        name: member
        for name, member in vars(cases).items()
        if name in names or not name.startswith(("__", "test_"))
    }

    def fill(empty: type) -> type:
        return type(empty.__name__, (empty, *cases.__bases__), {**chosen, **_named(empty)})

    return fill


def _named(cases: type) -> dict[str, Any]:
    return {name: getattr(cases, name) for name in ("__module__", "__qualname__", "__doc__")}
