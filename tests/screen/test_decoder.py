"""A server's stream is decoded; the messages are stated in bytes."""

from __future__ import annotations

import io
import struct
import zlib
from itertools import pairwise

import numpy as np
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import UpstreamViolation, VNCProxyError
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.screen import Picture, ScreenDecoder

RGB = PixelFormat()
"""32 bits, of which the lowest are blue."""

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
R, G, B, W = b"\0\0\xff\0", b"\0\xff\0\0", b"\xff\0\0\0", b"\xff\xff\xff\0"
RAW, COPY, RRE, CORRE, HEXTILE, ZLIB, TIGHT, TRLE, ZRLE, TIGHT_PNG = (
    0,
    1,
    2,
    4,
    5,
    6,
    7,
    15,
    16,
    -260,
)
CURSOR, X_CURSOR, ALPHA_CURSOR, SIZE, SCREENS, LAST = -239, -240, -314, -223, -308, -224
VMWARE = 0x574D5664


def rectangle(x: int, y: int, width: int, height: int, encoding: int, data: bytes = b"") -> bytes:
    return struct.pack(">HHHHi", x, y, width, height, encoding) + data


def update(*rectangles: bytes) -> bytes:
    return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)


def sized(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


class DecodingCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.decoder = ScreenDecoder(Picture(4, 2), RGB)

    def assertShown(self, *rows: tuple[tuple[int, int, int], ...]) -> None:
        self.assertEqual(self.decoder.picture.pixels.tolist(), [list(map(list, r)) for r in rows])

    def assertRefused(self, message: bytes, decoder: ScreenDecoder | None = None) -> None:
        self.assertRaises(
            UpstreamViolation, (decoder or ScreenDecoder(Picture(4, 2), RGB)).receive, message
        )


BLACK = (0, 0, 0)


class EncodingTests(DecodingCase):
    def test_raw(self) -> None:
        self.decoder.receive(update(rectangle(1, 0, 2, 2, RAW, R + G + B + W)))
        self.assertShown((BLACK, RED, GREEN, BLACK), (BLACK, BLUE, WHITE, BLACK))
        self.assertEqual(self.decoder.updates, 1)

    def test_copies_of_what_overlaps(self) -> None:
        self.decoder.receive(update(rectangle(0, 0, 4, 1, RAW, R + G + B + W)))
        self.decoder.receive(update(rectangle(1, 0, 3, 1, COPY, bytes(4))))
        self.assertShown((RED, RED, GREEN, BLUE), (BLACK,) * 4)

    def test_rectangles_of_one_colour(self) -> None:
        place = struct.pack(">HHHH", 1, 1, 2, 1)
        for encoding, where in ((RRE, place), (CORRE, bytes((1, 1, 2, 1)))):
            self.setUp()
            data = (1).to_bytes(4, "big") + G + R + where
            self.decoder.receive(update(rectangle(0, 0, 4, 2, encoding, data)))
            self.assertShown((GREEN,) * 4, (GREEN, RED, RED, GREEN))

    def test_hextile_keeps_its_colours_from_tile_to_tile(self) -> None:
        self.decoder = ScreenDecoder(Picture(20, 1), RGB)
        first = bytes([2 | 4 | 8]) + G + R + bytes([1, 0x00, 0x10])
        second = bytes([8, 1, 0x30, 0x00])
        self.decoder.receive(update(rectangle(0, 0, 20, 1, HEXTILE, first + second)))
        self.assertShown((RED, RED, *(GREEN,) * 17, RED))

    def test_hextile_with_raw_and_coloured_parts(self) -> None:
        self.decoder = ScreenDecoder(Picture(17, 1), RGB)
        raw = bytes([1]) + R * 8 + G * 8
        coloured = bytes([2 | 8 | 16]) + G + bytes([1]) + B + bytes([0x00, 0x00])
        self.decoder.receive(update(rectangle(0, 0, 17, 1, HEXTILE, raw + coloured)))
        self.assertShown((*(RED,) * 8, *(GREEN,) * 8, BLUE))

    def test_zlib_streams_go_on(self) -> None:
        stream = zlib.compressobj()
        for row, colours in enumerate((R + G + B + W, W + B + G + R)):
            data = stream.compress(colours) + stream.flush(zlib.Z_SYNC_FLUSH)
            self.decoder.receive(update(rectangle(0, row, 4, 1, ZLIB, sized(data))))
        self.assertShown((RED, GREEN, BLUE, WHITE), (WHITE, BLUE, GREEN, RED))

    def test_tiles(self) -> None:
        r, g, b = R[:3], G[:3], B[:3]
        for what, tile, rows in (
            ("raw", b"\0" + r + g + b + W[:3] + r * 4, ((RED, GREEN, BLUE, WHITE), (RED,) * 4)),
            ("solid", b"\1" + g, ((GREEN,) * 4, (GREEN,) * 4)),
            ("two", b"\2" + r + g + b"\x50\xa0", ((RED, GREEN) * 2, (GREEN, RED) * 2)),
            (
                "three",
                b"\3" + r + g + b + b"\x18\x90",
                ((RED, GREEN, BLUE, RED), (BLUE, GREEN, RED, RED)),
            ),
            ("runs", b"\x80" + r + b"\4" + g + b"\2", ((RED,) * 4, (RED, *(GREEN,) * 3))),
            ("few", b"\x82" + r + g + b"\x80\5\1\1", ((RED,) * 4, (RED, RED, GREEN, GREEN))),
        ):
            self.setUp()
            self.decoder.receive(update(rectangle(0, 0, 4, 2, TRLE, tile)))
            self.assertShown(*rows)
            self.setUp()
            self.decoder.receive(update(rectangle(0, 0, 4, 2, ZRLE, sized(zlib.compress(tile)))))
            self.assertShown(*rows)
            self.assertTrue(what)

    def test_trle_uses_the_palette_of_the_tile_before(self) -> None:
        self.decoder = ScreenDecoder(Picture(34, 1), RGB)
        first = b"\2" + R[:3] + G[:3] + b"\0\1"
        tiles = first + b"\x7f\xff\xfe" + b"\x81\x81\1"
        self.decoder.receive(update(rectangle(0, 0, 34, 1, TRLE, tiles)))
        self.assertShown((*(RED,) * 15, *(GREEN,) * 16, RED, GREEN, GREEN))

    def test_long_runs(self) -> None:
        self.decoder = ScreenDecoder(Picture(16, 32), RGB)
        tile = b"\x80" + R[:3] + b"\xff\xff\1"
        data = sized(zlib.compress(tile))
        self.decoder.receive(update(rectangle(0, 0, 16, 32, ZRLE, data)))
        self.assertTrue((self.decoder.picture.pixels == RED).all())

    def test_tight(self) -> None:
        stream = zlib.compressobj()
        pixels = bytes(RED + GREEN + BLUE + WHITE)
        data = stream.compress(pixels) + stream.flush(zlib.Z_SYNC_FLUSH)
        whole = bytes([0x00]) + bytes([len(data)]) + data
        fill = bytes([0x80, *GREEN])
        few = bytes([0x40, 1, 1]) + bytes(RED + BLUE) + b"\x50"
        for rectangles, rows in (
            ([rectangle(0, 0, 4, 1, TIGHT, whole)], ((RED, GREEN, BLUE, WHITE), (BLACK,) * 4)),
            ([rectangle(0, 0, 4, 2, TIGHT, fill)], ((GREEN,) * 4,) * 2),
            ([rectangle(0, 1, 4, 1, TIGHT, few)], ((BLACK,) * 4, (RED, BLUE, RED, BLUE))),
            (
                [rectangle(0, 0, 1, 1, TIGHT, b"\0" + bytes(RED))],
                ((RED, *(BLACK,) * 3), (BLACK,) * 4),
            ),
        ):
            self.setUp()
            self.decoder.receive(update(*rectangles))
            self.assertShown(*rows)

    def test_tight_streams_are_reset(self) -> None:
        for _ in range(2):
            data = zlib.compress(bytes(RED + GREEN + BLUE + WHITE))
            whole = bytes([0x01, len(data)]) + data
            self.decoder.receive(update(rectangle(0, 0, 4, 1, TIGHT, whole)))
        self.assertShown((RED, GREEN, BLUE, WHITE), (BLACK,) * 4)

    def test_the_gradient_of_tight(self) -> None:
        width, height = 7, 5
        right = np.random.default_rng(3).integers(0, 256, (height, width, 3))
        data = zlib.compress(_errors(right))
        length = (
            bytes([len(data)])
            if len(data) < 128
            else bytes([len(data) & 127 | 128, len(data) >> 7])
        )
        self.decoder = ScreenDecoder(Picture(width, height), RGB)
        message = rectangle(0, 0, width, height, TIGHT, bytes([0x40, 2]) + length + data)
        self.decoder.receive(update(message))
        self.assertEqual(self.decoder.picture.pixels.tolist(), right.tolist())

    def test_images(self) -> None:
        image = Image.new("RGB", (4, 2), GREEN)
        for kind, control, encoding in (("PNG", 0xA0, TIGHT_PNG), ("JPEG", 0x90, TIGHT)):
            self.setUp()
            buffer = io.BytesIO()
            image.save(buffer, kind)
            data = buffer.getvalue()
            length = bytes([len(data) & 127 | 128, len(data) >> 7])
            self.decoder.receive(
                update(rectangle(0, 0, 4, 2, encoding, bytes([control]) + length + data))
            )
            worst = np.abs(self.decoder.picture.pixels.astype(int) - GREEN).max()
            self.assertLess(worst, 4)


def _errors(pixels: np.typing.NDArray[np.int64]) -> bytes:
    """Return what the gradient filter sends: by how much each pixel differs from its guess."""
    height, width, _ = pixels.shape
    padded = np.zeros((height + 1, width + 1, 3), int)
    padded[1:, 1:] = pixels
    sent = bytearray()
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            guess = padded[y, x - 1] + padded[y - 1, x] - padded[y - 1, x - 1]
            sent += bytes(((padded[y, x] - guess.clip(0, 255)) & 255).tolist())
    return bytes(sent)


class OtherMessageTests(DecodingCase):
    def test_sizes_keep_what_lies_in_both(self) -> None:
        self.decoder.receive(update(rectangle(0, 0, 4, 2, RAW, R * 8)))
        self.decoder.receive(update(rectangle(0, 0, 2, 3, SIZE)))
        self.assertShown((RED, RED), (RED, RED), (BLACK, BLACK))
        screen = bytes([1, 0, 0, 0]) + struct.pack(">IHHHHI", 0, 0, 0, 1, 1, 0)
        self.decoder.receive(update(rectangle(1, 0, 1, 1, SCREENS, screen)))
        self.assertShown((RED,))

    def test_a_request_for_a_size_that_was_refused_changes_nothing(self) -> None:
        screen = bytes([0, 0, 0, 0])
        self.decoder.receive(update(rectangle(1, 3, 9, 9, SCREENS, screen)))
        self.assertEqual((self.decoder.picture.width, self.decoder.picture.height), (4, 2))

    def test_an_update_without_a_count(self) -> None:
        data = struct.pack(">BxH", 0, 0xFFFF) + rectangle(0, 0, 4, 2, RAW, G * 8)
        self.decoder.receive(data + rectangle(0, 0, 0, 0, LAST))
        self.assertShown((GREEN,) * 4, (GREEN,) * 4)

    def test_colour_maps(self) -> None:
        mapped = PixelFormat(8, 8, true_colour=False)
        decoder = ScreenDecoder(Picture(4, 2), mapped)
        entries = struct.pack(">BxHH3H3H", 1, 7, 2, 0xFFFF, 0, 0, 0, 0xFFFF, 0)
        decoder.receive(entries + update(rectangle(0, 0, 4, 1, RAW, b"\7\10\7\0")))
        self.assertEqual(decoder.picture.pixels[0].tolist(), [[*RED], [*GREEN], [*RED], [0, 0, 0]])

    def test_a_colour_map_that_is_too_long_is_cut(self) -> None:
        decoder = ScreenDecoder(Picture(1, 1), PixelFormat(8, 8, true_colour=False))
        entries = struct.pack(">BxHH", 1, 255, 2) + struct.pack(">3H3H", 65535, 0, 0, 0, 0, 0)
        decoder.receive(entries + update(rectangle(0, 0, 1, 1, RAW, b"\xff")))
        self.assertEqual(decoder.picture.pixels[0].tolist(), [[*RED]])

    def test_cursors(self) -> None:
        mask = b"\x80"
        for encoding, data, right in (
            (CURSOR, R + G + mask, [[*RED, 255], [*GREEN, 0]]),
            (X_CURSOR, bytes(RED + BLUE) + b"\x80" + b"\xc0", [[*RED, 255], [*BLUE, 255]]),
            (
                ALPHA_CURSOR,
                bytes(4) + bytes((127, 0, 0, 127, 0, 0, 0, 0)),
                [[255, 0, 0, 127], [0] * 4],
            ),
            (VMWARE, b"\1\0" + bytes((9, 8, 7, 127, 0, 0, 0, 0)), [[9, 8, 7, 127], [0] * 4]),
            (VMWARE, bytes(2) + bytes(4) + W + R + bytes(4), [[*RED, 255], [0] * 4]),
            (VMWARE, bytes(2) + W + R + W + G, [[0, 0, 0, 255]] * 2),
        ):
            self.decoder.receive(update(rectangle(1, 0, 2, 1, encoding, data)))
            cursor = self.decoder.cursor
            assert cursor is not None
            self.assertEqual((cursor.x, cursor.y), (1, 0))
            self.assertEqual(cursor.pixels[0].tolist(), right, encoding)
        self.assertEqual(self.decoder.updates, 0)
        self.decoder.receive(update(rectangle(0, 0, 0, 0, X_CURSOR)))
        assert self.decoder.cursor is not None
        self.assertEqual(self.decoder.cursor.pixels.size, 0)

    def test_other_messages_are_passed_over(self) -> None:
        fence = bytes([248, 0, 0, 0, 0x80, 0, 0, 1, 2]) + b"ab"
        answer = bytes([248, 0, 0, 0, 0, 0, 0, 1, 0])
        text = b"\3\0\0\0" + sized(b"text")
        name = update(rectangle(0, 0, 0, 0, -307, sized(b"name")))
        self.decoder.receive(b"\2" + fence + answer + text + b"\x96" + name)
        self.decoder.receive(update(rectangle(0, 0, 4, 2, RAW, W * 8)))
        self.assertShown((WHITE,) * 4, (WHITE,) * 4)


class RefusedTests(DecodingCase):
    def test_what_cannot_be_decoded(self) -> None:
        bomb = zlib.compress(bytes(1 << 20))
        for message in (
            update(rectangle(3, 0, 2, 1, RAW, R * 2)),
            update(rectangle(0, 0, 4, 2, COPY, struct.pack(">HH", 1, 0))),
            update(rectangle(0, 0, 4, 2, ZLIB, sized(bomb))),
            update(rectangle(0, 0, 4, 2, ZRLE, sized(bomb))),
            update(rectangle(0, 0, 4, 2, ZLIB, sized(b"no zlib"))),
            update(
                rectangle(0, 0, 4, 2, ZRLE, sized(zlib.compress(b"\3" + bytes(9) + b"\xff\xff")))
            ),
            update(rectangle(0, 0, 4, 2, ZRLE, sized(zlib.compress(b"\x80" + R[:3] + b"\x63")))),
            update(rectangle(0, 0, 4, 2, ZRLE, sized(zlib.compress(b"\x7f")))),
            update(rectangle(0, 0, 4, 2, TIGHT, bytes([0x90, 3]) + b"abc")),
            update(rectangle(0, 0, 4, 2, -32000)),
            update(rectangle(0, 0, 16384, 16385, SIZE)),
            update(rectangle(0, 0, 2000, 1, CURSOR, bytes(2000 * 4 + 250))),
            b"\xaa",
        ):
            self.assertRefused(message)

    def test_an_image_of_another_size(self) -> None:
        buffer = io.BytesIO()
        Image.new("RGB", (5, 5)).save(buffer, "PNG")
        data = buffer.getvalue()
        self.assertLess(len(data), 128)
        message = rectangle(0, 0, 4, 2, TIGHT_PNG, bytes([0xA0, len(data)]) + data)
        self.assertRefused(update(message))

    @given(
        st.binary(max_size=300),
        st.sampled_from([0, 1, 2, 4, 5, 6, 7, 15, 16, -260, -239, -240, -314]),
    )
    def test_random_bytes_raise_only_our_errors(self, data: bytes, encoding: int) -> None:
        decoder = ScreenDecoder(Picture(4, 2), RGB)
        try:
            decoder.receive(update(rectangle(0, 0, 4, 2, encoding, data)) + bytes(64))
        except VNCProxyError:
            return

    @given(st.lists(st.integers(1, 150)))
    def test_any_pieces(self, sizes: list[int]) -> None:
        stream = update(
            rectangle(0, 0, 4, 2, RAW, R * 8),
            rectangle(1, 0, 2, 2, TRLE, b"\2" + G[:3] + B[:3] + b"\x40\x80"),
            rectangle(0, 0, 1, 1, ZRLE, sized(zlib.compress(b"\1" + W[:3]))),
        )
        ends = [0]
        for size in sizes:
            ends.append(ends[-1] + size)
        decoder = ScreenDecoder(Picture(4, 2), RGB)
        for begin, end in pairwise([*ends, ends[-1] + len(stream)]):
            decoder.receive(stream[begin:end])
        right = [[[*WHITE], [*GREEN], [*BLUE], [*RED]], [[*RED], [*BLUE], [*GREEN], [*RED]]]
        self.assertEqual(decoder.picture.pixels.tolist(), right)
