"""What the page tells of its session, and what it remembers of its user's choices."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread

from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import ABOUT, Close, Console, Show

QUALITY, COMPRESSION = -32, -256
"""The first of the pseudo-encodings that stand for levels (noVNC's core/encodings.js)."""

TEXT = "return document.querySelector('#{}').textContent"
COUNT_LOCKS = """
    window.locks = 0;
    navigator.wakeLock.request = async () => {
        locks += 1;
        return { released: false, release() { locks -= 1; this.released = true; } };
    };
"""
LEAVE = "return !dispatchEvent(new Event('beforeunload', {cancelable: true}))"


def levels(encodings: tuple[int, ...]) -> tuple[int, int]:
    """Return the quality and the compression that a list of encodings asks for."""
    [quality] = [each - QUALITY for each in encodings if 0 <= each - QUALITY <= 9]
    [compression] = [each - COMPRESSION for each in encodings if 0 <= each - COMPRESSION <= 9]
    return quality, compression


class SessionTests(PageTestCase):
    async def pick(self, name: str, value: str) -> None:
        await self.js(f"document.querySelector('[name={name}][value={value}]').click()")

    async def until_levels(self, console: Console, *expected: int) -> None:
        await self.until_here(lambda: levels(console.encodings[-1]), expected)

    async def reopen(self, **about: Any) -> Console:
        self.gateway.about = {**ABOUT, **about}
        return await self.open_screen()

    async def test_a_panel_tells_of_connection_and_policy_in_words(self) -> None:
        await self.open_screen()
        await self.click("about")
        for row, words in (
            ("session", ABOUT["session"]),
            ("mode", "Keyboard and mouse"),
            ("clipboard", "In both directions, up to 2.0 kB"),
            ("sharing", "Others may be here, too"),
            ("recorded", "This session is recorded"),
            ("left", "60 minutes"),
            ("idle", "Closes after 10 minutes without any change"),
            ("encoding", "Raw"),
        ):
            await self.until(TEXT.format(f"about-{row}"), words)
        await self.until(
            "return /^\\d+ ms$/.test(document.querySelector('#about-round-trip').textContent)", True
        )
        self.assertFalse(await self.visible("about-bandwidth"))
        await self.click("copy-session")
        await self.until(TEXT.format("copied-session"), "Copied.")

    async def test_a_recorded_session_has_a_badge_and_tells_when_that_ends(self) -> None:
        console = await self.open_screen()
        self.assertFalse(await self.visible("recorded"))
        console.say("recording", on=True)
        await self.until(TEXT.format("recorded"), "Recorded")
        self.assertTrue(await self.visible("recorded"))
        console.say("recording", on=False)
        await self.until(TEXT.format("recorded"), "")
        self.assertIn("This session is not recorded any more.", await self.text("notices"))

    async def test_the_end_of_a_session_shows_its_id(self) -> None:
        console = await self.open_screen()
        await self.until(
            "return document.querySelector('#about-session').textContent", ABOUT["session"]
        )
        console.end(4010, "An administrator closed this console.")
        await self.until("return document.body.dataset.state", "ended")
        self.assertEqual(await self.text("session-id"), f"Session {ABOUT['session']}")

        await self.open("?token=abc", [Close(4100, "It is off. (id 77aa)")])
        await self.until("return document.body.dataset.state", "ended")
        self.assertFalse(await self.visible("session-id"))

    async def test_the_quality_is_chosen_and_remembered_for_each_machine(self) -> None:
        console = await self.open_screen()
        await self.until_levels(console, 6, 2)
        await self.pick("picture", "small")
        await self.until_levels(console, 2, 9)
        await self.pick("scaling", "actual")

        console = await self.reopen(machine="another")
        await self.pick("picture", "sharp")
        await self.until_levels(console, 9, 2)
        await self.pick("scaling", "fit")

        console = await self.reopen()
        await self.until_levels(console, 2, 9)
        await self.until("return document.querySelector('[name=scaling]:checked').value", "actual")
        await self.js("localStorage.clear()")

    async def test_a_quality_in_the_link_is_kept(self) -> None:
        console = await self.open_screen("?token=abc&quality=3&compression=4")
        await self.until_levels(console, 3, 4)

    async def test_the_automatic_quality_asks_for_less_where_the_connection_is_full(self) -> None:
        console = await self.open_screen()
        painting = LoopingCall(lambda: console.paint(Show().colour))
        self.addCleanup(painting.stop)
        painting.start(0.05)
        await self.until(
            "return document.querySelector('[name=picture]:checked').value", "automatic"
        )
        await self.until_here(lambda: console.pings >= 1, True)
        self.gateway.ping_time = 0.8
        await self.until_levels(console, 5, 5)

    async def test_leaving_by_accident_is_asked_about_while_the_console_is_open(self) -> None:
        console = await self.open_screen()
        self.assertTrue(await self.js(LEAVE))
        console.end(4010)
        await self.until("return document.body.dataset.state", "ended")
        self.assertFalse(await self.js(LEAVE))

        await self.open_screen("?token=abc&view_only=true")
        self.assertFalse(await self.js(LEAVE))

    async def test_another_link_in_the_same_tab_is_followed_without_a_question(self) -> None:
        await self.open_screen("#token=abc")
        await self.js(
            "addEventListener('beforeunload', (event) => {"
            " sessionStorage.asked = event.defaultPrevented; })"
        )
        await self.js("location.hash = 'token=other'")
        await self.until_here(lambda: self.gateway.consoles[-1].token, "other")
        self.assertEqual(await self.js("return sessionStorage.asked"), "false")

    async def test_the_screen_does_not_sleep_while_the_user_controls_the_machine(self) -> None:
        cdp = self.driver.execute_cdp_cmd
        added = await deferToThread(
            cdp, "Page.addScriptToEvaluateOnNewDocument", {"source": COUNT_LOCKS}
        )
        self.addCleanup(deferToThread, cdp, "Page.removeScriptToEvaluateOnNewDocument", added)

        console = await self.open_screen()
        await self.until("return locks", 1)
        console.restrict()
        await self.until("return locks", 0)

        console = await self.open_screen()
        await self.until("return locks", 1)
        console.end(4010)
        await self.until("return locks", 0)
