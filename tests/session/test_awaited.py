"""Pages ask what their session waits for while it opens."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.frames import CLOSE, TEXT, masked
from tests.doubles.users import upgrade
from tests.doubles.websocket_users import OWN, WebSocketTestCase
from vncproxy.testing import MemoryPeer, ScriptedRFBServer, carry


class AwaitedTests(WebSocketTestCase):
    def open_page(self, token: str | None = None, talks: str = "&talks=1") -> None:
        token = self.issue() if token is None else token
        self.browse(upgrade(f"/websockify?token={token}{talks}", "Origin: " + OWN), token)

    def waits(self) -> dict[str, Any]:
        """Return what the page is told of what it waits for."""
        self.browser.receive()
        self.browser.control.clear()
        self.peer.send(masked(TEXT, json.dumps({"ask": "waits", "id": 3}).encode()))
        self.browser.receive()
        [text] = [data.decode() for kind, data in self.browser.control if kind == TEXT]
        answer: dict[str, Any] = json.loads(text.removeprefix("vncproxy:"))
        self.assertEqual(answer.pop("id"), 3)
        return answer

    def test_a_page_learns_each_step_and_when_it_began(self) -> None:
        answer = self.successResultOf(Deferred.fromCoroutine(self.kvm.locate("web-01")))
        located: Deferred[Any] = Deferred()
        self.kvm.locate = lambda vm: located  # type: ignore[assignment,method-assign,return-value]
        self.open_page()
        self.wait(2)
        self.assertEqual(self.waits(), {"for": "locate", "after": 0})
        located.callback(answer)
        self.wait(3)
        self.assertEqual(self.waits(), {"for": "connect", "after": 2})
        near = self.reactor.accept()
        self.assertEqual(self.waits(), {"for": "handshake", "after": 5})
        carry(near, MemoryPeer(ScriptedRFBServer().buildProtocol()))
        self.browser.send(b"RFB 003.008\n\1\1")
        self.assertEqual(self.waits(), {"for": "screen", "after": 0})

    def test_a_viewer_that_is_no_page_may_send_no_text(self) -> None:
        self.open_page(talks="")
        self.peer.send(masked(TEXT, b'{"ask": "waits", "id": 3}'))
        self.browser.receive()
        [close] = [data for kind, data in self.browser.control if kind == CLOSE]
        self.assertEqual(int.from_bytes(close[:2], "big"), 1003)

    def test_a_page_that_asks_while_it_is_refused_gets_the_reason(self) -> None:
        self.open_page(token="x" * 43)
        self.peer.send(masked(TEXT, b'{"ask": "waits", "id": 3}'))
        self.assertEqual(self.reason()[1], 4001)
