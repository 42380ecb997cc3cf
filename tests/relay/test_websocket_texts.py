"""Text messages: for who listens to them, and no payload."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.rfc6455 import BINARY, CONTINUED, TEXT, frame
from vncproxy.relay.framing import TEXT_LIMIT, FrameError
from vncproxy.relay.websocket_framing import WebSocketFraming


class TextTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.texts: list[str] = []
        self.framing = WebSocketFraming()
        self.framing.on_text = self.texts.append

    def test_a_text_is_no_payload(self) -> None:
        data = frame(BINARY, b"a") + frame(TEXT, "ein Gruß".encode()) + frame(BINARY, b"b")

        self.assertEqual(self.framing.receive(data), b"ab")
        self.assertEqual(self.texts, ["ein Gruß"])

    def test_it_arrives_in_any_pieces(self) -> None:
        data = frame(TEXT, b"x" * TEXT_LIMIT) + frame(TEXT, b"") + frame(BINARY, b"b")

        payload = b"".join(self.framing.receive(data[n : n + 1]) for n in range(len(data)))

        self.assertEqual((payload, self.texts), (b"b", ["x" * TEXT_LIMIT, ""]))
        self.assertTrue(self.framing.between_messages)

    def test_what_is_refused(self) -> None:
        between = frame(BINARY, b"a", final=False) + frame(TEXT, b"text")
        for data, code in (
            (frame(TEXT, b"x" * (TEXT_LIMIT + 1)), 1009),
            (frame(TEXT, b"te", final=False) + frame(CONTINUED, b"xt"), 1002),
            (between, 1002),
            (frame(TEXT, b"\xff"), 1007),
        ):
            framing = WebSocketFraming()
            framing.on_text = self.texts.append
            error = self.assertRaises(FrameError, framing.receive, data)
            self.assertEqual(error.reply_code, code)
        self.assertEqual(self.texts, [])
