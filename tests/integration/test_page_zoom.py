"""A closer look at a large screen on a phone: zoom by touch and by buttons, and the magnifier."""

from __future__ import annotations

from typing import Any

from twisted.internet.threads import deferToThread

from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import Console, Show

PHONE = {"width": 390, "height": 700, "deviceScaleFactor": 2, "mobile": True}
LARGE = Show(size=(1000, 750))
LEVEL = "return document.querySelector('#zoom-level').textContent"
PLACE = "const port = document.querySelector('#port'); return [port.scrollLeft, port.scrollTop]"
WIDTH = "return document.querySelector('#screen canvas').getBoundingClientRect().width"
LOUPE = """
    const loupe = document.querySelector("#loupe");
    return loupe && [...loupe.getContext("2d").getImageData(20, 64, 1, 1).data].slice(0, 3);
"""


class ZoomTests(PageTestCase):
    async def cdp(self, command: str, **members: Any) -> None:
        await deferToThread(self.driver.execute_cdp_cmd, command, members)

    async def hold(self) -> Console:
        """Show a large screen on a phone."""
        await self.cdp("Emulation.setDeviceMetricsOverride", **PHONE)
        await self.cdp("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
        clear = self.driver.execute_cdp_cmd
        self.addCleanup(deferToThread, clear, "Emulation.clearDeviceMetricsOverride", {})
        off = {"enabled": False}
        self.addCleanup(deferToThread, clear, "Emulation.setTouchEmulationEnabled", off)
        await self.open(answers=[LARGE])
        await self.until("return document.body.dataset.state", "connected")
        return self.gateway.consoles[-1]

    async def touch(self, kind: str, *places: tuple[int, int]) -> None:
        points = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(places)]
        await self.cdp("Input.dispatchTouchEvent", type=f"touch{kind}", touchPoints=points)

    async def test_two_fingers_zoom_and_one_moves_the_view_while_the_tool_is_pressed(self) -> None:
        console = await self.hold()
        await self.until(WIDTH, 390)
        await self.click("zoom")
        before = len(console.pointers)
        await self.touch("Start", (150, 350), (250, 350))
        await self.touch("Move", (100, 350), (300, 350))
        await self.touch("End")
        await self.until(LEVEL, "200%")
        await self.until(WIDTH, 780)

        left, top = await self.js(PLACE)
        await self.touch("Start", (200, 350))
        await self.touch("Move", (150, 330))
        await self.touch("End")
        await self.until(PLACE, [left + 50, top + 20])
        self.assertEqual(console.pointers[before:], [])

        await self.click("zoom")
        await self.touch("Start", (200, 350))
        await self.touch("End")
        await self.until_here(lambda: len(console.pointers) > before, True)
        x, y = console.pointers[-1][1:]
        width, height = LARGE.size
        at = await self.js(
            "const {left, top, width, height} = document.querySelector('#screen canvas')"
            ".getBoundingClientRect(); return [(200 - left) / width, (350 - top) / height]"
        )
        self.assertLess(abs(x - at[0] * width), 2)
        self.assertLess(abs(y - at[1] * height), 2)

    async def test_a_double_tap_zooms_and_goes_back(self) -> None:
        await self.hold()
        await self.click("zoom")
        for level in ("250%", "100%"):
            for _ in range(2):
                await self.touch("Start", (200, 350))
                await self.touch("End")
            await self.until(LEVEL, level)

    async def test_buttons_zoom_where_the_screen_is_fitted(self) -> None:
        await self.open_screen()
        await self.click("view")
        await self.click("zoom-in")
        await self.click("zoom-in")
        await self.until(LEVEL, "150%")
        await self.click("zoom-out")
        await self.until(LEVEL, "125%")
        await self.click("[value=actual]")
        await self.until(LEVEL, "100%")
        self.assertFalse(await self.visible("zoom-row"))
        await self.js("localStorage.clear()")

    async def test_a_finger_on_a_small_picture_shows_what_is_below_it(self) -> None:
        await self.hold()
        await self.touch("Start", (200, 350))
        await self.until(LOUPE, list(LARGE.colour))
        await self.touch("End")
        await self.until(LOUPE, None)
