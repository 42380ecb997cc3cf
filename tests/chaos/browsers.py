"""Real browsers among the users: Chromium with the console page, one window each."""

from __future__ import annotations

import time
from typing import Any

from tests.components.chromium import STATE, browser

_COUNT = """
    window.chaosEnds = 0;
    let before = document.body.dataset.state;
    new MutationObserver(() => {
        const state = document.body.dataset.state;
        window.chaosEnds += before === "connected" && state !== "connected";
        before = state;
    }).observe(document.body, {attributeFilter: ["data-state"]});
"""
_ENDS = "return window.chaosEnds"
LIMIT = 60.0


class Browser:
    """One window with one console.

    Attributes:
        name: the user's.
        vm: the machine.
    """

    def __init__(self, name: str, vm: str, url: str) -> None:
        self.name = name
        self.vm = vm
        self._driver: Any = browser()
        self._driver.switch_to.new_window("window")
        self._window = self._driver.current_window_handle
        self._driver.get(url)
        self._ends = 0

    def wait_until_connected(self) -> float:
        """Wait for the screen; returns the seconds.

        Raises:
            AssertionError: it is not there in time.
        """
        began = time.monotonic()
        while self._run(STATE) != "connected":
            if time.monotonic() > began + LIMIT:
                raise AssertionError(f"the page of {self.name} is {self._run(STATE)}")
            time.sleep(0.05)
        return time.monotonic() - began

    def count_ends(self) -> None:
        """Begin to count how many times the console ends."""
        self._run(_COUNT)

    def new_ends(self) -> int:
        """Return how many times it has ended since the last call."""
        before, self._ends = self._ends, int(self._run(_ENDS))
        return self._ends - before

    def leave(self) -> None:
        """Close the window."""
        self._driver.switch_to.window(self._window)
        self._driver.get("about:blank")

    def _run(self, script: str) -> Any:
        self._driver.switch_to.window(self._window)
        return self._driver.execute_script(script)
