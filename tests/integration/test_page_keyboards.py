"""Keys beside a keyboard: on-screen ones, pinned menus, input methods, a locked pointer."""

from __future__ import annotations

from typing import Any

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from twisted.internet.threads import deferToThread

from tests.components.page_case import PageTestCase
from tests.integration.test_page_keys import ALT, BACKSPACE, CONTROL, DELETE, strokes

ESCAPE, UP, F2, F12, KEYPAD_7, HOME = 0xFF1B, 0xFF52, 0xFFBF, 0xFFC9, 0xFFB7, 0xFF50
PHONE = {"width": 390, "height": 700, "deviceScaleFactor": 2, "mobile": True}


class KeyboardTests(PageTestCase):
    async def cdp(self, command: str, **members: Any) -> None:
        await deferToThread(self.driver.execute_cdp_cmd, command, members)

    async def become_a_phone(self) -> None:
        await self.cdp("Emulation.setDeviceMetricsOverride", **PHONE)
        await self.cdp("Emulation.setTouchEmulationEnabled", enabled=True)
        clear = self.driver.execute_cdp_cmd
        self.addCleanup(deferToThread, clear, "Emulation.clearDeviceMetricsOverride", {})
        off = {"enabled": False}
        self.addCleanup(deferToThread, clear, "Emulation.setTouchEmulationEnabled", off)

    async def press(self, chord: str, place: str = "#keys-menu") -> None:
        await self.click(f'[id="{place[1:]}"] [data-chord="{chord}"]')

    async def test_the_menu_has_the_keys_of_a_keyboard_and_stays_open_while_it_is_pinned(
        self,
    ) -> None:
        console = await self.open_screen()
        await self.click("keys")
        await self.click("pin-keys")
        for chord in ("up", "delete", "backspace", "f12", "kp7"):
            await self.press(chord)
        await self.until_here(lambda: console.keys, strokes(UP, DELETE, BACKSPACE, F12, KEYPAD_7))
        is_open = "return document.querySelector('#keys-menu').matches(':popover-open')"
        await self.js("document.querySelector('#screen canvas').focus()")
        await self.type("a")
        await self.until_here(lambda: console.keys[-2:], strokes(ord("a")))
        self.assertTrue(await self.js(is_open))

        await self.click("pin-keys")
        await self.press("escape")
        await self.until(is_open, False)
        await self.until_here(lambda: console.keys[-2:], strokes(ESCAPE))

    async def test_a_phone_has_keys_above_its_keyboard_which_keep_it_open(self) -> None:
        await self.become_a_phone()
        console = await self.open_screen()
        self.assertFalse(await self.visible("key-bar"))
        await self.click("soft-keyboard")
        await self.until("return document.querySelector('#key-bar').hidden", False)

        await self.press("escape", "#key-bar")
        await self.press("up", "#key-bar")
        swipe = "document.querySelector('#key-bar').scrollTo({left: 390})"
        await self.js(swipe)
        await self.press("f2", "#key-bar")
        await self.until_here(lambda: console.keys, strokes(ESCAPE, UP, F2))
        self.assertEqual(await self.js("return document.activeElement.id"), "soft-field")

        await self.js("document.activeElement.blur()")
        await self.until("return document.querySelector('#key-bar').hidden", True)

    async def test_a_modifier_of_a_phone_is_held_for_one_key(self) -> None:
        await self.become_a_phone()
        console = await self.open_screen()
        await self.click("soft-keyboard")
        await self.click('[data-once="ctrl"]')
        await self.click('[data-once="alt"]')
        pressed = "return document.querySelector('[data-once=ctrl]').ariaPressed"
        self.assertEqual(await self.js(pressed), "true")
        await self.type("c", "d")
        held = [(CONTROL, True), (ALT, True)]
        released = [(CONTROL, False), (ALT, False)]
        expected = [*held, *strokes(ord("c")), *released, *strokes(ord("d"))]
        await self.until_here(lambda: console.keys, expected)
        self.assertEqual(await self.js(pressed), "false")

    async def test_a_key_repeats_while_its_button_is_held(self) -> None:
        await self.become_a_phone()
        console = await self.open_screen()
        await self.click("soft-keyboard")
        find = self.driver.find_element
        up = await deferToThread(find, By.CSS_SELECTOR, '#key-bar [data-chord="up"]')
        await deferToThread(ActionChains(self.driver).click_and_hold(up).perform)
        await self.until_here(lambda: len(console.keys) >= 6, True)
        await deferToThread(ActionChains(self.driver).release().perform)
        self.assertEqual(console.keys[:6], strokes(UP, UP, UP))

    async def test_an_input_method_composes_text(self) -> None:
        console = await self.open_screen()
        await self.click("keys")
        await self.click("compose")
        self.assertTrue(await self.visible("soft-field"))
        await self.cdp("Input.imeSetComposition", text="に", selectionStart=1, selectionEnd=1)
        await self.cdp("Input.insertText", text="日本")
        await self.until_here(
            lambda: console.keys[-4:], strokes(0x01000000 + ord("日"), 0x01000000 + ord("本"))
        )
        await self.type(Keys.HOME)
        await self.until_here(lambda: console.keys[-2:], strokes(HOME))
        chord = ActionChains(self.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL)
        await deferToThread(chord.perform)
        expected = [(CONTROL, True), *strokes(ord("a")), (CONTROL, False)]
        await self.until_here(lambda: console.keys[-4:], expected)

        await self.js("document.activeElement.blur()")
        self.assertFalse(await self.visible("soft-field"))

    async def test_a_locked_pointer_reaches_the_edge_and_does_not_leave(self) -> None:
        console = await self.open_screen()
        await self.click("view")
        await self.click("lock-pointer")
        await self.until("return document.pointerLockElement !== null", True)
        for place in ((1090, 640), (600, 300), (5, 5)):
            await self.cdp("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
        await self.until_here(lambda: console.pointers[-1:], [(0, 0, 0)])
        await deferToThread(ActionChains(self.driver).click().perform)
        await self.until_here(lambda: console.pointers[-2:], [(1, 0, 0), (0, 0, 0)])
        await self.js("document.exitPointerLock()")
        await self.until("return document.querySelector('#pointer')", None)
