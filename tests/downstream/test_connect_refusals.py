"""Refusals of TCP viewers, with the bytes of the Java viewer."""

from __future__ import annotations

from functools import partial

from tests.doubles.connect_users import ConnectTestCase
from tests.doubles.users import Answer
from vncproxy.errors import (
    BackendError,
    BadRequest,
    Busy,
    ConsoleUnavailable,
    EndedByAdministrator,
    StoreUnavailable,
    TokenUnknown,
    UpstreamRefused,
    UpstreamUnreachable,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.model import Limits
from vncproxy.testing import ScriptedRFBServer, rfb_script


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
