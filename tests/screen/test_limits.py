"""What a hostile server sends is refused, or costs little; the messages are stated in bytes."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from functools import cache

from twisted.trial.unittest import SynchronousTestCase

from tests.screen.test_decoder import (
    CORRE,
    GREEN,
    HEXTILE,
    RAW,
    RGB,
    RRE,
    SCREENS,
    SIZE,
    TRLE,
    ZLIB,
    G,
    R,
    rectangle,
    sized,
    update,
)
from vncproxy.errors import UpstreamViolation
from vncproxy.screen import Limits, Picture, ScreenDecoder


class LimitTests(SynchronousTestCase):
    def decoder(self, limits: Limits | None = None) -> ScreenDecoder:
        return ScreenDecoder(Picture(4, 2), RGB, limits)

    def assertRefused(self, decoder: ScreenDecoder, message: bytes, why: str) -> None:
        error = self.assertRaises(UpstreamViolation, decoder.receive, message)
        self.assertIn(why, error.detail)

    def test_the_area_of_a_picture(self) -> None:
        self.assertRaises(UpstreamViolation, Picture, 4, 3, 11)
        decoder = ScreenDecoder(Picture(4, 2, 12), RGB)
        decoder.receive(update(rectangle(0, 0, 3, 4, SIZE)))
        self.assertRefused(decoder, update(rectangle(0, 0, 13, 1, SIZE)), "13 x 1")

    def test_changes_of_size_in_an_update(self) -> None:
        decoder = self.decoder(Limits(resizes=1))
        for width in (5, 6):
            decoder.receive(update(rectangle(0, 0, width, 2, SIZE)))
        one, other = rectangle(0, 0, 7, 2, SIZE), rectangle(0, 0, 8, 2, SIZE)
        self.assertRefused(decoder, update(one, other), "changes of size")
        self.assertEqual(decoder.picture.width, 7)

    def test_changes_of_size_have_a_limit_by_default(self) -> None:
        sizes = [rectangle(0, 0, 1 + number, 1, SIZE) for number in range(100)]
        self.assertRefused(self.decoder(), update(*sizes), "changes of size")

    def test_the_same_size_again_is_no_change(self) -> None:
        decoder = self.decoder(Limits(resizes=1))
        decoder.receive(update(rectangle(0, 0, 4, 2, RAW, R * 8)))
        pixels = decoder.picture.pixels
        screens = rectangle(0, 0, 4, 2, SCREENS, bytes(4))
        decoder.receive(update(*[rectangle(0, 0, 4, 2, SIZE)] * 20, *[screens] * 20))
        self.assertIs(decoder.picture.pixels, pixels)

    def test_rectangles_of_an_update(self) -> None:
        decoder, one = self.decoder(Limits(rectangles=2)), rectangle(0, 0, 1, 1, RAW, R)
        decoder.receive(update(one, one))
        last = struct.pack(">BxH", 0, 0xFFFF) + one + one + rectangle(0, 0, 0, 0, -224)
        decoder.receive(last)
        self.assertEqual(decoder.updates, 2)
        self.assertRefused(decoder, update(one, one, one), "more than 2 rectangles")

    def test_bytes_of_a_message(self) -> None:
        decoder = self.decoder(Limits(message=4 + 12 + 4))
        decoder.receive(update(rectangle(0, 0, 1, 1, RAW, R)))
        self.assertRefused(decoder, update(rectangle(0, 0, 2, 1, RAW, R + G)), "20 bytes")

    def test_encodings_that_were_not_announced(self) -> None:
        message = update(rectangle(0, 0, 4, 2, RRE, bytes(4) + G))
        self.decoder().receive(message)
        only = self.decoder(Limits(pictures=frozenset({RAW})))
        self.assertRefused(only, message, "not announced")

    def test_the_time_is_checked_before_each_rectangle(self) -> None:
        left = [None] * 3

        def check() -> None:
            if not left:
                raise UpstreamViolation("too late")
            left.pop()

        decoder = self.decoder(Limits(check_time=check))
        rows = [rectangle(0, y % 2, 4, 1, RAW, (R, G)[y % 2] * 4) for y in range(5)]
        self.assertRefused(decoder, update(*rows), "too late")
        self.assertEqual(decoder.picture.pixels[1].tolist(), [[*GREEN]] * 4)
        self.assertRefused(decoder, update(), "too late")

    def test_the_time_is_checked_within_a_rectangle(self) -> None:
        """Each part of it may be as large as the screen, or take long in other ways."""
        whole = struct.pack(">HHHH", 0, 0, 64, 64)
        tile = bytes([2 | 8 | 16]) + R + b"\xff" + (G + b"\0\xff") * 255
        cases = {
            RRE: (1000).to_bytes(4, "big") + R + (G + whole) * 1000,
            CORRE: (1000).to_bytes(4, "big") + R + (G + b"\0\0\x40\x40") * 1000,
            HEXTILE: tile * 16,
            TRLE: (b"\1" + R[:3]) * 16,
        }
        for encoding, data in cases.items():
            checks: list[None] = []

            def check(checks: list[None] = checks) -> None:
                checks.append(None)
                if len(checks) == 5:
                    raise UpstreamViolation("too late")

            decoder = ScreenDecoder(Picture(64, 64), RGB, Limits(check_time=check))
            self.assertRefused(decoder, update(rectangle(0, 0, 64, 64, encoding, data)), "too late")


class MemoryTests(SynchronousTestCase):
    """A large rectangle is decoded in bands."""

    SIDE = 1536

    def most(self, message: bytes) -> int:
        """Return the bytes that decoding needs at its peak, beyond the message and the picture."""
        decoder = ScreenDecoder(Picture(self.SIDE, self.SIDE), RGB)
        decoder.picture.pixels[:] = 7
        tracemalloc.start()
        try:
            for at in range(0, len(message), 65536):
                decoder.receive(message[at : at + 65536])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        self.assertTrue((decoder.picture.pixels == GREEN).all())
        return peak

    def test_zlib(self) -> None:
        raw = G * self.SIDE**2
        message = update(rectangle(0, 0, self.SIDE, self.SIDE, ZLIB, sized(zlib.compress(raw))))
        self.assertLess(self.most(message), len(raw) // 2)

    def test_raw(self) -> None:
        message = update(rectangle(0, 0, self.SIDE, self.SIDE, RAW, G * self.SIDE**2))
        # its pieces are put together once, in a buffer that grows by an eighth
        self.assertLess(self.most(message), len(message) * 1.5)


WIDTH, HEIGHT = 1024, 300


@cache
def places() -> bytes:
    """Return pixels in Raw, each of which names its place."""
    return b"".join(
        bytes((y % 256, x % 256, x // 256, 0)) for y in range(HEIGHT) for x in range(WIDTH)
    )


class BandTests(SynchronousTestCase):
    """Rectangles of several bands: what is compressed fits exactly, or is refused."""

    def setUp(self) -> None:
        self.decoder = ScreenDecoder(Picture(WIDTH, HEIGHT), RGB)
        self.raw = places()

    def message(self, compressed: bytes) -> bytes:
        return update(rectangle(0, 0, WIDTH, HEIGHT, ZLIB, sized(compressed)))

    def test_each_pixel_is_in_its_place(self) -> None:
        stream = zlib.compressobj()
        for _ in range(2):
            self.decoder.picture.pixels[:] = 99
            data = stream.compress(self.raw) + stream.flush(zlib.Z_SYNC_FLUSH)
            self.decoder.receive(self.message(data))
            for x, y in ((0, 0), (1023, 127), (0, 128), (700, 299)):
                found = self.decoder.picture.pixels[y, x].tolist()
                self.assertEqual(found, [x // 256, x % 256, y % 256])

    def test_what_is_not_compressible(self) -> None:
        stream = zlib.compressobj(0)
        data = stream.compress(self.raw) + stream.flush(zlib.Z_SYNC_FLUSH)
        self.decoder.receive(self.message(data))
        self.assertEqual(self.decoder.picture.pixels[200, 513].tolist(), [2, 1, 200])

    def test_a_byte_too_many_or_too_few(self) -> None:
        for raw in (self.raw + b"\0", self.raw[:-1], self.raw * 2, b""):
            self.setUp()
            message = self.message(zlib.compress(raw))
            self.assertRaises(UpstreamViolation, self.decoder.receive, message)
