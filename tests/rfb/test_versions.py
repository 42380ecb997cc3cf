"""Banners of real servers and viewers, and reasons as they are sent (RFC 6143 section 7.1)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import byte_by_byte, cut, places, play, sized_bytes
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.handshake.reasons import clean_reason
from vncproxy.rfb.versions import (
    NotRFB,
    Version,
    encode_reason,
    parse_banner,
    read_reason,
    sized_text,
)

BANNERS = [
    (b"RFB 003.003\n", Version.V3_3),
    (b"RFB 003.004\n", Version.V3_3),
    (b"RFB 003.005\n", Version.V3_3),
    (b"RFB 003.006\n", Version.V3_3),
    (b"RFB 003.007\n", Version.V3_7),
    (b"RFB 003.008\n", Version.V3_8),
    (b"RFB 003.009\n", Version.V3_8),
    (b"RFB 003.889\n", Version.V3_8),
    (b"RFB 004.000\n", Version.V3_8),
    (b"RFB 004.001\n", Version.V3_8),
    (b"RFB 005.000\n", Version.V3_8),
]
NO_BANNERS = [
    b"",
    b"RFB 003.008",
    b"RFB 003.008\r",
    b"RFB 003.008\n\n",
    b"rfb 003.008\n",
    b"RFB 003,008\n",
    b"RFB 3.8\n\0\0\0\0",
    b"RFB -03.008\n",
    b"RFB 00\xb2.008\n",
    b"HTTP/1.1 400",
    b"SSH-2.0-Open",
    bytes(12),
]


class BannerTests(SynchronousTestCase):
    def test_real_ones_are_mapped_as_viewers_do(self) -> None:
        for banner, version in BANNERS:
            self.assertIs(parse_banner(banner), version, banner)

    def test_anything_else_is_refused_and_shown(self) -> None:
        for banner in NO_BANNERS:
            error = self.assertRaises(NotRFB, parse_banner, banner)
            self.assertEqual(error.detail, f"{banner.decode('latin-1')!r} is not an RFB banner")

    def test_a_repeater_is_refused(self) -> None:
        error = self.assertRaises(NotRFB, parse_banner, b"RFB 000.000\n")
        self.assertEqual(error.detail, "RFB version 0.0 is not supported")

    def test_versions_before_the_first_published_one_are_refused(self) -> None:
        for banner in (b"RFB 003.002\n", b"RFB 002.999\n", b"RFB 000.999\n"):
            self.assertRaises(NotRFB, parse_banner, banner)

    @given(st.integers(0, 999), st.integers(0, 999))
    def test_every_number_is_mapped_or_refused(self, major: int, minor: int) -> None:
        banner = b"RFB %03d.%03d\n" % (major, minor)
        if (major, minor) < (3, 3):
            self.assertRaises(NotRFB, parse_banner, banner)
        else:
            self.assertIn(parse_banner(banner), Version)

    @given(sized_bytes(16))
    def test_random_bytes_raise_only_our_error(self, banner: bytes) -> None:
        try:
            parse_banner(banner)
        except NotRFB:
            return
        self.assertRegex(banner, rb"^RFB \d{3}\.\d{3}\n$")


class CleanReasonTests(SynchronousTestCase):
    def test_plain_text_stays(self) -> None:
        self.assertEqual(clean_reason(b"Too many failures"), "Too many failures")

    def test_utf_8_stays(self) -> None:
        self.assertEqual(
            clean_reason("Zugang verweigert \u2013 ja".encode()), "Zugang verweigert \u2013 ja"
        )

    def test_nuls_that_are_counted_in_are_dropped(self) -> None:
        self.assertEqual(clean_reason(b"Authentication failed\0"), "Authentication failed")

    def test_control_characters_become_one_space(self) -> None:
        self.assertEqual(clean_reason(b"a\r\nb\x1b[2Jc\x7f\td"), "a b [2Jc d")

    def test_characters_that_break_or_turn_a_line_become_a_space(self) -> None:
        for character in "\x85\x9b\u2028\u2029\u202e\ufeff":
            self.assertEqual(clean_reason(f"a{character}b".encode()), "a b", ascii(character))

    def test_invalid_utf_8_becomes_question_marks(self) -> None:
        self.assertEqual(clean_reason(b"caf\xe9 ferm\xe9"), "caf? ferm?")

    def test_long_text_is_capped(self) -> None:
        self.assertEqual(clean_reason(b"x" * 4096), "x" * 512)

    @given(sized_bytes(700))
    def test_is_one_printable_line(self, raw: bytes) -> None:
        reason = clean_reason(raw)
        self.assertTrue(reason.isprintable())
        self.assertLessEqual(len(reason), 512)
        self.assertEqual(reason, reason.strip())


class EncodeReasonTests(SynchronousTestCase):
    def test_length_comes_first(self) -> None:
        self.assertEqual(encode_reason("no VM"), b"\0\0\0\x05no VM")

    def test_text_is_utf_8(self) -> None:
        self.assertEqual(encode_reason("\xe9"), b"\0\0\0\x02\xc3\xa9")

    def test_long_text_is_cut_at_a_character(self) -> None:
        self.assertEqual(
            encode_reason("x" + "\xe9" * 400), b"\0\0\1\xff" + b"x" + b"\xc3\xa9" * 255
        )

    def test_what_utf_8_cannot_say_becomes_a_question_mark(self) -> None:
        self.assertEqual(encode_reason("a\udce9b"), b"\0\0\0\x03a?b")

    @given(st.text(max_size=40), st.integers(0, 60))
    def test_sized_text_is_a_valid_beginning(self, text: str, limit: int) -> None:
        encoded = sized_text(text, limit)
        self.assertEqual(int.from_bytes(encoded[:4], "big"), len(encoded) - 4)
        self.assertLessEqual(len(encoded) - 4, limit)
        self.assertTrue(text.startswith(encoded[4:].decode()))


class ReadReasonTests(SynchronousTestCase):
    def test_reads_length_and_text(self) -> None:
        outcome = play(read_reason(), b"\0\0\0\x05no VMrest")
        self.assertEqual((outcome.result, outcome.leftover), ("no VM", b"rest"))

    def test_empty(self) -> None:
        self.assertEqual(play(read_reason(), bytes(4)).result, "")

    def test_closed_without_one(self) -> None:
        self.assertEqual(play(read_reason(), eof=True).result, "")

    def test_closed_within_its_length(self) -> None:
        self.assertEqual(play(read_reason(), b"\0\0\0", eof=True).result, "")

    def test_closed_within_its_text(self) -> None:
        self.assertEqual(play(read_reason(), b"\0\0\0\x05no", eof=True).result, "no")

    def test_length_of_four_gigabytes_and_a_short_text(self) -> None:
        self.assertEqual(play(read_reason(), b"\xff\xff\xff\xffno VM", eof=True).result, "no VM")

    def test_not_more_than_512_bytes_are_waited_for(self) -> None:
        outcome = play(read_reason(), b"\xff\xff\xff\xff" + b"x" * 512)
        self.assertEqual(outcome.result, "x" * 512)

    @given(sized_bytes(30), places)
    def test_segmentation_changes_nothing(self, text: bytes, where: list[int]) -> None:
        data = b"\0\0\0\x14" + text
        whole = play(read_reason(), data, eof=True)
        self.assertEqual(play(read_reason(), *byte_by_byte(data), eof=True), whole)
        self.assertEqual(play(read_reason(), *cut(data, where), eof=True), whole)
