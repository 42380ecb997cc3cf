"""Requests with CONNECT, and replies of HTTP servers to them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import (
    Outcome,
    play,
)
from vncproxy.errors import UpstreamClosed, UpstreamRefused, UpstreamViolation
from vncproxy.handshake.http_connect import REPLY_LIMIT, http_connect
from vncproxy.handshake.steps import EndOfStream, TooLong
from vncproxy.model import HTTPConnect

BANNER = b"RFB 003.008\n"
XAPI = HTTPConnect("/console?ref=OpaqueRef:1&session_id=OpaqueRef:2", (("Host", "xen1"),))


def connect(reply: bytes, *, eof: bool = False) -> Outcome[None]:
    return play(http_connect(XAPI), reply, eof=eof)


class RequestTests(SynchronousTestCase):
    def test_target_and_headers(self) -> None:
        self.assertEqual(
            connect(b"").sent,
            b"CONNECT /console?ref=OpaqueRef:1&session_id=OpaqueRef:2 HTTP/1.1\r\n"
            b"Host: xen1\r\n\r\n",
        )

    def test_without_headers(self) -> None:
        sent = play(http_connect(HTTPConnect("/vm"))).sent
        self.assertEqual(sent, b"CONNECT /vm HTTP/1.1\r\n\r\n")


class ReplyTests(SynchronousTestCase):
    def test_200_opens_the_tunnel(self) -> None:
        for reply in (
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.0 200 OK\r\n\r\n",
            b"HTTP/1.1 200 Connection established\r\nConnection: keep-alive\r\nCache: no\r\n\r\n",
            b"HTTP/1.1 200 \r\n\r\n",
            b"HTTP/1.1 200\r\n\r\n",
            b"HTTP/1.1 200 OK\n\n",
        ):
            outcome = connect(reply)
            self.assertEqual((outcome.done, outcome.leftover), (True, b""), reply)

    def test_rfb_may_follow_in_the_same_segment(self) -> None:
        outcome = connect(b"HTTP/1.1 200 OK\r\n\r\n" + BANNER)
        self.assertEqual((outcome.done, outcome.leftover), (True, BANNER))

    def test_line_ends_behind_the_header_are_not_part_of_it(self) -> None:
        self.assertEqual(connect(b"HTTP/1.1 200 OK\r\n\r\n\r\n").leftover, b"\r\n")

    def test_the_whole_header_is_waited_for(self) -> None:
        self.assertFalse(connect(b"HTTP/1.1 200 OK\r\nDate: today\r\n").done)

    def test_any_other_status_refuses_at_once(self) -> None:
        for status in (
            "100 Continue",
            "301 Moved Permanently",
            "302 Found",
            "401 Unauthorized",
            "403 Forbidden",
            "404 Not Found",
            "407 Proxy Authentication Required",
            "500 Internal Error",
            "503 Service Unavailable",
        ):
            outcome = connect(f"HTTP/1.1 {status}\r\n".encode())
            self.assertIs(outcome.error, UpstreamRefused)
            self.assertEqual(outcome.detail, f"CONNECT answered with HTTP/1.1 {status}")

    def test_a_long_status_line_is_cut_and_cleaned(self) -> None:
        outcome = connect(b"HTTP/1.1 500 \x1b[31m\xff" + b"x" * 4096 + b"\r\n")
        self.assertIs(outcome.error, UpstreamRefused)
        self.assertTrue(outcome.detail.startswith("CONNECT answered with HTTP/1.1 500 [31m?xxx"))
        self.assertLess(len(outcome.detail), 160)

    def test_no_http(self) -> None:
        for reply in (
            b"HTTP/2 200\r\n",
            b"HTTP/1.1 20\r\n",
            b"HTTP/1.1 2000 OK\r\n",
            b"HTTP/1.1 200OK\r\n",
            b" HTTP/1.1 200 OK\r\n",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"\n",
        ):
            outcome = connect(reply)
            self.assertIs(outcome.error, UpstreamViolation, reply)
            self.assertEqual(outcome.detail, f"not an HTTP reply: {reply[:16].decode('latin-1')!r}")

    def test_a_vnc_server_in_its_place_is_known_by_its_banner(self) -> None:
        outcome = connect(BANNER)
        self.assertIs(outcome.error, UpstreamViolation)
        self.assertEqual(outcome.detail, "not an HTTP reply: 'RFB 003.008\\n'")

    def test_a_status_line_without_an_end(self) -> None:
        self.assertIs(connect(b"x" * REPLY_LIMIT).error, TooLong)

    def test_longest_header(self) -> None:
        reply = b"HTTP/1.1 200 OK\r\nX: \r\n\r\n"
        reply = reply.replace(b"X: ", b"X: " + b"x" * (REPLY_LIMIT - len(reply)))
        self.assertTrue(connect(reply).done)
        self.assertIs(connect(reply.replace(b"X:", b"XX:")).error, TooLong)

    def test_many_short_header_lines(self) -> None:
        self.assertIs(connect(b"HTTP/1.1 200 OK\r\n" + b"a:\r\n" * REPLY_LIMIT).error, TooLong)

    def test_closed_without_an_answer(self) -> None:
        self.assertIs(connect(b"", eof=True).error, UpstreamClosed)
        self.assertIs(connect(b"HTTP/1.1 2", eof=True).error, UpstreamClosed)

    def test_closed_in_mid_header(self) -> None:
        self.assertIs(connect(b"HTTP/1.1 200 OK\r\nDate:", eof=True).error, EndOfStream)

    def test_no_failure_tells_the_target(self) -> None:
        for reply in (b"", b"HTTP/1.1 403 Forbidden\r\n", b"nonsense\n", b"x" * REPLY_LIMIT):
            self.assertNotIn("OpaqueRef", connect(reply, eof=True).detail)
