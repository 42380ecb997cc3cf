"""Headless Chromium, looked at and typed into the way a person would."""

from __future__ import annotations

import atexit
import functools
import shutil
import time
from collections.abc import Callable
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

CHROMIUM = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --disable-dev-shm-usage "
    "--ignore-certificate-errors"
)
TIME_LIMIT = 60.0

PIXEL = """
    const canvas = document.querySelector("#screen canvas");
    return canvas && canvas.width
        ? [...canvas.getContext("2d").getImageData(5, 5, 1, 1).data].slice(0, 3) : null;
"""
STATE = "return document.body.dataset.state"
REASON = "return document.querySelector('#reason').textContent"


@functools.cache
def browser() -> Any:
    """Start the browser that all tests of this process share."""
    missing = [tool for tool in (CHROMIUM, DRIVER) if shutil.which(tool) is None]
    if missing:
        raise FileNotFoundError(f"{', '.join(missing)} not installed; make test installs them")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ARGUMENTS.split():
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service(DRIVER), options=options)
    atexit.register(driver.quit)
    return driver


class Page:
    """The console page in the shared browser."""

    def __init__(self) -> None:
        self.driver = browser()

    def open(self, url: str) -> None:
        """Open an access URL."""
        self.driver.get(url)

    def reload(self) -> None:
        """Press F5."""
        self.driver.refresh()

    def leave(self) -> None:
        """Go elsewhere, so that the page closes its web socket."""
        self.driver.get("about:blank")

    def forget(self) -> None:
        """Delete all cookies."""
        self.driver.delete_all_cookies()

    def type(self, keys: str) -> None:
        """Type into the screen."""
        self.driver.find_element(By.CSS_SELECTOR, "#screen canvas").click()
        self.driver.switch_to.active_element.send_keys(keys)

    def state(self) -> str:
        """Return connecting, connected, waiting or ended."""
        return str(self.driver.execute_script(STATE))

    def wait_for_state(self, expected: str) -> None:
        """Wait until the page is in a state."""
        self._until(self.state, expected)

    def wait_for_pixel(self, *expected: int) -> None:
        """Wait until the guest's screen has this red, green and blue."""
        self._until(lambda: self.driver.execute_script(PIXEL), list(expected))

    def wait_for_reason(self, *words: str) -> str:
        """Wait until the page shows this text about the session's end; returns all of its text."""
        self._until(lambda: all(word in self.reason() for word in words), True)
        return self.reason()

    def reason(self) -> str:
        """Return the page's text about the session's end."""
        return str(self.driver.execute_script(REASON)).strip()

    def offers_reconnect(self) -> bool:
        """Return whether the reconnect button can be pressed."""
        return bool(self.driver.find_element(By.ID, "reconnect").is_displayed())

    def reconnect(self) -> None:
        """Press the reconnect button."""
        self.driver.find_element(By.ID, "reconnect").click()

    def _until(self, get: Callable[[], Any], expected: Any) -> None:
        give_up = time.monotonic() + TIME_LIMIT
        while (value := get()) != expected:
            if time.monotonic() > give_up:
                raise AssertionError(
                    f"{value!r} instead of {expected!r}; state {self.state()}: {self.reason()}\n"
                    + "\n".join(entry["message"] for entry in self.driver.get_log("browser"))
                )
            time.sleep(0.05)
