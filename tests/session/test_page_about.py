"""Pages ask what their session is, and what its user may do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.doubles.frames import TEXT, masked
from tests.doubles.users import upgrade
from tests.doubles.websocket_users import OWN, WebSocketTestCase
from vncproxy.model import Clipboard, Mode, Policy, Sharing
from vncproxy.session.page import BUILT_IN
from vncproxy.session.page_about import PageAbout


class AboutTests(WebSocketTestCase):
    def setUp(self) -> None:
        super().setUp()
        services = self.sessions.services
        answer = PageAbout(self.reactor.seconds, services.time).answer
        requests = {**BUILT_IN, "about": answer}
        self.sessions.services = replace(services, page_requests=requests)

    def about(self, policy: Policy, seconds: float = 0) -> dict[str, Any]:
        """Open a console, and return what its page is told about it so many seconds later."""
        link = f"/websockify?token={self.issue(policy=policy)}&talks=1"
        self.browse(upgrade(link, "Origin: " + OWN))
        self.hypervisor = self.console()
        self.browser.send(b"RFB 003.008\n\1\1")
        self.assertIn(b"scripted", self.browser.receive())
        self.hypervisor.receive()
        self.reactor.advance(seconds)
        self.browser.receive()
        self.browser.control.clear()
        self.peer.send(masked(TEXT, json.dumps({"ask": "about", "id": 7}).encode()))
        self.browser.receive()
        [text] = [data.decode() for head, data in self.browser.control if head == TEXT]
        answer: dict[str, Any] = json.loads(text.removeprefix("vncproxy:"))
        self.assertEqual(answer.pop("id"), 7)
        return answer

    def test_a_page_learns_its_id_and_its_policy(self) -> None:
        policy = Policy(
            mode=Mode.VIEW_ONLY,
            sharing=Sharing.EXCLUSIVE,
            clipboard=Clipboard.FROM_GUEST,
            clipboard_limit=1000,
            idle_timeout=600,
            bandwidth=100_000,
        )
        answer = self.about(policy, seconds=5)
        [session] = self.sessions.snapshot()
        self.assertEqual(answer.pop("session"), session.id)
        self.assertRegex(answer.pop("machine"), "^[0-9a-f]{16}$")
        self.assertEqual(
            answer,
            {
                "open": 5,
                "left": None,
                "idle_timeout": 600,
                "bandwidth": 100_000,
                "mode": "view-only",
                "clipboard": "from-guest",
                "clipboard_limit": 1000,
                "sharing": "exclusive",
                "recorded": False,
            },
        )

    def test_the_time_that_is_left_is_that_of_the_nearest_end(self) -> None:
        self.assertEqual(self.about(Policy(max_duration=100), seconds=30)["left"], 70)

    def test_sessions_of_a_machine_have_the_same_name_for_it_which_is_not_its_address(
        self,
    ) -> None:
        first, second = self.about(Policy()), self.about(Policy())
        self.assertEqual(first["machine"], second["machine"])
        self.assertNotEqual(first["session"], second["session"])
        self.assertNotIn(str(self.sessions.snapshot()[0].vm), json.dumps(first))
