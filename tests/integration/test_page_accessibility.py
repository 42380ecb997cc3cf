"""What axe-core finds in each state of the console page: nothing."""

from __future__ import annotations

from twisted.internet.threads import deferToThread

from tests.components.accessibility import findings
from tests.components.page_case import PageTestCase
from tests.components.page_states import STATES

PHONE = {"width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True}


class AccessibilityTests(PageTestCase):
    timeout = 300
    maxDiff = None

    async def test_axe_finds_nothing_in_any_state(self) -> None:
        found = []
        for name, reach in STATES.items():
            await reach(self)
            for look in ("light", "dark", "320"):
                await self.look(look)
                each = await deferToThread(findings, self.driver)
                found += [f"{name}, {look}: {finding}" for finding in each]
            await self.look("")
        self.assertEqual("\n".join(found), "")

    async def look(self, look: str) -> None:
        """Show the page in light or dark, or on a phone; as usual for an empty text."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if look == "dark" else "light"}
        await self.cdp("setEmulatedMedia", features=[scheme])
        if look == "320":
            await self.cdp("setDeviceMetricsOverride", **PHONE)
        else:
            await self.cdp("clearDeviceMetricsOverride")

    async def cdp(self, command: str, **members: object) -> None:
        await deferToThread(self.driver.execute_cdp_cmd, f"Emulation.{command}", members)
