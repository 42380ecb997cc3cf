"""The page moves to another gateway: what its user sees, types and keeps."""

from __future__ import annotations

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from twisted.internet.threads import deferToThread

from tests.components.chromium import PIXEL, STATE
from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import Answer, Close, Console, Refuse, Show

STOP = """
    const stop = document.querySelector("#stop");
    stop.checkVisibility() && stop.click();
"""
"""The button is there while the page waits; it tries again after a moment."""

SHIFT, CONTROL = 0xFFE1, 0xFFE3
WATCH = """
    window.seen = [];
    const note = document.querySelector("#moving"), card = document.querySelector("#overlay");
    const look = () => window.seen.push(
        [document.body.dataset.state, note.checkVisibility(), card.checkVisibility()]
    );
    new MutationObserver(look).observe(document.body, {attributeFilter: ["data-state"]});
    window.picture = null;
    new MutationObserver(() => {
        const still = document.querySelector("#still")?.getContext("2d");
        window.picture ??= still && [...still.getImageData(5, 5, 1, 1).data].slice(0, 3);
    }).observe(document.querySelector("#port"), {childList: true});
"""
"""The move may be over before a slow machine has looked at it from outside."""


def strokes(text: str) -> list[tuple[int, bool]]:
    return [(ord(character), down) for character in text for down in (True, False)]


class MovingTests(PageTestCase):
    async def leave(self, console: Console, *answers: Answer) -> None:
        """Send the page elsewhere, where it finds these answers."""
        self.gateway.answers = [Show()] * len(self.gateway.consoles) + list(answers)
        console.move()

    async def arrive(self, consoles: int = 2) -> Console:
        """Wait until the page is connected again."""
        await self.until_here(lambda: len(self.gateway.consoles), consoles)
        await self.until(STATE, "connected")
        return self.gateway.consoles[-1]

    async def test_a_move_shows_a_note_and_never_the_card(self) -> None:
        console = await self.open_screen()
        await self.until(PIXEL, [30, 160, 90])
        await self.js(WATCH)

        await self.leave(console, Show((200, 40, 40)))
        await self.arrive()

        await self.until(PIXEL, [200, 40, 40])
        self.assertEqual(
            await self.js("return window.seen"),
            [["moving", True, False], ["moving", True, False], ["connected", False, False]],
        )
        self.assertEqual(await self.js("return window.picture"), [30, 160, 90])

    async def test_a_page_that_is_sent_away_moves_as_well(self) -> None:
        console = await self.open_screen()
        self.gateway.answers = [Show(), Show((200, 40, 40))]
        await self.js(WATCH)

        console.end(4116, "The console moves to another server of the console service.")
        await self.arrive()

        await self.until(PIXEL, [200, 40, 40])
        self.assertEqual((await self.js("return window.seen"))[0], ["moving", True, False])

    async def test_the_screen_has_the_keyboard_focus_again(self) -> None:
        console = await self.open_screen()

        await self.leave(console, Show())
        moved = await self.arrive()
        await self.type("a")

        await self.until_here(lambda: moved.keys, strokes("a"))

    async def test_what_is_typed_meanwhile_arrives_in_order_and_once(self) -> None:
        console = await self.open_screen()
        await self.type("abc")
        await self.until_here(lambda: console.keys, strokes("abc"))

        await self.leave(console, Close(0), Show())
        await self.until(STATE, "moving")
        await self.type("defgh")
        moved = await self.arrive(3)
        await self.type("ij")

        await self.until_here(lambda: moved.keys, strokes("defghij"))
        self.assertEqual(console.keys, strokes("abc"))

    async def test_a_modifier_that_stays_down_is_pressed_again(self) -> None:
        console = await self.open_screen()
        await deferToThread(ActionChains(self.driver).key_down(Keys.SHIFT).perform)
        await self.until_here(lambda: console.keys, [(SHIFT, True)])

        await self.leave(console, Show())
        moved = await self.arrive()
        await deferToThread(ActionChains(self.driver).key_up(Keys.SHIFT).perform)

        await self.until_here(lambda: moved.keys, [(SHIFT, True), (SHIFT, False)])

    async def test_a_modifier_held_by_the_toolbar_stays_held(self) -> None:
        console = await self.open_screen()
        await self.click("keys")
        await self.click("[data-hold=ctrl]")
        await self.click("keys")

        await self.leave(console, Show())
        moved = await self.arrive()

        await self.until_here(lambda: moved.keys, [(CONTROL, True)])
        pressed = 'return document.querySelector("[data-hold=ctrl]").ariaPressed'
        self.assertEqual(await self.js(pressed), "true")

    async def test_a_text_that_is_being_typed_goes_on(self) -> None:
        console = await self.open_screen()
        text = "0123456789" * 4
        await self.click("open-typing")
        await self.write("typing-text", text)
        await self.click("typing-start")
        await self.until_here(lambda: len(console.keys) > 10, True)

        await self.leave(console, Show())
        moved = await self.arrive()

        await self.until_here(lambda: console.keys + moved.keys, strokes(text))

    async def test_what_an_on_screen_keyboard_writes_meanwhile_arrives(self) -> None:
        console = await self.open_screen()
        await self.js('document.querySelector("#soft-field").focus()')
        await self.type("ab")
        await self.until_here(lambda: console.keys, strokes("ab"))

        await self.leave(console, Close(0), Show())
        await self.until(STATE, "moving")
        await self.type("cd")
        moved = await self.arrive(3)
        await self.type("e")

        await self.until_here(lambda: moved.keys, strokes("cde"))

    async def test_an_open_dialog_stays_open_with_its_text(self) -> None:
        console = await self.open_screen()
        await self.click("open-typing")
        await self.write("typing-text", "half of a sen")

        await self.leave(console, Show())
        await self.arrive()
        await self.type("tence")

        value = 'return document.querySelector("#typing-text").value'
        self.assertEqual(await self.js(value), "half of a sentence")

    async def test_the_place_that_is_scrolled_to_stays(self) -> None:
        await deferToThread(self.driver.set_window_size, 500, 180)
        console = await self.open_screen("?token=abc&resize=off")
        place = 'return document.querySelector("#screen").firstElementChild.scrollTop'
        scroll = 'document.querySelector("#screen").firstElementChild.scrollTo(0, 9)'
        await self.js('document.querySelector("#stage").style.maxHeight = "30px"')
        await self.js(scroll)
        self.assertEqual(await self.js(place), 9)

        await self.leave(console, Show())
        await self.arrive()

        self.assertEqual(await self.js(place), 9)

    async def test_a_move_that_fails_becomes_the_usual_offer(self) -> None:
        console = await self.open_screen()

        await self.leave(console, Refuse(4004, "The machine was deleted."))
        await self.until(STATE, "ended")

        self.assertEqual(await self.text("reason"), "The machine was deleted.")
        self.assertFalse(await self.visible("moving"))
        self.assertFalse(await self.visible("unsent"))

    async def test_its_user_can_disconnect_meanwhile(self) -> None:
        console = await self.open_screen()
        await self.leave(console, *([Close(0)] * 40))
        await self.until(STATE, "moving")

        await self.click("disconnect")

        await self.until(STATE, "ended")
        self.assertEqual(await self.text("headline"), "Disconnected")
        before = len(self.gateway.consoles)
        await self.js("return new Promise((resume) => setTimeout(resume, 1000))")
        self.assertEqual(len(self.gateway.consoles), before)

    async def test_keys_that_were_not_sent_are_told_of(self) -> None:
        console = await self.open_screen()
        await self.leave(console, *([Close(0)] * 2), Refuse(4004, "The machine was deleted."))
        await self.until(STATE, "moving")
        await self.type("x")
        await self.until(STATE, "ended")

        self.assertEqual(await self.text("unsent"), "What you typed since then has not been sent.")

    async def test_a_gateway_that_stays_away_is_waited_for_with_the_card(self) -> None:
        console = await self.open_screen()
        restarting = Refuse(4113, "The console service is restarting.")
        await self.leave(console, *([restarting] * 10))
        await self.until(STATE, "waiting")

        self.assertTrue(await self.visible("overlay"))
        self.assertFalse(await self.visible("moving"))
        await self.until(STOP + STATE, "ended")
