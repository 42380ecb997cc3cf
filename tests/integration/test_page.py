"""The console page in a real browser, against a scripted RFB server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.components.chromium import PIXEL, STATE, browser
from tests.components.page_stand_in import Answer, Close, Console, Gateway, Refuse, Show
from vncproxy.web.install import install

TIME_LIMIT = 60.0
SHIFT, RETURN, TAB, BACKSPACE = 0xFFE1, 0xFF0D, 0xFF09, 0xFF08
CONTROL, ALT, DELETE = 0xFFE3, 0xFFE9, 0xFFFF

REMEMBER_COUNTDOWNS = """
    window.told = [];
    const countdown = document.querySelector("#countdown");
    new MutationObserver(() => {
        if (countdown.textContent && countdown.checkVisibility())
            window.told.push([document.body.dataset.state, countdown.textContent]);
    }).observe(countdown, {childList: true, characterData: true, subtree: true});
"""
"""The wait may be over before a slow machine has looked at it from outside."""

STOP_WHEN_WAITING = """
    const stop = document.querySelector("#stop");
    if (document.body.dataset.state !== "waiting" || !stop.checkVisibility()) return false;
    stop.click();
    return true;
"""


BLOCKED_SHOWN = """
    return document.querySelector("#blocked").checkVisibility({visibilityProperty: true});
"""
BLOCKED_TOLD = """
    return performance.getEntriesByType("resource").some((e) => e.name.endsWith("/blocked.svg"));
"""


def until(get: Callable[[], Any], expected: Any) -> None:
    """Wait, in a thread, until `get` returns `expected`; raise what it returned instead."""
    limit = time.monotonic() + TIME_LIMIT
    while (value := get()) != expected:
        if time.monotonic() > limit:
            raise AssertionError(f"{value!r} instead of {expected!r}")
        time.sleep(0.02)


def strokes(*keysyms: int) -> list[tuple[int, bool]]:
    """Return the events of keys that are pressed and released one after the other."""
    return [(keysym, down) for keysym in keysyms for down in (True, False)]


def shifted(character: str) -> list[tuple[int, bool]]:
    """Return the events of a key with Shift."""
    return [(SHIFT, True), *strokes(ord(character)), (SHIFT, False)]


class PageTestCase(TestCase):
    """Opens the page of a stand-in gateway, and looks at it from a thread."""

    timeout = 300
    prefix = "/"

    async def setUp(self) -> None:  # type: ignore[override]
        await deferToThread(install)
        from twisted.internet import reactor

        self.gateway = Gateway()
        self.running = self.gateway.listen(reactor, self.prefix)
        self.driver = await deferToThread(browser)
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


class ScreenTests(PageTestCase):
    """The guest's screen and name."""

    async def test_shows_the_guests_pixels(self) -> None:
        await self.open_screen()
        await self.until(PIXEL, [30, 160, 90])

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


class KeyTests(PageTestCase):
    """What arrives at the guest's keyboard and clipboard."""

    async def test_a_typed_key_arrives(self) -> None:
        console = await self.open_screen()
        await self.type("a")
        await self.until_here(lambda: console.keys, strokes(ord("a")))

    async def test_ctrl_alt_del_is_pressed_in_order_and_released_in_reverse(self) -> None:
        console = await self.open_screen()
        await self.click("ctrl-alt-del")
        pressed = [CONTROL, ALT, DELETE]
        expected = [(k, True) for k in pressed] + [(k, False) for k in reversed(pressed)]
        await self.until_here(lambda: console.keys, expected)

    async def test_a_terminal_is_switched(self) -> None:
        console = await self.open_screen()
        await self.click("keys")
        await self.click('[data-chord="ctrl alt f2"]')
        pressed = [CONTROL, ALT, 0xFFBF]
        expected = [(k, True) for k in pressed] + [(k, False) for k in reversed(pressed)]
        await self.until_here(lambda: console.keys, expected)

    async def test_a_held_key_stays_down_for_the_keys_that_follow(self) -> None:
        console = await self.open_screen()
        await self.click("keys")
        await self.click("[data-hold=alt]")
        await self.click('[data-chord="tab"]')
        await self.click("keys")
        await self.click("[data-hold=alt]")
        await self.until_here(lambda: console.keys, [(ALT, True), *strokes(TAB), (ALT, False)])

    async def test_a_chord_leaves_down_what_is_held(self) -> None:
        console = await self.open_screen()
        await self.click("keys")
        await self.click("[data-hold=ctrl]")
        await self.click('[data-chord="ctrl alt delete"]')
        self.assertEqual(await self.pressed("ctrl"), "true")
        held = [(CONTROL, True)]
        chord = [(ALT, True), (DELETE, True), (DELETE, False), (ALT, False)]
        await self.until_here(lambda: console.keys, [*held, *chord])

        await self.click("keys")
        await self.click("[data-hold=ctrl]")
        await self.until_here(lambda: console.keys, [*held, *chord, (CONTROL, False)])

    async def test_a_key_of_the_keyboard_releases_the_held_one(self) -> None:
        console = await self.open_screen()
        await self.click("keys")
        await self.click("[data-hold=ctrl]")
        await self.click("keys")
        await self.js("document.querySelector('#screen canvas').focus()")
        keys = ActionChains(self.driver).key_down(Keys.LEFT_CONTROL).key_up(Keys.LEFT_CONTROL)
        await deferToThread(keys.perform)

        await self.until_here(lambda: console.keys[-1:], [(CONTROL, False)])
        self.assertEqual(await self.pressed("ctrl"), "false")

    async def pressed(self, name: str) -> str:
        found = await self.js(f"return document.querySelector('[data-hold={name}]').ariaPressed")
        return str(found)

    async def test_text_is_typed_as_on_a_us_keyboard(self) -> None:
        console = await self.open_screen()
        await self.click("open-typing")
        await self.js("document.querySelector('#typing-text').value = 'aB!\\r\\n\\té€\\u{1f600}'")
        await self.js("document.querySelector('#typing-text').dispatchEvent(new Event('input'))")
        await self.click("typing-start")
        plain = strokes(RETURN, TAB, 0xE9, 0x010020AC, 0x0101F600)
        expected = [*strokes(ord("a")), *shifted("B"), *shifted("!"), *plain]
        await self.until_here(lambda: console.keys, expected)
        await self.until("return document.querySelector('#typing').open", False)

    async def test_typing_tells_what_a_us_keyboard_lacks(self) -> None:
        await self.open_screen()
        await self.click("open-typing")
        await self.write("typing-text", "grün")
        self.assertIn("ü", await self.text("typing-note"))

    async def test_escape_stops_the_typing(self) -> None:
        console = await self.open_screen()
        await self.click("open-typing")
        await self.write("typing-text", "x" * 2000)
        await self.click("typing-start")
        await self.until_here(lambda: len(console.keys) > 10, True)
        await self.type(Keys.ESCAPE)
        await self.until("return document.querySelector('#typing').open", False)
        await self.until("return document.activeElement.tagName", "CANVAS")
        await self.type("b")
        await self.until_here(lambda: strokes(ord("b"))[1] in console.keys, True)
        await deferToThread(time.sleep, 0.3)
        self.assertEqual(console.keys[-2:], strokes(ord("b")))
        self.assertEqual(console.keys[:-2], strokes(*[ord("x")] * (len(console.keys) // 2 - 1)))
        self.assertLess(len(console.keys), 4000)

    async def test_the_on_screen_keyboard_types_and_corrects(self) -> None:
        console = await self.open_screen()
        await self.js("document.querySelector('#soft-field').focus()")
        await self.type("te", Keys.BACKSPACE, "S")
        await self.until_here(
            lambda: console.keys, [*strokes(ord("t"), ord("e"), BACKSPACE), *shifted("S")]
        )

    async def test_ctrl_alt_shift_leaves_the_screen(self) -> None:
        await self.open_screen()
        await self.type("a", Keys.CONTROL, Keys.ALT, Keys.SHIFT)
        await self.until("return document.activeElement.id", "ctrl-alt-del")

    async def test_keys_do_not_stay_down_when_the_screen_loses_the_focus(self) -> None:
        console = await self.open_screen()
        await deferToThread(ActionChains(self.driver).key_down(Keys.CONTROL).perform)
        await self.until_here(lambda: console.keys, [(CONTROL, True)])
        await self.js("document.querySelector('#disconnect').focus()")
        await self.until_here(lambda: console.keys, [(CONTROL, True), (CONTROL, False)])
        await deferToThread(ActionChains(self.driver).key_up(Keys.CONTROL).perform)

    async def test_tab_leads_from_the_toolbar_to_the_screen(self) -> None:
        await self.open_screen()
        await self.js("document.querySelector('#disconnect').focus()")
        await self.type(Keys.TAB)
        await self.until("return document.activeElement.tagName", "CANVAS")

    async def test_the_clipboard_goes_both_ways(self) -> None:
        console = await self.open_screen()
        console.copy("from the guest")
        value = "return document.querySelector('#clipboard-text').value"
        await self.until(value, "from the guest")
        await self.click("open-clipboard")
        await self.write("clipboard-text", "to the guest")
        await self.click("clipboard-send")
        await self.until_here(lambda: console.pasted, ["to the guest"])

    async def test_view_only_is_shown_and_sends_nothing(self) -> None:
        console = await self.open_screen("?token=abc&view_only=true")
        self.assertTrue(await self.visible("view-only"))
        self.assertFalse(await self.visible("ctrl-alt-del"))
        await self.type("a")
        await deferToThread(time.sleep, 0.2)
        self.assertEqual(console.keys, [])


class EndTests(PageTestCase):
    """How the page tells the end, and when it reconnects."""

    async def assert_ended(self, code: int, reason: str, reconnect: bool) -> None:
        await self.until(STATE, "ended")
        self.assertEqual(await self.js("return document.body.dataset.closeCode"), str(code))
        self.assertEqual(await self.text("reason"), reason)
        self.assertEqual(await self.visible("reconnect"), reconnect)

    async def test_a_refused_token_is_final(self) -> None:
        reason = "This link has expired; ask for a new one."
        await self.open(answers=[Refuse(4001, reason)])
        await self.assert_ended(4001, reason, reconnect=False)

    async def test_a_machine_that_is_off_can_be_tried_again_by_hand(self) -> None:
        await self.open(answers=[Refuse(4100, "The machine is shut off."), Show()])
        await self.assert_ended(4100, "The machine is shut off.", reconnect=True)
        await self.click("reconnect")
        await self.until(PIXEL, [30, 160, 90])

    async def test_a_hypervisor_that_refuses_is_not_called_silent(self) -> None:
        reason = "The hypervisor refused the connection to the console."
        await self.open(answers=[Refuse(4101, reason)])
        await self.assert_ended(4101, reason, reconnect=True)
        self.assertEqual(await self.text("headline"), "The hypervisor shows no console")

    async def test_an_administrators_end_is_final(self) -> None:
        console = await self.open_screen()
        console.end(4010, "Closed for maintenance.")
        await self.assert_ended(4010, "Closed for maintenance.", reconnect=False)

    async def test_an_idle_console_waits_for_the_user(self) -> None:
        console = await self.open_screen()
        console.end(4112, "Nothing happened for 15 minutes.")
        await self.assert_ended(4112, "Nothing happened for 15 minutes.", reconnect=True)

    async def test_a_console_that_another_tab_has_waits_for_the_user(self) -> None:
        console = await self.open_screen()
        console.end(4114, "It was opened in another tab.")
        await self.assert_ended(4114, "It was opened in another tab.", reconnect=True)

    async def test_two_tabs_that_reconnect_do_not_fight(self) -> None:
        console = await self.open_screen()
        console.end(4103, "The machine ended its console.")
        self.gateway.answers = [Refuse(4114, "It was opened in another tab.")]
        await self.assert_ended(4114, "It was opened in another tab.", reconnect=True)

    async def test_a_gateway_that_cannot_be_reached_is_told(self) -> None:
        await self.open(answers=[Close(0)])
        await self.until(STATE, "ended")
        self.assertEqual(await self.text("headline"), "Cannot reach the console gateway")
        self.assertTrue(await self.visible("reconnect"))

    async def test_disconnecting_offers_to_reconnect(self) -> None:
        await self.open_screen()
        await self.click("disconnect")
        await self.until(STATE, "ended")
        self.assertEqual(await self.text("headline"), "Disconnected")
        self.assertTrue(await self.visible("reconnect"))

    async def test_a_reboot_is_waited_through(self) -> None:
        answers: list[Answer] = [Show(), Refuse(4100, "Not running."), Show((200, 40, 40))]
        console = await self.open_screen()
        self.gateway.answers = answers
        await self.js(REMEMBER_COUNTDOWNS)
        console.end(4103, "The machine ended its console.")
        await self.until(PIXEL, [200, 40, 40])
        told = await self.js("return window.told")
        self.assertEqual({state for state, _ in told}, {"waiting"})
        self.assertIn("Reconnecting in", told[0][1])
        self.assertEqual(len(self.gateway.consoles), 3)

    async def test_a_lost_connection_comes_back(self) -> None:
        console = await self.open_screen()
        console.end(0)
        await self.until_here(lambda: len(self.gateway.consoles), 2)
        await self.until(STATE, "connected")

    async def test_reconnecting_stops_at_a_final_refusal(self) -> None:
        console = await self.open_screen()
        self.gateway.answers = [Refuse(4004, "The machine was deleted.")]
        console.end(4103)
        await self.assert_ended(4004, "The machine was deleted.", reconnect=False)

    async def test_reconnecting_can_be_stopped(self) -> None:
        console = await self.open_screen()
        self.gateway.answers = [Refuse(4100, "Not running.")]
        console.end(4103, "The machine ended its console.")
        await self.until_here(lambda: len(self.gateway.consoles) > 1, True)
        await self.until(STOP_WHEN_WAITING, True)
        await self.assert_ended(4100, "Not running.", reconnect=True)

    async def test_page_of_a_busy_gateway_opens_by_itself(self) -> None:
        await self.open(answers=[Refuse(4115, "The console service is busy."), Show()])
        await self.until(STATE, "connected")
        self.assertEqual(len(self.gateway.consoles), 2)

    async def test_pages_come_back_at_moments_of_their_own_and_not_for_ever(self) -> None:
        await self.open("")
        await self.until(STATE, "ended")
        found = await deferToThread(
            self.driver.execute_async_script,
            """
            const done = arguments[0];
            import(new URL("static/lifecycle.js", location.href)).then(({ begin, next }) => {
                const delays = (random, code) => {
                    const ending = { code, again: "alone" };
                    let now = 1e6, found = [];
                    let state = next(begin(), { type: "closed", now, random, ending });
                    while (state.name === "waiting") {
                        found.push((state.until - now) / 1000);
                        now = state.until;
                        state = next(state, { type: "retry", now });
                        state = next(state, { type: "closed", now, random, ending });
                    }
                    return [found.slice(0, 4), found.length];
                };
                done([delays(0.5, 4113), delays(0.25, 4115), delays(0, 4115)]);
            });
            """,
        )
        self.assertEqual(found, [[[0.5, 1, 2, 4], 11], [[1, 2, 4, 8], 12], [[0, 0, 0, 0], 12]])

    async def test_reconnecting_slows_down_and_gives_up_within_two_minutes(self) -> None:
        await self.open("")
        await self.until(STATE, "ended")
        delays = await deferToThread(
            self.driver.execute_async_script,
            """
            const done = arguments[0];
            import(new URL("static/lifecycle.js", location.href)).then(({ begin, next }) => {
                const lost = { code: 4103, again: "alone" }, off = { code: 4100, again: "byHand" };
                let now = 1e6, delays = [];
                let state = next(begin(), { type: "connected", now });
                state = next(state, { type: "closed", now: now += 60000, ending: lost });
                while (state.name === "waiting") {
                    delays.push((state.until - now) / 1000);
                    now = state.until;
                    state = next(state, { type: "retry", now });
                    state = next(state, { type: "closed", now, ending: off });
                }
                done([delays, state.name, state.gaveUp]);
            });
            """,
        )
        self.assertEqual(delays, [[1, 2, 4, 8, 16, 32, 32], "ended", True])


class ConfirmTests(PageTestCase):
    """A link that asks before it is used."""

    async def test_the_page_waits_for_its_button_and_says_that_it_was_pressed(self) -> None:
        sentence = "The console of web-01 opens when you press the button on its page."
        await self.open(answers=[Refuse(4120, sentence), Show()])
        await self.until(STATE, "ended")

        self.assertEqual(await self.text("headline"), "Open this console?")
        self.assertEqual(await self.text("reason"), sentence)
        self.assertEqual(await self.text("reconnect"), "Open the console")
        self.assertEqual(self.gateway.consoles[0].confirmed, "")
        await deferToThread(time.sleep, 1.5)
        self.assertEqual(len(self.gateway.consoles), 1)

        await self.click("reconnect")
        await self.until(STATE, "connected")
        self.assertEqual(self.gateway.consoles[1].confirmed, "1")


class HindranceTests(PageTestCase):
    """What keeps a browser from its console, and what the page says of it."""

    async def test_a_script_that_does_not_run(self) -> None:
        await self.open("blocked?token=abc")
        self.assertFalse(await self.visible("blocked"))

        await self.until(
            BLOCKED_SHOWN,
            True,
        )
        self.assertIn("its script did not run", await self.text("blocked"))
        self.assertFalse(await self.visible("headline"))
        await self.until(
            BLOCKED_TOLD,
            True,
        )

    async def test_a_script_that_runs_leaves_no_trace_of_it(self) -> None:
        await self.open_screen()

        self.assertEqual(
            await self.js("return getComputedStyle(document.querySelector('#blocked')).display"),
            "none",
        )

    async def test_web_sockets_that_a_proxy_drops(self) -> None:
        await self.open("sockets-dropped/?token=abc")
        await self.until(STATE, "ended")

        self.assertEqual(await self.text("headline"), "Web sockets do not get through")
        self.assertIn("a proxy or firewall on the way", await self.text("reason"))
        self.assertEqual(self.gateway.ordinary.asked, 2)

    async def test_a_refusal_before_the_web_socket_is_told(self) -> None:
        words = "Too many requests from your address were refused."
        self.gateway.ordinary.status, self.gateway.ordinary.words = 429, words
        await self.open("sockets-dropped/?token=abc")
        await self.until(STATE, "ended")

        self.assertEqual(await self.text("headline"), "The console cannot be opened now")
        self.assertEqual(await self.text("reason"), words)

    async def test_a_gateway_that_takes_no_connection_is_tried_again(self) -> None:
        words = "Too many connections are open."
        self.gateway.ordinary.status, self.gateway.ordinary.words = 503, words
        await self.open("sockets-dropped/?token=abc")
        await self.until(STATE, "waiting")

        self.assertEqual(await self.text("headline"), "The gateway is busy")
        self.assertEqual(await self.text("reason"), words)

    async def test_cookies_that_are_not_kept(self) -> None:
        sentence = "This console link is not valid any more. Ask for a new one."
        await self.cookies(off=True)
        await self.open(answers=[Refuse(4001, sentence)])
        await self.until(STATE, "ended")
        self.assertIn("This browser keeps no cookies of this page", await self.text("reason"))
        self.assertIn(sentence, await self.text("reason"))

        await self.cookies(off=False)
        await self.open(answers=[Refuse(4001, sentence)])
        await self.until(STATE, "ended")
        self.assertEqual(await self.text("reason"), sentence)

    async def cookies(self, off: bool) -> None:
        command = "Emulation.setDocumentCookieDisabled"
        await deferToThread(self.driver.execute_cdp_cmd, command, {"disabled": off})


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
