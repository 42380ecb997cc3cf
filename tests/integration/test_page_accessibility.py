"""What axe-core finds in each state of the console page: nothing."""

from __future__ import annotations

from twisted.internet.threads import deferToThread

from tests.components.accessibility import findings
from tests.components.page_case import PageTestCase
from tests.components.page_states import STATES


class AccessibilityTests(PageTestCase):
    timeout = 300
    maxDiff = None

    async def test_axe_finds_nothing_in_any_state(self) -> None:
        found = []
        for name, reach in STATES.items():
            await reach(self)
            found += [
                f"{name}: {finding}" for finding in await deferToThread(findings, self.driver)
            ]
        self.assertEqual("\n".join(found), "")
