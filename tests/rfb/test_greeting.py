"""The greeting of viewers of each version (RFC 6143 section 7.1, on the viewer's side)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import byte_by_byte, cut, places, play, sized_bytes
from tests.properties import given
from vncproxy.errors import DownstreamViolation, VNCProxyError
from vncproxy.handshake.steps import EndOfStream
from vncproxy.rfb.greeting import Greeting, greet, refuse

BANNER = b"RFB 003.008\n"
REASON = b"\0\0\0\x05no VM"


class GreetTests(SynchronousTestCase):
    def test_the_proxy_speaks_first(self) -> None:
        self.assertEqual(play(greet()).sent, BANNER)

    def test_3_8_chooses_and_gets_a_result(self) -> None:
        outcome = play(greet(), b"RFB 003.008\n\x01\x01")
        self.assertEqual(outcome.sent, BANNER + b"\x01\x01" + b"\0\0\0\0")
        self.assertTrue(outcome.done)

    def test_3_7_chooses_and_gets_no_result(self) -> None:
        outcome = play(greet(), b"RFB 003.007\n\x01\x01")
        self.assertEqual(outcome.sent, BANNER + b"\x01\x01")
        self.assertTrue(outcome.done)

    def test_3_3_is_told_and_gets_no_result(self) -> None:
        outcome = play(greet(), b"RFB 003.003\n\x01")
        self.assertEqual(outcome.sent, BANNER + b"\0\0\0\x01")
        self.assertTrue(outcome.done)

    def test_odd_viewers_are_served_as_the_version_they_mean(self) -> None:
        as_3_8 = play(greet(), b"RFB 003.008\n\x01\x01").sent
        as_3_3 = play(greet(), b"RFB 003.003\n\x01").sent
        self.assertEqual(play(greet(), b"RFB 003.889\n\x01\x01").sent, as_3_8)
        self.assertEqual(play(greet(), b"RFB 003.005\n\x01").sent, as_3_3)

    def test_the_result_waits_for_the_choice(self) -> None:
        self.assertEqual(play(greet(), b"RFB 003.008\n").sent, BANNER + b"\x01\x01")

    def test_shared_flag(self) -> None:
        for flag, shared in ((b"\0", False), (b"\x01", True), (b"\xff", True)):
            self.assertIs(play(greet(), b"RFB 003.008\n\x01" + flag).result, shared)

    def test_messages_behind_client_init_are_left_over(self) -> None:
        self.assertEqual(play(greet(), b"RFB 003.003\n\x01\0\0\0\0").leftover, b"\0\0\0\0")

    def test_a_choice_that_was_not_offered(self) -> None:
        for version in (b"RFB 003.007\n", b"RFB 003.008\n"):
            outcome = play(greet(), version + b"\x02")
            self.assertIs(outcome.error, DownstreamViolation)
            self.assertEqual(outcome.detail, "viewer chose security type 2, offered 1")

    def test_no_rfb(self) -> None:
        for banner in (b"GET / HTTP/1.1\r\n", b"RFB 000.000\n", bytes(12)):
            self.assertIs(play(greet(), banner).error, DownstreamViolation)

    def test_a_viewer_that_leaves(self) -> None:
        whole = b"RFB 003.008\n\x01\x01"
        for size in range(len(whole)):
            self.assertIs(play(greet(), whole[:size], eof=True).error, EndOfStream, size)


class RefuseTests(SynchronousTestCase):
    def test_3_8_and_3_7_get_no_types_and_the_reason(self) -> None:
        for version in (b"RFB 003.008\n", b"RFB 003.007\n"):
            outcome = play(refuse("no VM"), version)
            self.assertEqual(outcome.sent, BANNER + b"\0" + REASON)
            self.assertTrue(outcome.done)

    def test_3_3_gets_the_invalid_type_and_the_reason(self) -> None:
        outcome = play(refuse("no VM"), b"RFB 003.003\n")
        self.assertEqual(outcome.sent, BANNER + b"\0\0\0\0" + REASON)
        self.assertTrue(outcome.done)

    def test_no_rfb(self) -> None:
        self.assertIs(play(refuse("no VM"), b"GET / HTTP/1.1\r\n").error, DownstreamViolation)

    def test_a_viewer_that_leaves(self) -> None:
        self.assertIs(play(refuse("no VM"), b"RFB", eof=True).error, EndOfStream)


class BrokenOffTests(SynchronousTestCase):
    """A refusal goes on with a greeting, wherever that was broken off."""

    def told(self, before: bytes, after: bytes = b"") -> bytes:
        greeting = Greeting()
        greeted = play(greeting.greet(), before)
        return play(greeting.refuse("no VM"), greeted.leftover + after).sent

    def test_before_the_version_is_there(self) -> None:
        for size in (0, 5):
            banner = b"RFB 003.008\n"
            self.assertEqual(self.told(banner[:size], banner[size:]), b"\0" + REASON)

    def test_before_the_choice(self) -> None:
        self.assertEqual(self.told(b"RFB 003.008\n", b"\x01"), b"\0\0\0\x01" + REASON)

    def test_after_a_choice_that_was_not_offered(self) -> None:
        self.assertEqual(self.told(b"RFB 003.008\n\x02"), b"\0\0\0\x01" + REASON)

    def test_where_there_is_no_place_for_a_reason(self) -> None:
        for said in (b"RFB 003.008\n\x01", b"RFB 003.007\n", b"RFB 003.003\n", bytes(12)):
            self.assertEqual(self.told(said), b"")


class SegmentationTests(SynchronousTestCase):
    @given(sized_bytes(8), places)
    def test_changes_nothing(self, tail: bytes, where: list[int]) -> None:
        for banner in (b"RFB 003.003\n", b"RFB 003.007\n\x01", b"RFB 003.008\n\x01", b""):
            data = banner + tail
            whole = play(greet(), data, eof=True)
            self.assertEqual(play(greet(), *byte_by_byte(data), eof=True), whole)
            self.assertEqual(play(greet(), *cut(data, where), eof=True), whole)

    @given(sized_bytes(8))
    def test_random_bytes_end_in_a_result_or_our_error(self, tail: bytes) -> None:
        for banner in (b"", b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n"):
            outcome = play(greet(), banner + tail, eof=True)
            self.assertTrue(outcome.done or issubclass(outcome.error or object, VNCProxyError))
