"""What keeps a browser from its console, and what the page shows of it."""

from __future__ import annotations

from twisted.internet.threads import deferToThread

from tests.components.chromium import STATE
from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import Refuse

BLOCKED_SHOWN = """
    return document.querySelector("#blocked").checkVisibility({visibilityProperty: true});
"""


BLOCKED_TOLD = """
    return performance.getEntriesByType("resource").some((e) => e.name.endsWith("/blocked.svg"));
"""


TEXTS_WHILE_WAITING = """
    const text = (id) => document.getElementById(id).textContent;
    return document.body.dataset.state === "waiting" ? [text("headline"), text("reason")] : null;
"""
"""In one step: the page may go on to its next attempt at any time."""


class HindranceTests(PageTestCase):
    """What keeps a browser from its console, and what the page shows of it."""

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
        await self.until(TEXTS_WHILE_WAITING, ["The gateway is busy", words])

    async def test_cookies_that_are_not_kept(self) -> None:
        sentence = "This console link is not valid any more. Ask for a new one."
        await self.cookies(off=True)
        await self.open(answers=[Refuse(4001, sentence)])
        await self.until(STATE, "ended")
        self.assertIn("This browser keeps no cookies of this page", await self.text("reason"))
        self.assertIn(sentence, await self.text("reason"))
        self.assertEqual(self.gateway.consoles[-1].moves, "")

        await self.cookies(off=False)
        await self.open(answers=[Refuse(4001, sentence)])
        await self.until(STATE, "ended")
        self.assertEqual(await self.text("reason"), sentence)
        self.assertEqual(self.gateway.consoles[-1].moves, "1")

    async def cookies(self, off: bool) -> None:
        command = "Emulation.setDocumentCookieDisabled"
        await deferToThread(self.driver.execute_cdp_cmd, command, {"disabled": off})
