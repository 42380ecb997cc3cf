"""The console page in other languages, in Chromium."""

from __future__ import annotations

from twisted.internet.threads import deferToThread

from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import Close, Show
from vncproxy.languages.catalogues import LANGUAGES

OUTSIDE = """
const wide = (each) => each.scrollWidth > each.clientWidth + 1;
const names = [];
const parts = "#card, dialog[open], .menu, button, label, dt, dd, p, h2";
for (const each of document.querySelectorAll(parts)) {
    const { left, right, width } = each.getBoundingClientRect();
    const isHidden = !each.checkVisibility() || each.closest("#tools, .visually-hidden");
    if (!isHidden && width > 1 && (left < -1 || right > innerWidth + 1 || wide(each))) {
        names.push(`${each.tagName} ${each.id}: ${each.textContent.trim().slice(0, 40)}`);
    }
}
return names;
"""
"""What is cut off, or wider than the window."""

OVERLAPPING = """
const boxes = [...document.querySelectorAll("#who, #tools > button")]
    .filter((each) => each.checkVisibility())
    .map((each) => [each.id, each.getBoundingClientRect()])
    .filter(([, { width }]) => width > 0);
const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1;
const pairs = boxes.flatMap((a, n) => boxes.slice(n + 1).map((b) => [a, b]));
return pairs.filter(([[, a], [, b]]) => meet(a, b)).map(([[a], [b]]) => `${a} ${b}`);
"""
"""Parts of the bar that lie over each other."""

LANGUAGE = "return document.documentElement.lang"
CHOOSE = """
const choice = document.getElementById("language");
choice.value = "%s";
choice.dispatchEvent(new Event("change"));
"""


class LanguageTests(PageTestCase):
    async def tearDown(self) -> None:  # type: ignore[override]
        await self.js("localStorage.clear()")
        await deferToThread(self.driver.execute_cdp_cmd, "Emulation.clearDeviceMetricsOverride", {})
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

    async def test_the_texts_of_every_language_fit_a_narrow_window(self) -> None:
        await self.narrow(320)
        for language in LANGUAGES:
            await self.open("?token=abc&lang=" + language, [Close(4117)])
            await self.until("return document.body.dataset.state", "ended")
            self.assertEqual(await self.js(OUTSIDE), [], language)
            await self.js("document.getElementById('card').style.minWidth = '330px'")
            self.assertNotEqual(await self.js(OUTSIDE), [])
            await self.open_screen("?token=abc&lang=" + language)
            for part in ("keys-menu", "view-menu", "about-menu"):
                await self.js(f"document.getElementById('{part}').showPopover()")
                self.assertEqual(await self.js(OUTSIDE), [], f"{part} in {language}")
            for part in ("typing", "clipboard", "invite"):
                await self.js(f"document.getElementById('{part}').showModal()")
                self.assertEqual(await self.js(OUTSIDE), [], f"{part} in {language}")
                await self.js(f"document.getElementById('{part}').close()")

    async def test_a_page_from_right_to_left(self) -> None:
        for width in (1100, 320):
            await self.narrow(width)
            await self.open_screen()
            await self.js("document.documentElement.dir = 'rtl'")
            self.assertEqual(
                await self.js(
                    "return getComputedStyle(document.getElementById('screen')).direction"
                ),
                "ltr",
            )
            if width > 640:
                self.assertEqual(await self.js(OVERLAPPING), [])
            for part in ("keys-menu", "view-menu", "about-menu"):
                await self.js(f"document.getElementById('{part}').showPopover()")
                self.assertEqual(await self.js(OUTSIDE), [], part)

    async def narrow(self, width: int) -> None:
        """Give the window a width, which may be smaller than a browser's own smallest."""
        size = {"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": False}
        command = "Emulation.setDeviceMetricsOverride"
        await deferToThread(self.driver.execute_cdp_cmd, command, size)
