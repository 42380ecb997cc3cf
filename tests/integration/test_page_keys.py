"""What arrives at the guest's keyboard and clipboard."""

from __future__ import annotations

import time

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from twisted.internet.threads import deferToThread

from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import Show

SHIFT, RETURN, TAB, BACKSPACE = 0xFFE1, 0xFF0D, 0xFF09, 0xFF08


CONTROL, ALT, ALTGR, DELETE = 0xFFE3, 0xFFE9, 0xFE03, 0xFFFF


def strokes(*keysyms: int) -> list[tuple[int, bool]]:
    """Return the events of keys that are pressed and released one after the other."""
    return [(keysym, down) for keysym in keysyms for down in (True, False)]


def shifted(character: str) -> list[tuple[int, bool]]:
    """Return the events of a key with Shift."""
    return [(SHIFT, True), *strokes(ord(character)), (SHIFT, False)]


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

    async def choose_layout(self, name: str) -> None:
        choose = f"""
            const field = document.querySelector("#typing-layout");
            field.value = "{name}";
            field.dispatchEvent(new Event("change"));
        """
        await self.js(choose)

    async def test_what_the_layout_lacks_is_named_and_left_out(self) -> None:
        console = await self.open_screen()
        await self.click("open-typing")
        await self.choose_layout("de")
        await self.js("document.querySelector('#typing-text').value = 'a\\u200b@\\u2713'")
        await self.js("document.querySelector('#typing-text').dispatchEvent(new Event('input'))")
        note = "return document.querySelector('#typing-note').textContent"
        await self.until(note, "This keyboard layout lacks: U+200B \u2713")
        self.assertEqual(console.keys, [])
        self.assertEqual(await self.text("typing-start"), "Type without them")

        await self.click("typing-start")
        at = [(ALTGR, True), *strokes(ord("@")), (ALTGR, False)]
        await self.until_here(lambda: console.keys, [*strokes(ord("a")), *at])

    async def test_a_password_with_a_character_that_the_layout_lacks_is_not_typed(self) -> None:
        await self.open_screen()
        await self.click("open-typing")
        await self.choose_layout("fr")
        await self.click("typing-hidden")
        await self.write("typing-secret", "\u2713")
        await self.until("return document.querySelector('#typing-note').textContent !== ''", True)
        self.assertNotIn("\u2713", await self.text("typing-note"))
        self.assertTrue(await self.js("return document.querySelector('#typing-start').disabled"))
        kind = "return document.querySelector('#typing-secret').type"
        self.assertEqual(await self.js(kind), "password")
        await self.click("typing-show")
        self.assertEqual(await self.js(kind), "text")

        await self.type(Keys.ESCAPE)
        await self.click("open-typing")
        self.assertEqual(await self.js("return document.querySelector('#typing-secret').value"), "")
        self.assertTrue(await self.visible("typing-text"))

    async def test_a_second_click_and_a_new_connection_start_no_second_text(self) -> None:
        console = await self.open_screen()
        await self.click("open-typing")
        await self.write("typing-text", "x" * 30)
        await self.js("for (let n = 0; n < 3; n++) document.querySelector('#typing-start').click()")
        await self.js("document.querySelector('#typing-layout').dispatchEvent(new Event('change'))")
        await self.until("return document.querySelector('#typing').open", False)
        self.assertEqual(console.keys, strokes(*[ord("x")] * 30))

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
        await self.type("a")
        chord = ActionChains(self.driver)
        for key in (Keys.CONTROL, Keys.ALT, Keys.SHIFT):
            chord.key_down(key)
        for key in (Keys.CONTROL, Keys.ALT, Keys.SHIFT):
            chord.key_up(key)
        await deferToThread(chord.perform)
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

    async def test_a_link_for_watching_is_shown_as_such_and_sends_nothing(self) -> None:
        await self.open("?token=abc", [Show(view_only=True)])
        await self.until("return document.body.dataset.state", "connected")
        self.assertTrue(await self.visible("view-only"))
        self.assertFalse(await self.visible("ctrl-alt-del"))
        await self.type("a")
        await deferToThread(time.sleep, 0.2)
        self.assertEqual(self.gateway.consoles[-1].keys, [])
