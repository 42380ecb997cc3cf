"""Replies of HTTP servers to CONNECT, and handshakes one after the other."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import Outcome, byte_by_byte, cut, places, play, sized_bytes
from vncproxy.errors import UpstreamClosed, UpstreamRefused, UpstreamViolation, VNCProxyError
from vncproxy.handshake.steps import Dialogue, EndOfStream, TooLong
from vncproxy.model import Handshake, HTTPConnect, RFBSecurity, TLSTrust
from vncproxy.upstream.handshakes import REPLY_LIMIT, http_connect, reach_console

BANNER = b"RFB 003.008\n"
SERVER_INIT = bytes.fromhex("0320 0258 20180001 00ff00ff00ff 100800 000000 00000002") + b"vm"
XAPI = HTTPConnect("/console?ref=OpaqueRef:1&session_id=OpaqueRef:2", (("Host", "xen1"),))


def connect(reply: bytes, *, eof: bool = False) -> Outcome[None]:
    return play(http_connect(XAPI), reply, eof=eof)


def servers() -> list[tuple[tuple[Handshake, ...], bytes]]:
    """Return what is agreed on with real kinds of servers, and all bytes of each."""
    password, user = RFBSecurity("password"), RFBSecurity("password", "user", anonymous_tls=True)
    v3_8, init, result = b"RFB 003.008\n", SERVER_INIT, bytes(4)
    vencrypt = v3_8 + b"\x01\x13\0\x02\0\x01"
    return [
        (
            (XAPI, RFBSecurity()),
            b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n" + v3_8 + b"\1\1" + result + init,
        ),
        ((password,), b"RFB 003.003\n\0\0\0\x02" + bytes(16) + result + init),
        ((password,), v3_8 + b"\1\2" + bytes(16) + result + init),
        ((password,), v3_8 + b"\1\2" + bytes(16) + b"\0\0\0\1" + b"\0\0\0\2no"),
        ((password,), v3_8 + b"\0" + b"\0\0\0\2no"),
        ((password,), v3_8 + b"\1\x10" + bytes(4) + bytes(4) + result + init + bytes(8)),
        ((RFBSecurity(tls=TLSTrust()),), vencrypt + b"\0\0\1\4" + b"\1" + result + init),
        ((user,), vencrypt + b"\0\0\1\7" + b"\1\0\0\0\x0dSCRAM-SHA-256\0\0\0\1x"),
    ]


class NameTests(SynchronousTestCase):
    def test_whatever_a_server_holds_back_has_a_name(self) -> None:
        for number, (handshakes, said) in enumerate(servers()):
            dialogue = Dialogue(reach_console(handshakes))
            names = [dialogue.waits_for()]
            for byte in byte_by_byte(said):
                with contextlib.suppress(VNCProxyError):
                    dialogue.receive(byte)
                dialogue.tls_is_up()
                names.append(dialogue.waits_for())
            self.assertNotIn("an answer", names, f"server {number}")
            self.assertGreater(len({*names}), 3, f"server {number}: {names}")


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


class ReachConsoleTests(SynchronousTestCase):
    def test_without_handshakes_only_asks_for_the_screen(self) -> None:
        outcome = play(reach_console(()), SERVER_INIT)
        self.assertEqual((outcome.sent, outcome.result), (b"\x01", SERVER_INIT))

    def test_a_vnc_server(self) -> None:
        server = BANNER + b"\x01\x01" + bytes(4) + SERVER_INIT
        outcome = play(reach_console((RFBSecurity(),)), server)
        self.assertEqual((outcome.sent, outcome.result), (BANNER + b"\x01\x01", SERVER_INIT))

    def test_a_vnc_server_behind_a_tunnel(self) -> None:
        server = b"HTTP/1.1 200 OK\r\n\r\n" + BANNER + b"\x01\x01" + bytes(4) + SERVER_INIT
        outcome = play(reach_console((HTTPConnect("/vm"), RFBSecurity())), server + b"\0")
        self.assertEqual(outcome.sent, b"CONNECT /vm HTTP/1.1\r\n\r\n" + BANNER + b"\x01\x01")
        self.assertEqual((outcome.result, outcome.leftover), (SERVER_INIT, b"\0"))

    def test_the_first_failure_ends_it(self) -> None:
        outcome = play(reach_console((HTTPConnect("/vm"), RFBSecurity())), b"HTTP/1.1 404 No\r\n")
        self.assertEqual((outcome.error, outcome.done), (UpstreamRefused, False))


class SegmentationTests(SynchronousTestCase):
    SPECS = (HTTPConnect("/vm"), RFBSecurity())
    PREFIXES = (
        b"",
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + BANNER + b"\x01\x01" + bytes(4) + SERVER_INIT[:20],
    )

    @given(st.sampled_from(PREFIXES), sized_bytes(40), places)
    def test_changes_nothing(self, prefix: bytes, tail: bytes, where: list[int]) -> None:
        data = prefix + tail
        whole = play(reach_console(self.SPECS), data, eof=True)
        self.assertEqual(play(reach_console(self.SPECS), *byte_by_byte(data), eof=True), whole)
        self.assertEqual(play(reach_console(self.SPECS), *cut(data, where), eof=True), whole)

    @given(st.sampled_from(PREFIXES), sized_bytes(40))
    def test_random_bytes_end_in_a_console_or_our_error(self, prefix: bytes, tail: bytes) -> None:
        outcome = play(reach_console(self.SPECS), prefix + tail, eof=True)
        self.assertTrue(outcome.done or issubclass(outcome.error or object, VNCProxyError))
