"""What axe-core finds in each state of the console page: nothing."""

from __future__ import annotations

from twisted.internet.threads import deferToThread

from tests.components.accessibility import findings
from tests.components.page_case import PageTestCase
from tests.components.page_states import STATES

LOOKS = {
    "light": (),
    "dark on a phone": (
        "color-contrast",
        "scrollable-region-focusable",
        "label-content-name-mismatch",
    ),
}
"""What a state looks like, and what axe looks for there; at first for all that it knows."""

PHONE = {"width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True}


class AccessibilityTests(PageTestCase):
    timeout = 300
    maxDiff = None

    async def test_axe_finds_nothing_in_any_state(self) -> None:
        found = []
        for name, reach in STATES.items():
            await reach(self)
            for look, rules in LOOKS.items():
                await self.look(look)
                each = await deferToThread(findings, self.driver, *rules)
                found += [f"{name}, {look}: {finding}" for finding in each]
            await self.look("light")
        self.assertEqual("\n".join(found), "")

    async def look(self, look: str) -> None:
        """Show the page as usual, or in dark on a small phone."""
        on_phone = look == "dark on a phone"
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on_phone else "light"}
        await self.cdp("setEmulatedMedia", features=[scheme])
        if on_phone:
            await self.cdp("setDeviceMetricsOverride", **PHONE)
        else:
            await self.cdp("clearDeviceMetricsOverride")

    async def cdp(self, command: str, **members: object) -> None:
        await deferToThread(self.driver.execute_cdp_cmd, f"Emulation.{command}", members)
