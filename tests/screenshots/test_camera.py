"""A picture of a console, over a connection in memory; a hostile server is refused."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, execute

from tests.doubles.leg_in_memory import LegTestCase
from vncproxy.errors import ConsoleUnavailable, UpstreamClosed, UpstreamViolation, VNCProxyError
from vncproxy.screen import Picture
from vncproxy.screenshots import camera
from vncproxy.screenshots.camera import take_picture

RAW, ZLIB, RRE, SIZE = 0, 6, 2, -223
RED = b"\0\0\xff\0"
BELL = b"\2"


def rectangle(width: int, height: int, encoding: int, data: bytes = b"") -> bytes:
    return struct.pack(">HHHHi", 0, 0, width, height, encoding) + data


def update(*rectangles: bytes) -> bytes:
    return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)


WHOLE = update(rectangle(4, 2, RAW, RED * 8))


class CameraTests(LegTestCase):
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

    def take(self, width: int = 4, height: int = 2) -> Deferred[Picture]:
        init = struct.pack(">HH", width, height) + bytes(20)
        taking = take_picture(self.leg, init, self.in_thread, 10, self.clock)
        return Deferred.fromCoroutine(taking)

    def assertFails(self, taking: Deferred[Picture], kind: type[VNCProxyError], why: str) -> None:
        error = self.failureResultOf(taking, kind).value
        self.assertIn(why, error.detail)
        self.assertTrue(self.leg.is_closing)

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
