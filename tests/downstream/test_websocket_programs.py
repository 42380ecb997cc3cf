"""Programs that open a WebSocket: without ``Origin``, refused in HTTP instead of RFB."""

from __future__ import annotations

from tests.doubles.users import ACCEPT, Answer, program_upgrade, upgrade
from tests.doubles.websocket_users import WebSocketTestCase
from vncproxy.errors import ConsoleUnavailable, StoreUnavailable, UpstreamUnreachable


class ProgramTests(WebSocketTestCase):
    def dial(self, target: str) -> None:
        self.browse(program_upgrade(target))

    def refused(self) -> Answer:
        """Return the answer of a connection that was refused and closed."""
        answer = Answer.parse(self.peer.receive())
        self.assertIsNotNone(self.peer.closed)
        self.assertEqual((answer.body, answer.header("content-length")), (b"", "0"))
        return answer

    def test_console_opens_as_for_a_browser(self) -> None:
        self.dial(f"/?token={self.issue()}")
        self.assertEqual(self.peer.receive(), b"", "upgraded before the console was connected")

        self.greet()

        answer = self.browser.answer
        assert answer is not None
        self.assertEqual((answer.status, answer.header("sec-websocket-accept")), (101, ACCEPT))
        self.assertIn("set-cookie", answer.headers)

    def test_reason_stands_in_the_status_line_only(self) -> None:
        for target in ("/", "/?token=bad", f"/?path=%3Ftoken%3Dbad{'A' * 43}"):
            self.setUp()
            self.dial(target)

            answer = self.refused()

            self.assertIn(answer.status, (400, 401))
            self.assertIn(f"(id {self.refusal_id()})", answer.line)

    def test_machine_that_is_off(self) -> None:
        self.kvm.consoles["web-01"] = ConsoleUnavailable("shut off")
        self.dial(f"/?token={self.issue()}")

        self.assertTrue(
            self.refused().line.startswith("HTTP/1.1 409 The virtual machine is shut off.")
        )

    def test_hypervisor_that_cannot_be_reached(self) -> None:
        self.dial(f"/?token={self.issue()}")
        self.reactor.refuse()

        self.assertEqual(self.refused().status, 502)
        self.assertIsInstance(self.only_refusal(), UpstreamUnreachable)

    def test_store_that_is_away(self) -> None:
        self.store.fail["redeem"] = StoreUnavailable("redis is away")
        self.dial(f"/?token={self.issue()}")

        self.assertEqual(self.refused().status, 503)

    def test_program_that_leaves_while_the_console_is_connected(self) -> None:
        token = self.issue()
        self.dial(f"/?token={token}")

        self.peer.reset()

        self.assertEqual(self.store.calls, ["redeem", "restore"])

    def test_request_that_is_no_handshake(self) -> None:
        request = program_upgrade("/").replace(b"Sec-WebSocket-Version: 13", b"X-Y: z")
        self.browse(request)

        self.assertIn(self.refused().status, (400, 426))

    def test_program_that_asks_for_it_is_told_within_rfb(self) -> None:
        self.browse(program_upgrade("/", "VNCProxy-Refusals: rfb"))

        self.assertEqual(self.reason()[1], 4000)

    def test_page_is_still_told_within_rfb(self) -> None:
        self.browse(upgrade("/"))

        self.assertEqual(self.reason()[1], 4000)
