"""A picture of a console, over a connection in memory; a hostile server is refused."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, execute

from tests.doubles.leg_in_memory import LegTestCase
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import ConsoleUnavailable, UpstreamClosed, UpstreamViolation, VNCProxyError
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.screen import Picture
from vncproxy.screenshots import camera
from vncproxy.screenshots.camera import take_picture

RAW, ZLIB, RRE, SIZE = 0, 6, 2, -223
RED = b"\0\0\xff\0"
BELL = b"\2"


def at(x: int, y: int, width: int, height: int, data: bytes, encoding: int = RAW) -> bytes:
    return struct.pack(">HHHHi", x, y, width, height, encoding) + data


def rectangle(width: int, height: int, encoding: int, data: bytes = b"") -> bytes:
    return at(0, 0, width, height, data, encoding)


def update(*rectangles: bytes) -> bytes:
    return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)


WHOLE = update(rectangle(4, 2, RAW, RED * 8))


@st.composite
def formats(draw: st.DrawFn) -> PixelFormat:
    """Draw a format whose colours lie anywhere, in any order."""
    bits = draw(st.sampled_from((8, 16, 32)))
    largest, shifts, base = [0] * 3, [0] * 3, 0
    for others, channel in zip((2, 1, 0), draw(st.permutations(range(3))), strict=True):
        room = bits - base - others
        size = draw(st.integers(1, min(16, room)))
        shifts[channel] = base + draw(st.integers(0, room - size))
        largest[channel] = (1 << size) - 1
        base = shifts[channel] + size
    depth = draw(st.integers(1, bits))
    return PixelFormat(bits, depth, draw(st.booleans()), True, *largest, *shifts)


def packed(pixel: list[int], layout: PixelFormat) -> bytes:
    number = sum(value << shift for value, (_, shift) in zip(pixel, layout.channels, strict=True))
    return number.to_bytes(layout.bytes_per_pixel, "big" if layout.big_endian else "little")


def _end(taking: Deferred[Picture]) -> None:
    taking.addErrback(lambda _: None)
    taking.cancel()


class CameraCase(LegTestCase):
    def setUp(self) -> None:
        self.connect()
        self.calls: list[tuple[Deferred[Any], Callable[[], object]]] = []

    def in_thread(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """Take a call, for `run_thread` to do."""
        answer: Deferred[Any] = Deferred()
        self.calls.append((answer, lambda: function(*args)))
        return answer

    def run_thread(self) -> None:
        answer, call = self.calls.pop(0)
        execute(call).addBoth(answer.callback)

    def take(
        self,
        width: int = 4,
        height: int = 2,
        layout: PixelFormat | None = None,
        cursor: bool | None = None,
    ) -> Deferred[Picture]:
        packed_format = layout.pack() if layout else bytes(16)
        init = struct.pack(">HH", width, height) + packed_format + bytes(4)
        taking = take_picture(self.leg, init, self.in_thread, 10, self.clock, cursor)
        found = Deferred.fromCoroutine(taking)
        self.addCleanup(_end, found)
        return found

    def pixels(self, taking: Deferred[Picture]) -> object:
        return self.successResultOf(taking).pixels.tolist()

    def assertFails(self, taking: Deferred[Picture], kind: type[VNCProxyError], why: str) -> None:
        error = self.failureResultOf(taking, kind).value
        self.assertIn(why, error.detail)
        self.assertTrue(self.leg.is_closing)


class CameraTests(CameraCase):
    def test_a_picture(self) -> None:
        taking = self.take()
        self.assertEqual(self.peer.receive()[-10:], struct.pack(">BBHHHH", 3, 0, 0, 0, 4, 2))
        self.peer.send(*[WHOLE[at : at + 1] for at in range(len(WHOLE))])
        self.run_thread()
        self.assertEqual(self.successResultOf(taking).pixels.tolist(), [[[255, 0, 0]] * 4] * 2)
        self.assertTrue(self.leg.is_closing)

    def test_a_screen_that_changes_its_size_is_asked_for_again(self) -> None:
        taking = self.take()
        self.peer.receive()
        self.peer.send(update(rectangle(2, 1, SIZE)))
        self.run_thread()
        self.assertEqual(self.peer.receive(), struct.pack(">BBHHHH", 3, 0, 0, 0, 2, 1))
        self.peer.send(update(rectangle(2, 1, RAW, RED * 2)))
        self.run_thread()
        self.assertEqual(self.successResultOf(taking).width, 2)

    def test_nothing_is_read_while_a_thread_decodes(self) -> None:
        taking = self.take()
        self.peer.send(update(rectangle(4, 1, RAW, RED * 4)))
        self.assertFalse(self.peer.reading)
        self.run_thread()
        self.assertTrue(self.peer.reading)
        self.peer.send(WHOLE)
        self.run_thread()
        self.successResultOf(taking)

    def test_a_thread_stops_after_the_time_limit(self) -> None:
        taking = self.take()
        self.peer.send(update(*[rectangle(4, 2, RAW, RED * 8)] * 3))
        self.clock.advance(11)
        self.assertFails(taking, UpstreamViolation, "no picture within 10 s")
        _, call = self.calls.pop()
        error = self.assertRaises(UpstreamViolation, call)
        self.assertIn("in time", error.detail)

    def test_screens_without_pixels(self) -> None:
        for width, height in ((0, 0), (4, 0)):
            self.setUp()
            taking = self.take(width, height)
            self.peer.send(update())
            self.run_thread()
            self.assertFails(taking, ConsoleUnavailable, f"{width} x {height}")

    def test_screens_that_are_too_large(self) -> None:
        self.assertFails(self.take(16384, 16384), UpstreamViolation, "16384 x 16384")
        self.setUp()
        taking = self.take()
        self.peer.send(update(rectangle(16384, 16384, SIZE)))
        self.run_thread()
        self.assertFails(taking, UpstreamViolation, "16384 x 16384")

    def test_what_only_a_hostile_server_sends(self) -> None:
        compressed = zlib.compress(bytes(33))
        bomb = len(compressed).to_bytes(4, "big") + compressed
        for message, why in (
            (update(*[rectangle(4 + n % 2, 2, SIZE) for n in range(1, 65535)]), "changes of size"),
            (update(rectangle(4, 2, RRE, bytes(8))), "not announced"),
            (update(rectangle(4, 2, ZLIB, bomb)), "more than 32 inflated bytes"),
            (update(*[rectangle(0, 0, RAW)] * 65535), "rectangles"),
        ):
            self.setUp()
            taking = self.take()
            self.peer.send(message)
            self.run_thread()
            self.assertFails(taking, UpstreamViolation, why)

    def test_messages_without_end(self) -> None:
        taking = self.take()
        self.peer.send(BELL * 3000)
        self.assertNoResult(taking)
        self.peer.send(BELL * 3000)
        self.assertFails(taking, UpstreamViolation, "messages")

    def test_bytes_without_end(self) -> None:
        self.patch(camera, "MOST_BYTES", 200)
        taking = self.take()
        self.peer.send(update(rectangle(4, 20, RAW))[:16] + bytes(100))
        self.assertNoResult(taking)
        self.peer.send(bytes(100))
        self.assertFails(taking, UpstreamViolation, "more than 200 bytes")

    def test_a_server_that_closes(self) -> None:
        taking = self.take()
        self.peer.send(WHOLE[:9])
        self.peer.close()
        self.failureResultOf(taking, UpstreamClosed)

    def test_what_arrived_is_not_copied_as_a_whole(self) -> None:
        side = 1024
        taking = self.take(side, side)
        message = update(rectangle(side, side, RAW, RED * side**2))
        self.peer.send(*[message[at : at + 65536] for at in range(0, len(message), 65536)])
        tracemalloc.start()
        try:
            self.run_thread()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        self.successResultOf(taking)
        self.assertLess(peak, len(message) * 2)


NATIVE = PixelFormat(16, 16, True, True, 31, 63, 31, 11, 5, 0)
MAPPED = PixelFormat(8, 8, False, False)
CURSOR, POSITION = -239, -232
MAP = struct.pack(">BxHH6H", 1, 5, 2, 0, 0, 0xFFFF, 0xFF00, 0x8000, 0)
"""Two colours of a map, from the fifth on: blue, and a brown."""


def encodings_in(data: bytes) -> list[int]:
    """Return the encodings that the last SetEncodings of some messages announces."""
    at = data.rindex(b"\2\0\0")
    count = struct.unpack_from(">xxH", data, at)[0]
    return list(struct.unpack_from(f">{count}i", data, at + 4))


class FormatTests(CameraCase):
    def test_the_format_of_the_server_is_asked_for(self) -> None:
        taking = self.take(2, 1, NATIVE)
        self.assertEqual(self.peer.receive()[:20], bytes(4) + NATIVE.pack())
        self.peer.send(update(rectangle(2, 1, RAW, b"\xf8\0\x07\xe0")))
        self.run_thread()
        self.assertEqual(self.pixels(taking), [[[255, 0, 0], [0, 255, 0]]])

    def test_one_that_cannot_exist_is_not(self) -> None:
        self.take(2, 1, None)
        self.assertEqual(self.peer.receive()[:20], bytes(4) + PixelFormat().pack())

    def test_a_server_with_a_colour_map_is_asked_for_full_colour(self) -> None:
        taking = self.take(2, 1, MAPPED)
        self.assertEqual(self.peer.receive()[:20], bytes(4) + PixelFormat().pack())
        self.peer.send(update(rectangle(2, 1, RAW, RED * 2)))
        self.run_thread()
        self.assertEqual(self.pixels(taking), [[[255, 0, 0]] * 2])

    def test_one_that_sends_its_map_all_the_same(self) -> None:
        taking = self.take(2, 1, MAPPED)
        self.peer.send(MAP + update(rectangle(2, 1, RAW, b"\5\6")))
        self.run_thread()
        self.assertEqual(self.pixels(taking), [[[0, 0, 255], [255, 128, 0]]])

    @given(formats(), st.booleans(), st.randoms(use_true_random=False), st.data())
    def test_any_format(
        self, layout: PixelFormat, compressed: bool, random: Random, data: st.DataObject
    ) -> None:
        self.setUp()
        width, height = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
        numbers = [
            [[random.randint(0, most) for most, _ in layout.channels] for _ in range(width)]
            for _ in range(height)
        ]
        body = b"".join(packed(each, layout) for row in numbers for each in row)
        if compressed:
            body = zlib.compress(body)
            body = len(body).to_bytes(4, "big") + body
        taking = self.take(width, height, layout)
        self.peer.send(update(rectangle(width, height, ZLIB if compressed else RAW, body)))
        self.run_thread()
        largest = [most for most, _ in layout.channels]
        expected = [
            [
                [
                    (value * 255 + most // 2) // most
                    for value, most in zip(pixel, largest, strict=True)
                ]
                for pixel in row
            ]
            for row in numbers
        ]
        self.assertEqual(self.pixels(taking), expected)


class PartsTests(CameraCase):
    def test_what_is_missing_is_asked_for(self) -> None:
        taking = self.take()
        self.peer.receive()
        self.peer.send(update(at(1, 0, 3, 1, RED * 3)))
        self.run_thread()
        self.assertEqual(self.peer.receive(), struct.pack(">BBHHHH", 3, 0, 0, 0, 4, 2))
        self.peer.send(update(at(0, 0, 1, 2, RED * 2)))
        self.run_thread()
        self.assertEqual(self.peer.receive(), struct.pack(">BBHHHH", 3, 0, 1, 1, 3, 1))
        self.peer.send(update(at(1, 1, 3, 1, RED * 3)))
        self.run_thread()
        self.assertEqual(self.pixels(taking), [[[255, 0, 0]] * 4] * 2)

    def test_a_server_that_never_sends_all(self) -> None:
        taking = self.take()
        for _ in range(camera.MOST_UPDATES):
            self.peer.send(update(at(0, 0, 1, 1, RED)))
            self.run_thread()
        self.assertFails(taking, UpstreamViolation, "no whole picture")


class CursorTests(CameraCase):
    SHAPE = at(1, 0, 2, 1, b"\0\xff\0\0" * 2 + b"\xc0", CURSOR)
    """Two green pixels, of which the second one points."""

    def test_servers_are_not_asked_for_it_unless_that_is_wanted(self) -> None:
        self.take()
        self.assertNotIn(CURSOR, encodings_in(self.peer.receive()[:-10]))

    def test_it_is_painted_where_it_is(self) -> None:
        taking = self.take(cursor=True)
        self.assertIn(CURSOR, encodings_in(self.peer.receive()[:-10]))
        self.peer.send(update(self.SHAPE, at(2, 1, 0, 0, b"", POSITION)) + WHOLE)
        self.run_thread()
        self.run_thread()
        red, green = [255, 0, 0], [0, 255, 0]
        self.assertEqual(self.pixels(taking), [[red] * 4, [red, green, green, red]])

    def test_the_server_paints_it_where_its_place_is_not_known(self) -> None:
        taking = self.take(cursor=True)
        self.peer.receive()
        self.peer.send(update(self.SHAPE) + WHOLE)
        self.run_thread()
        asked = self.peer.receive()
        self.assertNotIn(CURSOR, encodings_in(asked[:-10]))
        self.assertEqual(asked[-10:], struct.pack(">BBHHHH", 3, 0, 0, 0, 4, 2))
        self.peer.send(update(rectangle(4, 2, RAW, b"\0\xff\0\0" * 8)))
        self.run_thread()
        self.assertEqual(self.pixels(taking), [[[0, 255, 0]] * 4] * 2)

    def test_none(self) -> None:
        taking = self.take(cursor=False)
        self.assertIn(CURSOR, encodings_in(self.peer.receive()[:-10]))
        self.peer.send(update(self.SHAPE, at(2, 1, 0, 0, b"", POSITION)) + WHOLE)
        self.run_thread()
        self.assertEqual(self.pixels(taking), [[[255, 0, 0]] * 4] * 2)
