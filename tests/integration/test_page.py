"""The console page in a real browser: screen, links, confirmation and contrast."""

from __future__ import annotations

import io
import time

from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from twisted.internet.threads import deferToThread

from tests.components.chromium import PIXEL, STATE
from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import Close, Refuse, Show

ALL_SHOWN = """
    for (const id of ["pan", "people", "power", "people-count"]) {
        document.getElementById(id).hidden = false;
    }
    document.getElementById("people-count").textContent = "3";
    document.getElementById("view-only").textContent = "View only";
    document.getElementById("recorded").textContent = "Recorded";
    return [...document.querySelectorAll("#tools button")]
        .filter((e) => getComputedStyle(e).display !== "none").map((e) => e.id);
"""
"""Shows all buttons and badges that a session may have; returns the buttons."""

OUT_OF_REACH = """
    return [...document.querySelectorAll("#tools button")]
        .filter((e) => getComputedStyle(e).display !== "none")
        .filter((e) => {
            e.scrollIntoView({ block: "nearest", inline: "nearest" });
            const { left, right, top, bottom } = e.getBoundingClientRect();
            return !e.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
        }).map((e) => e.id);
"""

UNDER_FINGER = """
    const e = document.activeElement;
    const { left, right, top, bottom } = e.getBoundingClientRect();
    const touches = (x) => e.contains(document.elementFromPoint(x, (top + bottom) / 2));
    return left >= 0 && right <= innerWidth && touches(left + 3) && touches(right - 3);
"""

END_OF_BADGES = """
    const tools = document.querySelector("#tools").getBoundingClientRect();
    const boxes = [...document.querySelectorAll(".badge")].map((e) => e.getBoundingClientRect());
    return Math.max(...boxes.map((e) => e.right)) - tools.left;
"""
"""By how much the badges lie over the buttons."""


CATCH_FILES = """
    window.saved = [];
    let file = null;
    const original = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
        file = blob;
        return original.call(URL, blob);
    };
    HTMLAnchorElement.prototype.click = async function () {
        const { download } = this;
        window.saved.push([download, [...new Uint8Array(await file.arrayBuffer())]]);
    };
"""
"""Keeps what the page lets the browser save, instead of saving it."""


class ScreenTests(PageTestCase):
    """The guest's screen and name."""

    async def test_shows_the_guests_pixels(self) -> None:
        await self.open_screen()
        await self.until(PIXEL, [30, 160, 90])

    async def test_saves_the_picture_under_the_machines_name(self) -> None:
        await self.open_screen()
        await self.until(PIXEL, [30, 160, 90])
        await self.js(CATCH_FILES)
        await self.click("view")
        await self.click("save-picture")
        await self.until("return window.saved.length", 1)
        ((name, data),) = await self.js("return window.saved")
        self.assertRegex(name, r"^web01_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.png$")
        with Image.open(io.BytesIO(bytes(data))) as image:
            self.assertEqual(
                (image.format, image.convert("RGB").getpixel((5, 5))), ("PNG", (30, 160, 90))
            )

    async def test_is_titled_with_the_machines_name_alone(self) -> None:
        await self.open_screen()
        await self.until("return document.title", "web01 \u2013 console")
        self.assertEqual(await self.text("name"), "web01")

    async def test_prefers_the_title_of_the_link(self) -> None:
        await self.open_screen("?token=abc&title=Mail+server")
        await self.until(PIXEL, [30, 160, 90])
        self.assertEqual(await self.text("name"), "Mail server")

    async def test_stays_within_the_policy_and_logs_nothing(self) -> None:
        await self.open_screen()
        await self.until(PIXEL, [30, 160, 90])
        for dialog in ("typing", "clipboard"):
            await self.click(f"open-{dialog}")
            await self.type(Keys.ESCAPE)
        await self.click("keys")
        self.assertEqual(await self.complaints(), [])

    async def test_names_every_control(self) -> None:
        await self.open_screen()
        nameless = """
            return [...document.querySelectorAll("button, input, textarea, select, dialog")]
                .filter((e) => !(e.ariaLabel || e.title || e.textContent.trim() || e.labels?.length
                    || e.getAttribute("aria-labelledby") || e.ariaHidden))
                .map((e) => e.outerHTML)
        """
        self.assertEqual(await self.js(nameless), [])

    async def test_fills_the_window_below_the_bar(self) -> None:
        await self.open_screen()
        box = await self.js("""
            const bar = document.querySelector("#bar").getBoundingClientRect();
            const screen = document.querySelector("#screen").getBoundingClientRect();
            return [screen.top - bar.bottom, innerHeight - screen.bottom, screen.width - innerWidth]
        """)
        self.assertEqual(box, [0, 0, 0])

    async def test_does_not_overflow_on_a_phone(self) -> None:
        metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
        command = self.driver.execute_cdp_cmd
        await deferToThread(command, "Emulation.setDeviceMetricsOverride", metrics)
        self.addCleanup(deferToThread, command, "Emulation.clearDeviceMetricsOverride", {})
        await self.open_screen("?token=abc&title=a-machine-with-quite-a-long-name.example.com")
        await self.click("keys")
        sizes = """
            return [innerWidth, document.documentElement.scrollWidth, ...["#bar", "#keys-menu"]
                .map((s) => document.querySelector(s)).flatMap((e) => [
                    e.scrollWidth - e.clientWidth, e.getBoundingClientRect().right > innerWidth])]
        """
        self.assertEqual(await self.js(sizes), [360, 360, 0, False, 0, False])

    async def test_an_open_menu_stays_in_the_window_of_a_phone_that_is_turned(self) -> None:
        await self.open_screen()
        await self.click("view")
        await self.be_a_phone(320)
        outside = """
            const { left, right } = document.querySelector("#view-menu").getBoundingClientRect();
            return [right > 0, left >= 0 && right <= innerWidth];
        """
        await self.until(outside, [True, True])

    async def test_all_buttons_can_be_reached_on_a_phone_beside_the_badges(self) -> None:
        for width in (320, 390):
            await self.be_a_phone(width)
            await self.open_screen("?token=abc&title=a-machine-with-quite-a-long-name")
            names = await self.js(ALL_SHOWN)
            self.assertEqual(names[0], "keys")
            self.assertLessEqual({"soft-keyboard", "pan", "power", "disconnect"}, {*names})
            self.assertEqual(await self.js(OUT_OF_REACH), [])
            self.assertLessEqual(await self.js(END_OF_BADGES), 0)
            visited = []
            await self.js("document.querySelector('#keys').focus()")
            for _ in names:
                visited.append(await self.js("return document.activeElement.id"))
                self.assertTrue(await self.js(UNDER_FINGER), visited[-1])
                await self.type(Keys.TAB)
            self.assertEqual(visited, names)

    async def be_a_phone(self, width: int) -> None:
        command = self.driver.execute_cdp_cmd
        metrics = {"width": width, "height": 700, "deviceScaleFactor": 2, "mobile": True}
        for name, on, off in (
            ("setDeviceMetricsOverride", metrics, None),
            ("setTouchEmulationEnabled", {"enabled": True}, {"enabled": False}),
        ):
            await deferToThread(command, f"Emulation.{name}", on)
            end = "Emulation.clearDeviceMetricsOverride" if off is None else f"Emulation.{name}"
            self.addCleanup(deferToThread, command, end, off or {})

    async def test_scales_to_the_window_or_shows_actual_size(self) -> None:
        width = "return document.querySelector('#screen canvas').getBoundingClientRect().width > 64"
        await self.open_screen()
        await self.until(width, True)
        await self.click("view")
        await self.click("[value=actual]")
        await self.until(width, False)

    async def test_full_screen_leaves_a_handle_that_brings_the_bar_back(self) -> None:
        await self.open_screen()
        await self.click("full-screen")
        await self.until("return document.fullscreenElement !== null", True)
        self.addCleanup(self.js, "return document.exitFullscreen()")
        canvas = await deferToThread(self.driver.find_element, By.CSS_SELECTOR, "#screen canvas")
        await deferToThread(ActionChains(self.driver).move_to_element(canvas).perform)
        await self.until(
            "return document.querySelector('canvas').clientHeight > innerHeight * 0.9", True
        )
        bottom = "return document.querySelector('#bar').getBoundingClientRect().bottom > 0"
        await self.until(bottom, False)
        await self.click("handle")
        await self.until(bottom, True)
        await self.until("return document.activeElement.id", "ctrl-alt-del")


class LinkTests(PageTestCase):
    """Where the token may stand, and where the web socket goes."""

    async def test_token_in_the_query(self) -> None:
        console = await self.open_screen("console?token=abc")
        self.assertEqual(console.token, "abc")

    async def test_token_in_the_fragment(self) -> None:
        console = await self.open_screen("vnc.html#token=in%2Bfragment")
        self.assertEqual(console.token, "in+fragment")

    async def test_token_in_novncs_path(self) -> None:
        console = await self.open_screen("vnc_auto.html?path=%3Ftoken%3Dabc-_9")
        self.assertEqual(console.token, "abc-_9")

    async def test_a_new_fragment_opens_another_console(self) -> None:
        await self.open_screen("#token=one")
        await self.open("#token=two")
        await self.until_here(lambda: [c.token for c in self.gateway.consoles], ["one", "two"])

    async def test_without_a_token_nothing_is_tried(self) -> None:
        await self.open("")
        await self.until(STATE, "ended")
        self.assertIn("ask for a new one", await self.text("reason"))
        self.assertFalse(await self.visible("reconnect"))
        self.assertEqual(self.gateway.consoles, [])


class PrefixTests(PageTestCase):
    """The page below a path prefix."""

    prefix = "/a/b/"

    async def test_works_below_a_prefix(self) -> None:
        await self.open_screen("a/b/?token=abc")
        await self.until(PIXEL, [30, 160, 90])
        self.assertEqual(await self.complaints(), [])


class ConfirmTests(PageTestCase):
    """A link that is confirmed before it is used."""

    async def test_the_page_waits_for_its_button_and_says_that_it_was_pressed(self) -> None:
        sentence = "The console of web-01 opens when you press the button on its page."
        await self.open(answers=[Refuse(4120, sentence), Show()])
        await self.until(STATE, "ended")

        self.assertEqual(await self.text("headline"), "Open this console?")
        told = "The console of web-01 opens when you press the button."
        self.assertEqual(await self.text("reason"), told)
        self.assertEqual(await self.text("reconnect"), "Open the console")
        self.assertEqual(self.gateway.consoles[0].confirmed, "")
        await deferToThread(time.sleep, 1.5)
        self.assertEqual(len(self.gateway.consoles), 1)

        await self.click("reconnect")
        await self.until(STATE, "connected")
        self.assertEqual(self.gateway.consoles[1].confirmed, "1")


FAINT = """
    const pixel = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
    const channels = (colour) => {
        pixel.clearRect(0, 0, 1, 1);
        pixel.fillStyle = colour;
        pixel.fillRect(0, 0, 1, 1);
        return [...pixel.getImageData(0, 0, 1, 1).data].map((c) => c / 255);
    };
    const luminance = (colour) => channels(colour).slice(0, 3)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
    const opaque = (colour) => channels(colour)[3] === 1;
    const background = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const { backgroundColor } = getComputedStyle(e);
            if (opaque(backgroundColor)) return backgroundColor;
        }
        return "rgb(255, 255, 255)";
    };
    const faint = [];
    for (const element of document.querySelectorAll("body *")) {
        const text = [...element.childNodes].filter((n) => n.nodeType === 3 && n.data.trim());
        if (!text.length || !element.checkVisibility({visibilityProperty: true})) continue;
        if (element.closest("button:disabled, .visually-hidden, svg, option")) continue;
        const pair = [getComputedStyle(element).color, background(element)].map(luminance);
        const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        if (ratio < 4.5) faint.push(`${text[0].data.trim()}: ${ratio.toFixed(2)}`);
    }
    return faint;
"""
"""Texts whose contrast is below 4.5:1 (WCAG 2.2, success criterion 1.4.3)."""


class ContrastTests(PageTestCase):
    """Every text can be read, in light and dark."""

    async def check(self) -> None:
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await deferToThread(
                self.driver.execute_cdp_cmd, "Emulation.setEmulatedMedia", {"features": features}
            )
            self.assertEqual(await self.js(FAINT), [], scheme)

    async def test_the_toolbar_and_its_menus(self) -> None:
        await self.open_screen("?token=abc")
        await self.click("keys")
        await self.click("[data-hold=ctrl]")
        await self.check()
        await self.click("view")
        await self.check()

    async def test_the_badge_of_a_view(self) -> None:
        await self.open_screen("?token=abc&view_only=1")
        await self.check()

    async def test_notes_in_the_dialogs(self) -> None:
        await self.open_screen()
        await self.click("open-typing")
        await self.write("typing-text", "grün")
        await self.check()
        await self.click("typing-cancel")
        await self.click("open-clipboard")
        await self.check()

    async def test_the_card(self) -> None:
        await self.open(answers=[Close(4113, "The console service is restarting.")])
        await self.until(STATE, "waiting")
        await self.check()
