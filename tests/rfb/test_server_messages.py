"""A server's messages are found by their lengths; the bytes are those of the specifications."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.server_messages import (
    JPEG,
    LAST,
    MESSAGES,
    PIXEL,
    RECTANGLES,
    Rectangle,
    update,
)
from tests.properties import given, settings
from tests.properties import strategies as st
from vncproxy.errors import UpstreamViolation
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_messages import FormatChanges, ServerPieces
from vncproxy.rfb.server_messages.layout import PixelLayout, pixel_layout

RGB565 = PixelFormat(16, 16, False, True, 31, 63, 31, 11, 5, 0)
RGB332 = PixelFormat(8, 8, False, True, 7, 7, 3, 0, 3, 6)

Found = list[tuple[int, int, int]]


def walk(pieces: Sequence[bytes], pixels: PixelFormat | None = None) -> tuple[Found, int]:
    """Return kind, begin and end of each whole message, and how many bytes lie in pieces."""
    walker = ServerPieces(FormatChanges(pixels or PixelFormat()))
    found: Found = []
    begin = passed = 0
    for data in pieces:
        for each in walker.receive(data):
            assert each.start < each.end <= len(walker.data)
            begin = passed if each.first else begin
            passed += each.end - each.start
            if each.last:
                found.append((each.kind, begin, passed))
        assert len(walker._held) < 300
    return found, passed


def boundaries(messages: Sequence[bytes]) -> Found:
    found, at = [], 0
    for each in messages:
        found.append((each[0], at, at + len(each)))
        at += len(each)
    return found


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


STREAM = b"".join(MESSAGES)


class MessageTests(SynchronousTestCase):
    def test_each_rectangle_has_its_length(self) -> None:
        for each in RECTANGLES:
            data = update(each)
            self.assertEqual(walk([data + b"\2"])[0], boundaries([data, b"\2"]), each.name)

    def test_messages_follow_each_other_without_a_gap(self) -> None:
        self.assertEqual(walk([STREAM]), (boundaries(MESSAGES), len(STREAM)))

    def test_a_byte_at_a_time_gives_the_same(self) -> None:
        pieces = [bytes([byte]) for byte in STREAM]

        self.assertEqual(walk(pieces), (boundaries(MESSAGES), len(STREAM)))

    @settings(max_examples=50)
    @given(st.lists(st.integers(0, 3000), max_size=60))
    def test_any_segmentation_gives_the_same(self, sizes: list[int]) -> None:
        self.assertEqual(walk(cut(STREAM, sizes)), (boundaries(MESSAGES), len(STREAM)))

    def test_pixels_count_as_in_their_format(self) -> None:
        for pixels, raw, rre, tight in (
            (RGB565, bytes(2) * 6, bytes(4) + bytes(2), b"\x80" + bytes(2)),
            (RGB332, bytes(6), bytes(4) + bytes(1), b"\x80" + bytes(1)),
        ):
            messages = [
                update(Rectangle("", 3, 2, 0, raw), Rectangle("", 9, 9, 2, rre)),
                update(Rectangle("", 9, 9, 7, tight), Rectangle("", 2, 2, -314, bytes(4 + 16))),
            ]
            self.assertEqual(walk([b"".join(messages)], pixels)[0], boundaries(messages))

    def test_an_update_ends_with_last_rect_whatever_its_count(self) -> None:
        data = update(RECTANGLES[0], LAST, count=9)

        self.assertEqual(walk([data + b"\2"])[0], boundaries([data, b"\2"]))

    def test_the_longest_rectangle_of_tight(self) -> None:
        walker = ServerPieces(FormatChanges(PixelFormat()))
        longest = bytes([0x90, 0xFF, 0xFF, 0xFF])
        walker.receive(update(Rectangle("", 9, 9, 7, longest)))

        [piece] = walker.receive(bytes((1 << 22) - 1) + b"\2")[:1]

        self.assertEqual((piece.end, piece.last), ((1 << 22) - 1, True))

    def test_a_rectangle_of_gigabytes_is_not_kept(self) -> None:
        walker = ServerPieces(FormatChanges(PixelFormat()))
        walker.receive(update(Rectangle("", 9, 9, 16, b"\xff\xff\xff\xff")))

        for _ in range(3):
            [piece] = walker.receive(bytes(1 << 20))
            self.assertEqual((piece.start, piece.end, piece.last), (0, 1 << 20, False))
            self.assertEqual(walker._held, b"")

    def test_rectangles_of_tiles_without_width_cost_nothing(self) -> None:
        data = update(*[Rectangle("", 0, 65535, each, b"") for each in (5, 15)] * 3000)
        started = time.process_time()

        self.assertEqual(walk([data])[0], boundaries([data]))

        self.assertLess(time.process_time() - started, 1.0)


class ViolationTests(SynchronousTestCase):
    def refused(self, data: bytes, pixels: PixelFormat | None = None) -> str:
        with self.assertRaises(UpstreamViolation) as caught:
            walk([data + bytes(3000)], pixels)
        detail: str = caught.exception.detail
        return detail

    def rectangle(self, encoding: int, data: bytes, size: int = 16) -> bytes:
        return update(Rectangle("", size, size, encoding, data))

    def test_what_is_not_known(self) -> None:
        self.assertEqual(self.refused(b"\4"), "message type 4 of a server is not known")
        for encoding in (3, 1000, -1, -22, -317):
            self.assertIn(
                f"encoding {encoding}, which", self.refused(self.rectangle(encoding, b""))
            )
        self.assertIn("QEMU message 2", self.refused(bytes.fromhex("ff 02 0000")))
        self.assertIn("operation 3", self.refused(bytes.fromhex("ff 01 0003")))

    def test_what_is_malformed(self) -> None:
        for encoding, data, reason in (
            (5, b"\x20", "Hextile tile with mask 32"),
            (7, b"\xb0", "Tight rectangle of method 11"),
            (7, b"\x40\x03", "Tight filter 3"),
            (15, b"\x11", "TRLE tile of kind 17"),
            (15, b"\x7f", "TRLE tile with the palette of a tile that has none"),
            (15, b"\x81", "TRLE tile with the palette of a tile that has none"),
            (15, b"\x80\0\0\0\xff\x01", "TRLE run of 1 pixels too many"),
            (15, b"\x80\0\0\0" + b"\xff" * 40, "pixels too many"),
            (15, b"\x82" + bytes(6) + b"\x80\xff\x01", "TRLE run of 1 pixels too many"),
            (15, b"\x82" + bytes(6) + b"\x02", "TRLE index 2 of 2 colours"),
            (21, b"\xff\xd9", "JPEG rectangle without a start marker"),
            (21, b"\xff\xd8\0\0", "JPEG rectangle without a marker between two segments"),
            (21, b"\xff\xd8\xff\xc4\0\x01", "JPEG segment of 1 bytes"),
            (-314, b"\0\0\0\7", "cursor with alpha in the encoding 7"),
            (0x574D5664, b"\2\0", "VMware cursor of kind 2"),
        ):
            self.assertIn(reason, self.refused(self.rectangle(encoding, data)))
        self.assertIn("VMware message of 3", self.refused(bytes.fromhex("7f 00 0003")))

    def test_packed_indices_of_a_palette_that_is_too_large_for_them(self) -> None:
        runs = b"\x91" + bytes(51) + b"\x80\xff\x00"
        data = update(Rectangle("", 32, 16, 15, runs + b"\x7f"))

        self.assertIn("packed indices of 17 colours", self.refused(data))

    def test_tight_where_servers_differ_about_its_pixels(self) -> None:
        self.assertIn(
            "Tight with a pixel", self.refused(self.rectangle(7, b"\x80"), PixelFormat(32, 32))
        )

    def test_a_violation_is_not_forgotten(self) -> None:
        walker = ServerPieces(FormatChanges(PixelFormat()))
        self.assertRaises(UpstreamViolation, walker.receive, b"\4")


class LayoutTests(SynchronousTestCase):
    def test_the_sizes_of_a_pixel(self) -> None:
        for pixels, sizes in (
            (PixelFormat(), (4, 3, 3)),
            (PixelFormat(red_shift=24, green_shift=16, blue_shift=8), (4, 3, 3)),
            (PixelFormat(red_shift=24, green_shift=8, blue_shift=0), (4, 3, 4)),
            (PixelFormat(32, 32), (4, 0, 4)),
            (PixelFormat(32, 24, False, True, 127, 255, 255, 16, 8, 0), (4, 4, 3)),
            (PixelFormat(8, 8, False, False), (1, 1, 1)),
            (RGB565, (2, 2, 2)),
            (RGB332, (1, 1, 1)),
        ):
            self.assertEqual(pixel_layout(pixels), PixelLayout(*sizes), pixels)


class AnyBytesTests(SynchronousTestCase):
    starts = st.sampled_from([each[:16] for each in MESSAGES] + [JPEG[:9], PIXEL])
    rectangles = st.tuples(
        st.integers(0, 40),
        st.integers(0, 40),
        st.sampled_from([each.encoding for each in RECTANGLES]),
    ).map(lambda each: struct.pack(">BxHHHHHi", 0, 1, 0, 0, *each))
    likely = st.lists(st.one_of(starts, rectangles, st.binary(max_size=40)), max_size=6)

    @given(likely.map(b"".join), st.lists(st.integers(0, 40), max_size=12))
    def test_any_segmentation_of_random_bytes_gives_the_same(
        self, data: bytes, sizes: list[int]
    ) -> None:
        def outcome(pieces: list[bytes]) -> object:
            try:
                return walk(pieces)
            except UpstreamViolation as e:
                return e.detail

        self.assertEqual(outcome(cut(data, sizes)), outcome([data]))
