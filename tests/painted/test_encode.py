"""Pixels and updates as RFC 6143 sections 7.4 and 7.6.1 have them."""

from __future__ import annotations

import zlib

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.painted.canvas import Canvas, Rect, pixel
from vncproxy.painted.encode import Encoder, converter
from vncproxy.rfb.pixels import PixelFormat

RED, GREEN, BLUE, MIXED = 0xFF0000, 0x00FF00, 0x0000FF, 0x804020
COLOURS = b"".join(map(pixel, (RED, GREEN, BLUE, MIXED)))

RGB565 = PixelFormat(16, 16, False, True, 31, 63, 31, 11, 5, 0)
BGR233 = PixelFormat(8, 8, False, True, 7, 7, 3, 0, 3, 6)
RGB555_BIG = PixelFormat(16, 15, True, True, 31, 31, 31, 10, 5, 0)
RGB888_BIG = PixelFormat(32, 24, True, True, 255, 255, 255, 16, 8, 0)
NOVNC = PixelFormat(32, 24, False, True, 255, 255, 255, 0, 8, 16)
DEEP = PixelFormat(32, 30, False, True, 1023, 1023, 1023, 20, 10, 0)


class ConverterTests(SynchronousTestCase):
    def test_each_format_writes_red_green_blue_and_a_mixed_colour_as_it_says(self) -> None:
        for wanted, expected in [
            (PixelFormat(), "0000ff00 00ff0000 ff000000 20408000"),
            (NOVNC, "ff000000 00ff0000 0000ff00 80402000"),
            (RGB888_BIG, "00ff0000 0000ff00 000000ff 00804020"),
            (RGB565, "00f8 e007 1f00 0482"),
            (RGB555_BIG, "7c00 03e0 001f 4104"),
            (BGR233, "07 38 c0 14"),
            (DEEP, "0000f03f 00fc0f00 ff030000 80042420"),
        ]:
            self.assertEqual(
                converter(wanted)(COLOURS).hex(), bytes.fromhex(expected).hex(), wanted
            )

    @given(st.binary(max_size=40).map(lambda raw: raw[: len(raw) // 4 * 4]))
    def test_a_picture_is_converted_as_its_pixels_one_by_one(self, pixels: bytes) -> None:
        for wanted in (NOVNC, RGB565, BGR233, DEEP):
            convert = converter(wanted)
            single = [convert(pixels[at : at + 4]) for at in range(0, len(pixels), 4)]
            self.assertEqual(convert(pixels), b"".join(single))


class EncoderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.canvas = Canvas(4, 2, lambda rect: None)
        self.canvas.put(0, 1, [COLOURS])
        self.encoder = Encoder()

    def test_an_update_names_each_rectangle_and_its_pixels_row_by_row(self) -> None:
        update = self.encoder.update(self.canvas, [Rect(1, 0, 2, 2), Rect(0, 1, 1, 1)])

        self.assertEqual(
            update,
            bytes.fromhex("00 00 0002")
            + bytes.fromhex("0001 0000 0002 0002 00000000")
            + bytes.fromhex("00000000 00000000 00ff0000 ff000000")
            + bytes.fromhex("0000 0001 0001 0001 00000000")
            + bytes.fromhex("0000ff00"),
        )

    def test_zlib_is_one_stream_for_the_whole_connection(self) -> None:
        self.encoder.use_encodings((7, 6, 0))
        inflate = zlib.decompressobj()

        for _ in range(2):
            update = self.encoder.update(self.canvas, [Rect(0, 1, 4, 1)])
            self.assertEqual(update[:16].hex(), "00000001000000010004000100000006")
            self.assertEqual(int.from_bytes(update[16:20], "big"), len(update) - 20)
            self.assertEqual(inflate.decompress(update[20:]), COLOURS)

    def test_a_viewer_that_knows_no_zlib_gets_raw(self) -> None:
        self.encoder.use_encodings((6,))
        self.encoder.use_encodings((16, 5))

        self.assertEqual(self.encoder.update(self.canvas, [Rect(0, 1, 4, 1)])[16:], COLOURS)

    def test_the_format_asked_for_is_used(self) -> None:
        self.encoder.use_format(BGR233)

        self.assertEqual(
            self.encoder.update(self.canvas, [Rect(0, 1, 4, 1)])[16:].hex(), "0738c014"
        )
