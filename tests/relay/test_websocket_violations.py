"""Frames that violate RFC 6455, section 5, and the close codes that answer them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.rfc6455 import (
    BINARY,
    CLOSE,
    CONTINUED,
    KEY,
    PING,
    PONG,
    TEXT,
    frame,
)
from vncproxy.errors import DownstreamViolation
from vncproxy.relay.framing import CloseCode, FrameError
from vncproxy.relay.websocket_framing import WebSocketFraming


class ViolationTests(SynchronousTestCase):
    def assertViolation(self, data: bytes, *, code: int = 1002, client: bool = False) -> None:
        error = self.assertRaises(FrameError, WebSocketFraming(client=client).receive, data)
        self.assertEqual(error.reply_code, code, error.detail)

    def test_reserved_bits(self) -> None:
        for bit in (0x10, 0x20, 0x40):
            self.assertViolation(bytes([0x82 | bit, 0x80]) + KEY)

    def test_a_client_must_mask(self) -> None:
        self.assertViolation(frame(BINARY, b"Hello", key=None))
        self.assertViolation(frame(PING, key=None))

    def test_a_server_must_not_mask(self) -> None:
        self.assertViolation(frame(BINARY, b"Hello"), client=True)
        self.assertViolation(frame(CLOSE), client=True)

    def test_text(self) -> None:
        self.assertViolation(frame(TEXT, b"Hello"), code=1003)
        self.assertViolation(frame(TEXT, b"Hel", final=False), code=1003)

    def test_unknown_types(self) -> None:
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            self.assertViolation(frame(opcode))

    def test_long_control_frames(self) -> None:
        for opcode in (CLOSE, PING, PONG):
            self.assertViolation(frame(opcode, bytes(126)))

    def test_fragmented_control_frames(self) -> None:
        for opcode in (CLOSE, PING, PONG):
            self.assertViolation(frame(opcode, final=False))

    def test_sizes_of_64_bits(self) -> None:
        self.assertViolation(b"\x82\xff\x80" + bytes(7) + KEY)
        self.assertViolation(b"\x82\xff" + b"\xff" * 8 + KEY)

    def test_a_continuation_of_nothing(self) -> None:
        self.assertViolation(frame(CONTINUED, b"Hello"))
        self.assertViolation(frame(BINARY, b"Hello") + frame(CONTINUED))

    def test_a_message_within_a_message(self) -> None:
        self.assertViolation(frame(BINARY, b"Hel", final=False) + frame(BINARY, b"lo"))

    def test_a_header_is_judged_before_its_payload_comes(self) -> None:
        self.assertViolation(frame(TEXT, bytes(100))[:6], code=1003)

    def test_is_the_peers_fault(self) -> None:
        self.assertTrue(issubclass(FrameError, DownstreamViolation))

    def test_nothing_is_received_after_one(self) -> None:
        framing = WebSocketFraming()
        self.assertRaises(FrameError, framing.receive, frame(TEXT))
        for data in (frame(BINARY, b"Hello"), frame(PING), b"\0"):
            self.assertRaises(FrameError, framing.receive, data)
        self.assertEqual(framing.replies(), b"")

    def test_can_still_be_told_to_the_peer(self) -> None:
        framing = WebSocketFraming()
        error = self.assertRaises(FrameError, framing.receive, frame(TEXT))
        self.assertEqual(framing.close(error.reply_code, ""), b"\x88\x02\x03\xeb")
        self.assertIs(error.reply_code, CloseCode.UNSUPPORTED_DATA)
