"""The page's dialog that types a text."""

from __future__ import annotations

from typing import Any

from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from .chromium import Page

WRITE = """
    const [name, text] = arguments;
    document.getElementById(name).value = text;
    document.getElementById(name).dispatchEvent(new Event("input"));
"""

LOADED = """
    const [name] = arguments;
    return import("./static/keys/guest-layout.js")
        .then(({ guest }) => guest.name === name && guest.layout !== null);
"""


class TypingPage(Page):
    """The console page, whose user types texts by its dialog."""

    def type_text(self, text: str, layout: str, *, secret: bool = False) -> None:
        """Have a text typed, and wait until that is done."""
        self.press("open-typing")
        if secret:
            self.press("typing-hidden")
        self.script(WRITE, "typing-secret" if secret else "typing-text", text)
        self.start(layout)

    def start(self, layout: str) -> None:
        """Choose a layout, begin, and wait until all is typed."""
        Select(self.driver.find_element(By.ID, "typing-layout")).select_by_value(layout)
        Select(self.driver.find_element(By.ID, "typing-speed")).select_by_visible_text("Fast")
        start = self.driver.find_element(By.ID, "typing-start")
        self._until(lambda: (start.is_enabled(), start.text), (True, "Type it"))
        start.click()
        self._until(lambda: self.script("return document.getElementById('typing').open"), False)

    def press(self, name: str) -> None:
        """Press a button."""
        self.driver.find_element(By.ID, name).click()

    def choose_keyboard(self, mode: str, layout: str) -> None:
        """Choose how the keys of this keyboard are meant, and the machine's layout."""
        self.press("keys")
        self.driver.find_element(By.CSS_SELECTOR, f"[name=keyboard][value={mode}]").click()
        Select(self.driver.find_element(By.ID, "keys-layout")).select_by_value(layout)
        self._until(lambda: self.script(LOADED, layout), True)
        self.script("document.getElementById('keys-menu').hidePopover()")
        self.script("document.querySelector('#screen canvas').focus()")

    def strike(self, code: str, key: str, *modifiers: tuple[str, str]) -> None:
        """Press and release a key of a keyboard of any layout, while others are held.

        Args:
            code: where it is.
            key: what it means.
            modifiers: the code and the key of each that is held.
        """
        events = [("keyDown", *each) for each in (*modifiers, (code, key))]
        events += [("keyUp", *each) for each in ((code, key), *reversed(modifiers))]
        for kind, each, meaning in events:
            members = {"type": kind, "code": each, "key": meaning}
            self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", members)

    def notice(self) -> str:
        """Return what the page's notices say."""
        return str(self.driver.find_element(By.ID, "notices").text)

    def script(self, source: str, *values: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(source, *values)
