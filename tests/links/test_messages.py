"""The lines of a link, and the messages between processes about tunnels."""

from __future__ import annotations

import contextlib

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.links import neighbours
from vncproxy.links.messages import End, Failed, Hello, Message, Open, Ping, decode, encode
from vncproxy.links.neighbours import NotMade, Wanted
from vncproxy.model import ZoneService

ORDER = Open("c0ffee0000000001-s3cret", ZoneService.CONSOLE, "192.0.2.1")


class LineTests(SynchronousTestCase):
    def test_lines_as_they_are_sent(self) -> None:
        said: list[tuple[Message, bytes]] = [
            (Ping(), b'{"is": "ping"}'),
            (End("it drains"), b'{"is": "end", "why": "it drains"}'),
            (
                ORDER,
                b'{"is": "open", "tunnel": "c0ffee0000000001-s3cret", "service": "console", '
                b'"client": "192.0.2.1"}',
            ),
            (Failed("t", "busy"), b'{"is": "failed", "tunnel": "t", "why": "busy"}'),
            (
                Hello("paris", "0.1.0", "proxy-1", 1.5),
                b'{"is": "hello", "zone": "paris", "version": "0.1.0", "proxy": "proxy-1", '
                b'"time": 1.5}',
            ),
        ]
        for message, line in said:
            self.assertEqual(encode(message), line)
            self.assertEqual(decode(line), message)

    def test_what_a_later_version_says_is_ignored(self) -> None:
        self.assertIsNone(decode(b'{"is": "dance"}'))
        self.assertEqual(decode(b'{"is": "ping", "mood": "good"}'), Ping())

    def test_what_is_malformed_is_an_error(self) -> None:
        for line in (
            b"",
            b"[]",
            b"{}",
            b'{"is": "open"}',
            b'{"is": "open", "tunnel": 1, "service": "api", "client": ""}',
            b'{"is": "open", "tunnel": "t", "service": "shell", "client": ""}',
            b'{"is": "hello", "zone": "a", "version": "b", "proxy": "c", "time": "soon"}',
            b"[" * 4000,
        ):
            with self.subTest(line=line[:40]):
                self.assertRaises(ValueError, decode, line)

    def test_words_from_outside_are_printable(self) -> None:
        self.assertEqual(decode(b'{"is": "end", "why": "a\\nb"}'), End(r"a\u000ab"))

    @given(st.binary(max_size=200))
    def test_any_bytes_are_a_message_or_an_error(self, line: bytes) -> None:
        with contextlib.suppress(ValueError):
            decode(line)


class NeighbourTests(SynchronousTestCase):
    def test_messages_survive(self) -> None:
        messages: tuple[Wanted | NotMade, ...] = (
            Wanted("madrid", ORDER),
            NotMade("t", "its link was lost", True),
        )
        for message in messages:
            text = neighbours.encode(message)
            self.assertIn('"tunnel"', text)
            self.assertEqual(neighbours.decode(text.encode()), message)

    def test_what_is_malformed_is_an_error(self) -> None:
        for text in ("", "[]", '{"v": 1}', '{"v": 2, "tunnel": "t"}', '{"v": 1, "tunnel": "t"}'):
            self.assertRaises(ValueError, neighbours.decode, text.encode())
