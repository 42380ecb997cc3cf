"""A page in a frame: what it tells the page around it, and how it looks."""

from __future__ import annotations

import json
from typing import Any

from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import HEIGHT, WIDTH, Console

FRAME = """
    const frame = document.createElement("iframe");
    window.told = [];
    addEventListener("message", ({ source, data }) => {
        if (source === frame.contentWindow) told.push(data);
    });
    frame.src = ADDRESS;
    document.body.replaceChildren(frame);
"""
STYLE = "return getComputedStyle(document.documentElement).getPropertyValue('{}').trim()"


class FrameTests(PageTestCase):
    async def frame(self, address: str) -> Console:
        """Show the page in a frame of another page, and wait for its screen."""
        await self.open("static/favicon.svg")
        await self.open("blank")
        await self.js(FRAME.replace("ADDRESS", json.dumps(address)))
        await self.until("return told.some(({event}) => event === 'resized')", True)
        return self.gateway.consoles[-1]

    async def told(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.js("return told")
        return found

    async def test_a_portal_is_told_of_the_screen_and_of_its_end(self) -> None:
        console = await self.frame("/?token=abc")
        sizes: dict[str, Any] = {"event": "resized", "width": WIDTH, "height": HEIGHT}
        events: list[dict[str, Any]] = [{"event": "connecting"}, {"event": "connected"}, sizes]
        self.assertEqual(
            sorted(await self.told(), key=str),
            sorted(({"source": "vncproxy", **each} for each in events), key=str),
        )
        console.end(4010, "It is maintained.")
        await self.until("return told.length", 4)
        self.assertEqual(
            (await self.told())[-1],
            {
                "source": "vncproxy",
                "event": "ended",
                "code": 4010,
                "headline": "Ended by an administrator",
                "reason": "It is maintained.",
            },
        )

    async def test_a_compact_page_has_a_handle_with_the_badges(self) -> None:
        await self.open_screen("?token=abc&compact=1&view_only=true")
        top = "return document.querySelector('#screen').getBoundingClientRect().top"
        await self.until(top, 0)
        self.assertEqual(await self.text("handle"), "View only")
        await self.js("document.querySelector('#handle').click()")
        shown = "return document.querySelector('#bar').getBoundingClientRect().top"
        await self.until(shown, 0)

    async def test_the_colours_of_the_link_are_used_with_text_that_can_be_read(self) -> None:
        await self.open_screen("?token=abc&accent=ffee00#surface=101418")
        for name, value in (
            ("--accent", "#ffee00"),
            ("--on-accent", "#10131a"),
            ("--surface", "#101418"),
            ("color-scheme", "dark"),
        ):
            self.assertEqual(await self.js(STYLE.format(name)), value)

        await self.open_screen("?token=abd&accent=red;}&surface=url(x)")
        self.assertEqual(await self.js("return document.documentElement.style.length"), 0)
