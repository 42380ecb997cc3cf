"""The opening handshake of a web socket towards a server, stated in bytes."""

from __future__ import annotations

import base64
import re
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import byte_by_byte, play, sized_bytes
from tests.properties import given
from vncproxy.errors import UpstreamRefused, UpstreamViolation, VNCProxyError
from vncproxy.handshake.dialogue import Dialogue
from vncproxy.handshake.steps import EndOfStream, TooLong
from vncproxy.upstream.websocket import HEADER_LIMIT, open_websocket

# RFC 6455 section 1.3
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
TICKET = "/ticket/0123456789abcdef?a=b"
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n"
    b"Sec-WebSocket-Protocol: binary\r\n"
    b"\r\n"
)


class WebSocketTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        random = mock.patch("os.urandom", lambda size: base64.b64decode(KEY)[:size])
        random.start()
        self.addCleanup(random.stop)


class RequestTests(WebSocketTestCase):
    def request(self, host: str = "esx1.example.com", target: str = TICKET) -> list[str]:
        sent = Dialogue(open_websocket(host, 443, target)).outgoing()
        return sent.decode().split("\r\n")

    def test_the_target_as_it_is_and_the_binary_subprotocol(self) -> None:
        line, *headers = self.request()
        self.assertEqual(line, f"GET {TICKET} HTTP/1.1")
        self.assertIn("Host: esx1.example.com:443", headers)
        self.assertIn("Sec-WebSocket-Protocol: binary", headers)
        self.assertIn("Sec-WebSocket-Version: 13", headers)
        self.assertIn(f"Sec-WebSocket-Key: {KEY.decode()}", headers)
        self.assertEqual(headers[-2:], ["", ""])

    def test_nothing_more_is_told(self) -> None:
        for name in ("Origin", "User-Agent", "Cookie", "Sec-WebSocket-Extensions"):
            self.assertFalse([line for line in self.request() if line.startswith(name)])

    def test_an_ipv6_address_stands_in_brackets(self) -> None:
        self.assertIn("Host: [2001:db8::7]:443", self.request("2001:db8::7"))

    def test_headers_follow_where_the_endpoint_names_some(self) -> None:
        sent = Dialogue(open_websocket("esx1", 443, TICKET, (("X-Zone", "madrid"),))).outgoing()
        self.assertIn("X-Zone: madrid", sent.decode().split("\r\n"))

    def test_no_target_is_the_root(self) -> None:
        self.assertEqual(self.request(target="")[0], "GET / HTTP/1.1")


class AnswerTests(WebSocketTestCase):
    def test_what_follows_the_header_is_left(self) -> None:
        for pieces in ([ANSWER + b"\x82\x01a"], byte_by_byte(ANSWER + b"\x82\x01a")):
            outcome = play(open_websocket("esx1", 443, TICKET), *pieces)
            self.assertEqual((outcome.detail, outcome.done), ("", True))
            self.assertEqual(outcome.leftover, b"\x82\x01a")

    def test_no_subprotocol_is_good_enough(self) -> None:
        answer = ANSWER.replace(b"Sec-WebSocket-Protocol: binary\r\n", b"")
        self.assertTrue(play(open_websocket("esx1", 443, TICKET), answer).done)

    def test_any_other_status_refuses_at_once(self) -> None:
        for status in ("200 OK", "302 Found", "401 Unauthorized", "403 Forbidden", "404 Not Found"):
            outcome = play(open_websocket("esx1", 443, TICKET), f"HTTP/1.1 {status}\r\n".encode())
            self.assertIs(outcome.error, UpstreamRefused)
            self.assertEqual(outcome.detail, f"web socket answered with HTTP/1.1 {status}")

    def test_answers_that_rfc_6455_forbids(self) -> None:
        for spoiled in (
            ANSWER.replace(ACCEPT, KEY),
            ANSWER.replace(b"binary", b"base64"),
            ANSWER.replace(b"Upgrade: websocket\r\n", b""),
            ANSWER.replace(b"Connection: Upgrade", b"Connection: close"),
            ANSWER.replace(
                b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
            ),
            ANSWER.replace(b"binary", b"\xff\xfe"),
        ):
            outcome = play(open_websocket("esx1", 443, TICKET), spoiled)
            self.assertIs(outcome.error, UpstreamViolation, spoiled)
            self.assertTrue(outcome.detail.startswith("web socket: "), outcome.detail)
            self.assertNotIn("ticket", outcome.detail)

    def test_something_that_is_not_http(self) -> None:
        for answer in (b"RFB 003.008\n", b"HTTP/1.0 101 Switching\r\n"):
            outcome = play(open_websocket("esx1", 443, TICKET), answer)
            self.assertIs(outcome.error, UpstreamViolation)
            self.assertIn("not an HTTP reply", outcome.detail)

    def test_a_header_without_end(self) -> None:
        outcome = play(open_websocket("esx1", 443, TICKET), ANSWER[:-2] + b"a" * HEADER_LIMIT)
        self.assertIs(outcome.error, TooLong)

    def test_an_end_before_the_answer(self) -> None:
        outcome = play(open_websocket("esx1", 443, TICKET), b"HTTP", eof=True)
        self.assertIs(outcome.error, EndOfStream)

    @given(sized_bytes(200))
    def test_random_bytes_raise_only_our_errors(self, data: bytes) -> None:
        for start in (b"", b"HTTP/1.1 101 a\r\n", ANSWER[:-2]):
            outcome = play(open_websocket("h", 1, "/"), start + data + b"\r\n\r\n", eof=True)
            self.assertTrue(outcome.done or issubclass(outcome.error or int, VNCProxyError))


class KeyTests(SynchronousTestCase):
    def test_every_handshake_has_a_key_of_its_own(self) -> None:
        keys = set()
        for _ in range(3):
            sent = Dialogue(open_websocket("esx1", 443, "/")).outgoing()
            match = re.search(rb"Sec-WebSocket-Key: (.*)\r\n", sent)
            assert match
            keys.add(match[1])
        self.assertEqual(len(keys), 3)
