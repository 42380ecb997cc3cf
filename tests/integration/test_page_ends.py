"""What the page shows at the end of a session, and when it reconnects."""

from __future__ import annotations

from twisted.internet.threads import deferToThread

from tests.components.chromium import PIXEL, STATE
from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import Answer, Close, Hold, Refuse, Show

REMEMBER_COUNTDOWNS = """
    window.told = [];
    const countdown = document.querySelector("#countdown");
    new MutationObserver(() => {
        if (countdown.textContent && countdown.checkVisibility())
            window.told.push([document.body.dataset.state, countdown.textContent]);
    }).observe(countdown, {childList: true, characterData: true, subtree: true});
"""
"""The wait may be over before a slow machine has looked at it from outside."""


_WAITS = "for", "since"
STOP_WHEN_WAITING = """
    const stop = document.querySelector("#stop");
    if (document.body.dataset.state !== "waiting" || !stop.checkVisibility()) return false;
    stop.click();
    return true;
"""


class EndTests(PageTestCase):
    """What the page shows at the end of a session, and when it reconnects."""

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

    async def test_the_card_says_what_is_waited_for_and_since_when(self) -> None:
        words, since = (f"return document.querySelector('#waits-{n}').textContent" for n in _WAITS)
        self.gateway.waits = {"for": "locate", "after": 0}
        await self.open(answers=[Hold()])
        await self.until(words, "Asking the hypervisor where the console is")
        began = int((await self.js(since)).split()[1])
        self.assertIn(began, range(1, 30))
        self.gateway.waits = {"for": "handshake", "after": began}
        await self.until(words, "Waiting for the hypervisor to answer")
        await self.until(f"{since} !== ', 0 s'", True)
        await self.click("cancel")
        await self.until(STATE, "ended")
        await self.until(words, "")
        self.assertFalse(await self.visible("waits"))

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
            const lifecycle = new URL("static/session/lifecycle.js", location.href);
            import(lifecycle).then(({ begin, next }) => {
                const delays = (random, code) => {
                    const closeReason = { code, reconnect: "automatic" };
                    let now = 1e6, found = [];
                    let state = next(begin(), { type: "closed", now, random, closeReason });
                    while (state.name === "waiting") {
                        found.push((state.until - now) / 1000);
                        now = state.until;
                        state = next(state, { type: "retry", now });
                        state = next(state, { type: "closed", now, random, closeReason });
                    }
                    return [found.slice(0, 4), found.length];
                };
                done([delays(0.5, 4113), delays(0.25, 4115), delays(0, 4115)]);
            });
            """,
        )
        self.assertEqual(found, [[[0.5, 1, 2, 2], 60], [[1, 2, 4, 8], 17], [[0, 0, 0, 0], 60]])

    async def test_reconnecting_slows_down_and_gives_up_within_two_minutes(self) -> None:
        await self.open("")
        await self.until(STATE, "ended")
        delays = await deferToThread(
            self.driver.execute_async_script,
            """
            const done = arguments[0];
            const lifecycle = new URL("static/session/lifecycle.js", location.href);
            import(lifecycle).then(({ begin, next }) => {
                const lost = { code: 4103, reconnect: "automatic" };
                const off = { code: 4100, reconnect: "manual" };
                let now = 1e6, delays = [];
                let state = next(begin(), { type: "connected", now });
                state = next(state, { type: "closed", now: now += 60000, closeReason: lost });
                while (state.name === "waiting") {
                    delays.push((state.until - now) / 1000);
                    now = state.until;
                    state = next(state, { type: "retry", now });
                    state = next(state, { type: "closed", now, closeReason: off });
                }
                done([delays, state.name, state.gaveUp]);
            });
            """,
        )
        self.assertEqual(delays, [[1, 2, *[4] * 29], "ended", True])
