"""TCP viewers, with the bytes of the Java viewer."""

from __future__ import annotations

import gc
import weakref
from functools import partial

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.doubles.users import Answer, SiteTestCase
from vncproxy.errors import (
    BackendError,
    BadRequest,
    Busy,
    ClientGone,
    ConsoleUnavailable,
    DownstreamViolation,
    EndedByAdministrator,
    StoreUnavailable,
    TokenUnknown,
    UpstreamRefused,
    UpstreamUnreachable,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.model import ConsoleType, Limits
from vncproxy.testing import SERVER_INIT, MemoryPeer, ScriptedRFBServer, rfb_script

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


class RefusalTests(ConnectTestCase):
    def refused_for(self, error: VNCProxyError) -> Answer:
        self.setUp()
        self.kvm.consoles["web-01"] = error
        self.viewer()
        return self.refusal()

    def test_the_whole_answer_to_a_bad_token(self) -> None:
        self.viewer("CONNECT /console?token=0123456789abcdef HTTP/1.0\r\n\r\n")
        name = self.refusal_id().encode()

        self.assertEqual(
            self.peer.receive(),
            b"HTTP/1.1 401 This console link is not valid any more. Ask for a new one. (id %s)\r\n"
            b"Content-Type: text/plain\r\n"
            b"Content-Length: 82\r\n"
            b"Connection: close\r\n"
            b"\r\n"
            b"This console link is not valid any more. Ask for a new one. (id %s)\n" % (name, name),
        )
        self.assertIsInstance(self.only_refusal(), TokenUnknown)

    def test_no_token_or_a_malformed_one(self) -> None:
        for target in ("/", "/console", "?", "/?token=", "/?token=%00", f"/?token={'x' * 5000}"):
            self.setUp()
            self.viewer(f"CONNECT {target} HTTP/1.0\r\n\r\n")

            self.assertEqual(
                self.refusal().line,
                "HTTP/1.1 400 The link has no valid token. Ask for a new console link. "
                f"(id {self.refusal_id()})",
            )
            self.assertIsInstance(self.only_refusal(), BadRequest)

    def test_the_state_of_a_machine(self) -> None:
        self.assertEqual(
            self.refused_for(ConsoleUnavailable("shut off")).line,
            f"HTTP/1.1 409 The virtual machine is shut off. (id {self.refusal_id()})",
        )
        self.assertEqual(
            self.refused_for(VMNotFound()).line,
            f"HTTP/1.1 404 The virtual machine was not found. (id {self.refusal_id()})",
        )

    def test_what_only_an_administrator_can_mend_has_an_id(self) -> None:
        answer = self.refused_for(BackendError("password hunter2 refused"))
        ((info, _),) = self.observer.refusals

        self.assertEqual(
            answer.line,
            "HTTP/1.1 502 The virtual machine could not be looked up. "
            f"Ask your administrator, id {info.id}.",
        )
        self.assertNotIn("hunter2", str(answer))

    def test_a_hypervisor_that_cannot_be_reached(self) -> None:
        self.viewer()
        self.reactor.refuse()

        self.assertEqual(self.refusal().status, 502)
        self.assertIsInstance(self.only_refusal(), UpstreamUnreachable)

    def test_a_hypervisor_that_refuses(self) -> None:
        self.viewer()
        self.console(ScriptedRFBServer(partial(rfb_script, refusal="no\r\nSet-Cookie: a=b")))

        answer = self.refusal()

        self.assertEqual((answer.status, set(answer.headers)), (502, {*STANDARD}))
        self.assertIsInstance(self.only_refusal(), UpstreamRefused)

    def test_an_end_while_the_viewer_is_greeted_is_told_within_rfb(self) -> None:
        self.viewer()
        self.console()
        self.assertEqual(self.peer.receive(), b"HTTP/1.1 200 OK\r\n\r\nRFB 003.008\n")

        self.end_sessions()
        self.peer.send(b"RFB 003.008\n")

        sentence = EndedByAdministrator().sentence(self.refusal_id()).encode()
        self.assertEqual(self.peer.receive(), b"\0" + len(sentence).to_bytes(4, "big") + sentence)
        self.assertTrue(self.peer.half_closed)

    def test_a_store_that_is_away_and_limits(self) -> None:
        self.store.fail["redeem"] = StoreUnavailable("redis is away")
        self.viewer()
        self.assertEqual(self.refusal().status, 503)

        self.setUp()
        self.open_site(limits=Limits(sessions=1))
        self.viewer()
        self.viewer()
        self.assertEqual(self.peer.receive()[:13], b"HTTP/1.1 503 ")

    def test_busy_proxy_says_when_to_come_again(self) -> None:
        self.store.fail["redeem"] = Busy("32 sessions begin and 256 users wait")
        self.viewer()
        answer = self.refusal()
        self.assertEqual((answer.status, set(answer.headers)), (503, {*STANDARD, "retry-after"}))
        self.assertIn(int(answer.headers["retry-after"][0]), range(1, 9))

    def test_words_beyond_ascii_do_not_break_the_status_line(self) -> None:
        answer = self.refused_for(ConsoleUnavailable("angehalten, später"))

        sentence = f"The virtual machine is angehalten, sp?ter. (id {self.refusal_id()})"
        self.assertEqual(answer.line, f"HTTP/1.1 409 {sentence}")

    def test_a_line_break_in_a_reason_does_not_become_a_header(self) -> None:
        answer = self.refused_for(ConsoleUnavailable("off\r\nSet-Cookie: a=b"))

        self.assertEqual(set(answer.headers), {*STANDARD})

    def test_a_viewer_that_does_not_close_is_cut(self) -> None:
        self.viewer("CONNECT / HTTP/1.0\r\n\r\n")
        self.peer.receive()

        self.wait(5)

        self.assertIsNotNone(self.peer.closed)

    def test_a_viewer_that_leaves_early_finds_no_timer(self) -> None:
        self.viewer("CONNECT / HTTP/1.0\r\n\r\n")

        self.peer.reset()

        self.assertEqual(self.reactor.getDelayedCalls(), [])


STANDARD = ("content-type", "content-length", "connection")


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
