"""The bytes are those of RFC 6143 sections 7.4 and 7.3.2."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import UpstreamViolation
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_init import NAME_LIMIT, ServerInit

NOVNC = bytes.fromhex("20 18 00 01 00ff 00ff 00ff 00 08 10 000000")
RGB565_BIG = bytes.fromhex("10 10 01 01 001f 003f 001f 0b 05 00 000000")
DEMO_INIT = bytes.fromhex("0400 0300 2018000100ff00ff00ff100800000000 00000004 64656d6f")


class PixelFormatTests(SynchronousTestCase):
    def test_the_format_of_novnc_is_read_field_by_field(self) -> None:
        found = PixelFormat.unpack(NOVNC)

        self.assertEqual(
            found, PixelFormat(32, 24, red_shift=0, green_shift=8, blue_shift=16, big_endian=False)
        )
        self.assertEqual(found.bytes_per_pixel, 4)

    def test_sixteen_bits_big_endian_is_written_byte_by_byte(self) -> None:
        rgb565 = PixelFormat(16, 16, True, True, 31, 63, 31, 11, 5, 0)

        self.assertEqual(rgb565.pack(), RGB565_BIG)

    def test_a_colour_map_needs_no_channels(self) -> None:
        found = PixelFormat.unpack(bytes([8, 8, 0, 0]) + bytes(12))

        self.assertFalse(found.true_colour)
        self.assertEqual(found.bytes_per_pixel, 1)

    def test_a_colour_map_of_more_than_8_bits_is_refused(self) -> None:
        for bits in (16, 32):
            with self.assertRaisesRegex(ValueError, f"colour map with {bits} bits"):
                PixelFormat.unpack(bytes([bits, 8, 0, 0]) + bytes(12))

    def test_a_wrong_size_is_refused(self) -> None:
        for size in (0, 15, 17):
            with self.assertRaisesRegex(ValueError, f"of {size} bytes, expected 16"):
                PixelFormat.unpack(bytes(size))

    def test_formats_that_cannot_exist_are_refused(self) -> None:
        for field, value in [
            ("bits_per_pixel", 24),
            ("depth", 0),
            ("depth", 33),
            ("red_max", 0),
            ("green_max", 254),
            ("blue_max", 0x1FFFF),
            ("red_shift", 25),
            ("blue_shift", -1),
        ]:
            fields: dict[str, Any] = {field: value}
            with self.assertRaises(ValueError, msg=str(fields)):
                replace(PixelFormat(), **fields)

    @given(st.binary(min_size=16, max_size=16))
    def test_random_bytes_are_refused_or_come_back_the_same(self, data: bytes) -> None:
        try:
            found = PixelFormat.unpack(data)
        except ValueError:
            return
        self.assertEqual(PixelFormat.unpack(found.pack()), found)


class ServerInitTests(SynchronousTestCase):
    def test_it_is_written_as_specified(self) -> None:
        self.assertEqual(ServerInit(1024, 768, PixelFormat(), "demo").pack(), DEMO_INIT)

    def test_what_follows_it_is_handed_back(self) -> None:
        found = ServerInit.unpack(DEMO_INIT + b"\x02more")

        self.assertEqual(found, (ServerInit(1024, 768, PixelFormat(), "demo"), b"\x02more"))

    def test_every_shorter_piece_asks_for_more(self) -> None:
        for size in range(len(DEMO_INIT)):
            self.assertIsNone(ServerInit.unpack(DEMO_INIT[:size]))

    def test_a_name_that_is_not_utf_8_is_still_read(self) -> None:
        found = ServerInit.unpack(DEMO_INIT[:-4] + b"a\xff\xfeb")

        assert found is not None
        self.assertEqual(found[0].name, "a\ufffd\ufffdb")

    def test_an_endless_name_is_refused_at_once(self) -> None:
        head = DEMO_INIT[:20] + (NAME_LIMIT + 1).to_bytes(4, "big")

        with self.assertRaisesRegex(UpstreamViolation, "name of 4097 bytes, at most 4096"):
            ServerInit.unpack(head)

    def test_an_impossible_pixel_format_is_refused(self) -> None:
        with self.assertRaisesRegex(UpstreamViolation, "0 bits per pixel"):
            ServerInit.unpack(bytes(24))

    @given(st.binary(max_size=64))
    def test_random_bytes_raise_only_our_errors(self, data: bytes) -> None:
        try:
            ServerInit.unpack(data)
        except UpstreamViolation as e:
            self.assertTrue(e.detail)
