"""The console page in other languages, in Chromium."""

from __future__ import annotations

from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import Close, Show

LANGUAGE = "return document.documentElement.lang"
CHOOSE = """
const choice = document.getElementById("language");
choice.value = "%s";
choice.dispatchEvent(new Event("change"));
"""


class LanguageTests(PageTestCase):
    async def tearDown(self) -> None:  # type: ignore[override]
        await self.js("localStorage.clear()")
        await super().tearDown()

    async def test_a_link_names_its_language(self) -> None:
        await self.open("?token=abc&lang=de-AT", [Close(4100)])
        await self.until("return document.body.dataset.state", "ended")
        self.assertEqual(await self.text("headline"), "Die virtuelle Maschine läuft nicht")
        self.assertEqual(await self.text("reconnect"), "Neu verbinden")
        self.assertEqual(await self.js(LANGUAGE), "de")
        self.assertEqual(self.gateway.consoles[-1].language, "de")

    async def test_the_static_page_is_translated_with_its_tips_and_labels(self) -> None:
        await self.open_screen("?token=abc&lang=de")
        self.assertEqual(await self.js("return document.getElementById('keys').title"), "Tasten")
        label = "return document.getElementById('typing-progress').ariaLabel"
        self.assertEqual(await self.js(label), "Bisher getippt")

    async def test_the_choice_is_remembered_and_wins_over_the_browser(self) -> None:
        await self.open_screen()
        self.assertEqual(await self.js(LANGUAGE), "en")
        await self.js(CHOOSE % "de")
        await self.until(LANGUAGE, "de")
        await self.open("?token=abc", [Show()])
        await self.until("return document.body.dataset.state", "connected")
        self.assertEqual(await self.text("state"), "Verbunden")

    async def test_the_choice_changes_the_language_of_the_link(self) -> None:
        await self.open_screen("?token=abc&lang=de")
        await self.js(CHOOSE % "en")
        await self.until(LANGUAGE, "en")
        await self.until("return new URL(location).searchParams.get('lang')", "en")

    async def test_a_language_that_there_is_not_is_english(self) -> None:
        await self.open_screen("?token=abc&lang=xx")
        self.assertEqual(await self.js(LANGUAGE), "en")
        self.assertEqual(await self.text("state"), "Connected")
