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

    def notice(self) -> str:
        """Return what the page's notices say."""
        return str(self.driver.find_element(By.ID, "notices").text)

    def script(self, source: str, *values: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(source, *values)
