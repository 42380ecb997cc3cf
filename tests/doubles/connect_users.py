"""TCP viewers of the users' site in memory, with the bytes of the Java viewer."""

from __future__ import annotations

from tests.doubles.users import Answer, SiteTestCase
from vncproxy.testing import SERVER_INIT, MemoryPeer

OK = b"HTTP/1.1 200 OK\r\n\r\n"


class ConnectTestCase(SiteTestCase):
    def viewer(self, request: str | None = None) -> MemoryPeer:
        """Connect a viewer that requests a console."""
        self.peer = self.connect()
        self.peer.send(
            (request or f"CONNECT /console?token={self.issue()} HTTP/1.0\r\n\r\n").encode()
        )
        return self.peer

    def greet(self) -> None:
        """Bring the viewer to where bytes flow."""
        self.hypervisor = self.console()
        self.assertEqual(self.peer.receive(), OK + b"RFB 003.008\n")
        self.peer.send(b"RFB 003.008\n")
        self.assertEqual(self.peer.receive(), b"\x01\x01")
        self.peer.send(b"\x01\x01")
        self.assertEqual(self.peer.receive(), bytes(4) + SERVER_INIT)

    def refusal(self) -> Answer:
        """Return the only answer; the viewer then closes."""
        answer = Answer.parse(self.peer.receive())
        self.assertTrue(self.peer.half_closed)
        self.peer.close()
        self.wait(5)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        return answer
