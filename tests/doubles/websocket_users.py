"""Browsers that open consoles in memory."""

from __future__ import annotations

from tests.doubles.frames import CLOSE, masked
from tests.doubles.users import Browser, SiteTestCase, upgrade
from vncproxy.testing import SERVER_INIT

OWN = "http://localhost:6080"


class WebSocketTestCase(SiteTestCase):
    def browse(self, request: bytes | None = None, token: str | None = None) -> Browser:
        """Connect a browser that opens a console."""
        self.token = self.issue() if token is None else token
        self.peer = self.connect()
        self.browser = Browser(
            self.peer, request or upgrade(f"/websockify?token={self.token}", "Origin: " + OWN)
        )
        return self.browser

    def greet(self) -> None:
        """Bring the browser to where bytes flow."""
        self.hypervisor = self.console()
        self.assertEqual(self.browser.receive(), b"RFB 003.008\n")
        self.browser.send(b"RFB 003.008\n")
        self.assertEqual(self.browser.receive(), b"\x01\x01")
        self.browser.send(b"\x01\x01")
        self.assertEqual(self.browser.receive(), bytes(4) + SERVER_INIT)

    def reason(self, browser: Browser | None = None) -> tuple[str, int, str]:
        """Go through an RFB refusal as noVNC does; returns its reason, and the close frame's."""
        browser = browser or self.browser
        self.assertEqual(browser.receive(), b"RFB 003.008\n")
        browser.send(b"RFB 003.008\n")
        heard = browser.receive()
        self.assertEqual(heard[0], 0, "security types were offered")
        self.assertEqual(int.from_bytes(heard[1:5], "big"), len(heard) - 5)
        ((kind, farewell),) = browser.control
        self.assertEqual(kind, CLOSE)
        browser.peer.send(masked(CLOSE, farewell))
        browser.receive()
        self.assertIsNotNone(browser.peer.closed)
        return heard[5:].decode(), int.from_bytes(farewell[:2], "big"), farewell[2:].decode()
