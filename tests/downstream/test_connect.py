"""TCP viewers, with the bytes of the Java viewer."""

from __future__ import annotations

import gc
import weakref

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.doubles.connect_users import OK, ConnectTestCase
from vncproxy.errors import (
    ClientGone,
    DownstreamViolation,
    EndedByAdministrator,
)
from vncproxy.model import ConsoleType
from vncproxy.testing import SERVER_INIT


class OpeningTests(ConnectTestCase):
    def test_the_ways_to_ask(self) -> None:
        for request in (
            "CONNECT /console?token={} HTTP/1.0\r\n\r\n",
            "CONNECT ?token={} HTTP/1.0\r\n\r\n",
            "CONNECT /?token={} HTTP/1.1\r\nHost: localhost:6081\r\n\r\n",
            "CONNECT /any/path?a=b&token={} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\r\n\r\n",
        ):
            self.setUp()
            self.viewer(request.format(self.issue()))
            self.greet()

            self.peer.send(b"key")
            self.hypervisor.send(b"pixels")

            self.assertEqual(self.hypervisor.receive(), b"key")
            self.assertEqual(self.peer.receive(), b"pixels")
            self.assertIs(self.observer.openings[0].type, ConsoleType.XVPVNC)
            self.assertEqual(self.observer.openings[0].client, "192.0.2.1")

    def test_no_answer_comes_before_the_console_is_there(self) -> None:
        self.viewer()
        self.assertEqual(self.peer.receive(), b"")

        near = self.reactor.accept()
        near.send(b"RFB 003.008\n", b"\x01\x01")
        self.assertEqual(self.peer.receive(), b"")

    def test_a_request_in_single_bytes(self) -> None:
        peer = self.peer = self.connect()

        for byte in f"CONNECT /console?token={self.issue()} HTTP/1.0\r\n\r\n".encode():
            peer.send(bytes([byte]))

        self.greet()

    def test_old_versions_of_the_protocol(self) -> None:
        for version, offer, choice in (
            (b"3.003", b"\0\0\0\x01", b""),
            (b"3.007", b"\x01\x01", b"\x01"),
        ):
            self.setUp()
            self.viewer()
            self.console()
            self.peer.receive()

            self.peer.send(b"RFB 00" + version + b"\n")
            self.assertEqual(self.peer.receive(), offer)
            self.peer.send(choice + b"\x01")

            self.assertEqual(self.peer.receive(), SERVER_INIT)

    def test_what_a_viewer_sends_early_is_kept(self) -> None:
        self.viewer(f"CONNECT /?token={self.issue()} HTTP/1.0\r\n\r\nRFB 003.008\n")
        self.peer.send(b"\x01")
        hypervisor = self.console()

        self.peer.send(b"\x01key")

        self.assertEqual(
            self.peer.receive(), OK + b"RFB 003.008\n\x01\x01" + bytes(4) + SERVER_INIT
        )
        self.assertEqual(hypervisor.receive(), b"key")

    def test_a_flood_of_early_bytes_is_cut(self) -> None:
        self.viewer()

        self.peer.send(*[bytes(1000)] * 20)

        self.assertIsNotNone(self.peer.closed)
        self.assertIsInstance(self.only_refusal(), ClientGone)
        self.assertEqual(self.store.calls, ["redeem", "restore"])

    def test_a_body_is_not_rfb(self) -> None:
        token = self.issue()
        self.viewer(
            f"CONNECT /?token={token} HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloRFB 003.008\n"
        )
        self.console()

        self.assertEqual(self.peer.receive(), OK + b"RFB 003.008\n\x01\x01")

    def test_no_time_limit_of_http_is_left(self) -> None:
        self.viewer()
        self.greet()

        self.reactor.pump([1] * 1000)

        self.assertIsNone(self.peer.closed)

    def test_back_pressure_reaches_the_viewer(self) -> None:
        self.viewer()
        self.greet()

        for _ in range(200):
            self.peer.send(bytes(1000))

        self.assertFalse(self.peer.reading)
        self.assertLess(self.hypervisor.most, 70_000)


class EndTests(ConnectTestCase):
    def left(self) -> None:
        """Make sure that the viewer's leaving was noticed, once, and left nothing behind."""
        self.wait(5)
        self.assertIsInstance(self.only_refusal(), ClientGone)
        self.assertEqual(self.live_sessions(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_leaving_while_the_token_is_redeemed(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.viewer()

        self.peer.close()
        self.store.wait["redeem"].callback(None)

        self.left()
        self.assertEqual(self.store.calls, ["redeem", "restore"])

    def test_leaving_while_the_console_is_connected(self) -> None:
        self.viewer()

        self.peer.close()

        self.left()
        self.assertEqual(self.store.calls, ["redeem", "restore"])

    def test_leaving_while_the_console_shakes_hands(self) -> None:
        self.viewer()
        near = self.reactor.accept()

        self.peer.reset()
        near.send(b"RFB 003.008\n\x01\x01", bytes(4))

        self.left()
        self.assertIsNotNone(near.closed)

    def test_leaving_during_the_greeting(self) -> None:
        self.viewer()
        near = self.console()

        self.peer.close()

        self.left()
        self.assertIsNotNone(near.closed)
        self.assertEqual(self.store.calls, ["redeem", "restore"])

    def test_speaking_something_else_is_not_told_in_http(self) -> None:
        self.viewer()
        self.console()
        self.peer.receive()

        self.peer.send(b"GET / HTTP/1.1\r\n\r\n")

        self.assertEqual(self.peer.receive(), b"")
        self.assertIsInstance(self.only_refusal(), DownstreamViolation)

    def test_an_administrator_ends_it_in_mid_session(self) -> None:
        self.viewer()
        self.greet()

        self.end_sessions()

        self.assertEqual(self.peer.receive(), b"")
        self.assertTrue(self.peer.half_closed)
        ((_, why),) = self.observer.closings
        self.assertIsInstance(why, EndedByAdministrator)

    def test_a_connection_that_is_over_is_not_kept_alive(self) -> None:
        self.viewer()
        self.greet()
        gone = weakref.ref(self.peer)
        self.peer.close()
        self.hypervisor.close()

        del self.peer, self.hypervisor
        gc.collect()

        self.assertIsNone(gone())

    def test_nothing_that_is_logged_shows_a_token(self) -> None:
        token = self.issue()
        with capturedLogs() as events:
            self.viewer(f"CONNECT /console?token={token} HTTP/1.0\r\n\r\n")
            self.greet()
            self.peer.send(b"key")
            self.end_sessions()
            self.viewer(f"CONNECT /console?token={token} HTTP/1.0\r\n\r\n")
            self.refusal()

        self.assertNotIn(token, str(events))
