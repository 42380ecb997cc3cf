"""The screen of a recording that grows, and whether it is the console's as it is now."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.recordings import batch_of
from vncproxy.recording.events import Event, Source
from vncproxy.recording.present import Present
from vncproxy.recording.showing import AWAITED, MOST_OPEN, TIME_LIMIT, UNUSED, Shown
from vncproxy.recording.writing import About, RecordingWriter
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_init import ServerInit
from vncproxy.screen import Picture

INIT = ServerInit(4, 2, PixelFormat(), "vm").pack()
RED, GREEN = [255, 0, 0], [0, 255, 0]
ASKS = struct.pack(">BBHHHH", 3, 1, 0, 0, 4, 2)
CURSOR = -239


def rectangle(data: bytes, encoding: int = 0, place: tuple[int, ...] = (0, 0, 4, 2)) -> bytes:
    return struct.pack(">BxHHHHHi", 0, 1, *place, encoding) + data


ALL_RED = rectangle(b"\0\0\xff\0" * 8)
ALL_GREEN = rectangle(b"\0\xff\0\0" * 8)


class Growing:
    """A recording that a test goes on to write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = RecordingWriter(
            About("7f3a", "ab" * 32, "kvm/web-01", "alice", "192.0.2.1", "novnc", "p", 1.0, False)
        )
        self._moment = 0
        with path.open("wb") as file:
            file.write(self._writer.begin())

    def add(self, *sent: bytes | tuple[str, bytes], after: float = 0.01) -> None:
        """Write what the server, or a viewer, has sent, each so many seconds after the former."""
        events = []
        for each in sent:
            self._moment += int(after * 1e6)
            side = Source.VIEWER if isinstance(each, tuple) else Source.SERVER
            data = each[1] if isinstance(each, tuple) else each
            events.append(Event(side, self._moment, data))
        with self.path.open("ab") as file:
            for part in self._writer.packed_events(batch_of(*events).packed):
                file.write(part)

    def end(self) -> None:
        with self.path.open("ab") as file:
            file.write(self._writer.end("client-gone", self._moment))


def viewer(data: bytes) -> tuple[str, bytes]:
    return "viewer", data


SHOWN: list[bytes | tuple[str, bytes]] = [ALL_RED, viewer(ASKS)]


class PresentCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.growing = Growing(Path(self.mktemp()))
        self.growing.add(INIT, viewer(ASKS))


class PresentTests(PresentCase):
    def setUp(self) -> None:
        super().setUp()
        file = self.growing.path.open("rb")
        self.addCleanup(file.close)
        self.present = Present(file)

    def read_on(self) -> Picture | None:
        self.present.read_on(lambda: None)
        return self.present.picture(cursor=False)

    def test_it_is_current_while_its_viewer_waits_for_an_update(self) -> None:
        self.read_on()
        self.assertFalse(self.present.is_current)
        self.growing.add(ALL_RED)
        self.read_on()
        self.assertFalse(self.present.is_current)
        self.growing.add(viewer(ASKS))
        picture = self.read_on()
        assert picture is not None
        self.assertTrue(self.present.is_current)
        self.assertEqual(picture.pixels.tolist(), [[RED] * 4] * 2)
        self.growing.add(ALL_GREEN)
        self.read_on()
        self.assertFalse(self.present.is_current)

    def test_a_viewer_that_waits_for_a_part_does_not_see_the_rest(self) -> None:
        self.growing.add(ALL_RED, viewer(struct.pack(">BBHHHH", 3, 1, 0, 0, 4, 1)))
        self.read_on()
        self.assertFalse(self.present.is_current)

    def test_a_viewer_that_gets_updates_without_asking(self) -> None:
        continuous = struct.pack(">BBHHHH", 150, 1, 0, 0, 4, 2)
        self.growing.add(ALL_RED, viewer(continuous), ALL_GREEN)
        self.read_on()
        self.assertTrue(self.present.is_current)
        self.growing.add(viewer(continuous[:1] + b"\0" + continuous[2:]))
        self.read_on()
        self.assertFalse(self.present.is_current)

    def test_messages_in_pieces(self) -> None:
        self.growing.add(ALL_RED[:7], ALL_RED[7:], viewer(ASKS[:3]), viewer(ASKS[3:]))
        self.read_on()
        self.assertTrue(self.present.is_current)

    def test_fewer_colours_and_jpeg_are_not_exact(self) -> None:
        self.growing.add(ALL_RED)
        self.read_on()
        self.assertTrue(self.present.is_exact)
        small = PixelFormat(16, 16, False, True, 31, 63, 31, 11, 5, 0)
        self.growing.add(viewer(bytes(4) + small.pack()))
        self.read_on()
        self.assertFalse(self.present.is_exact)

    def test_jpeg_is_not_exact(self) -> None:
        buffer = io.BytesIO()
        Image.new("RGB", (4, 2)).save(buffer, "jpeg")
        data = buffer.getvalue()
        head = bytes([0x90, len(data) & 127 | 128, len(data) >> 7])
        self.growing.add(rectangle(head + data, 7))
        self.read_on()
        self.assertFalse(self.present.is_exact)

    def test_the_cursor_where_its_viewer_has_it(self) -> None:
        shape = rectangle(b"\0\xff\0\0" + b"\x80", CURSOR, (0, 0, 1, 1))
        self.growing.add(ALL_RED, shape, viewer(struct.pack(">BBHH", 5, 0, 3, 1)))
        self.present.read_on(lambda: None)
        shown, plain = self.present.picture(cursor=True), self.present.picture(cursor=False)
        assert shown is not None and plain is not None
        self.assertEqual(shown.pixels.tolist(), [[RED] * 4, [RED, RED, RED, GREEN]])
        self.assertEqual(plain.pixels.tolist(), [[RED] * 4] * 2)

    def test_reading_goes_on_where_it_was_stopped(self) -> None:
        self.growing.add(ALL_RED, ALL_GREEN, viewer(ASKS))
        stops = iter(range(99))

        def stop() -> None:
            if next(stops) % 2 == 0:
                raise TimeoutError

        for _ in range(3):
            self.assertRaises(TimeoutError, self.present.read_on, stop)
        picture = self.read_on()
        assert picture is not None
        self.assertEqual(picture.pixels.tolist(), [[GREEN] * 4] * 2)
        self.assertTrue(self.present.is_current)


class ShownTests(PresentCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.on_sleep: Callable[[], object] = lambda: None
        self.shown = Shown(lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep()

    def show(self, path: Path | None = None) -> tuple[dict[str, object], Picture | None]:
        return self.shown.show(path or self.growing.path, cursor=False)

    def why(self, path: Path | None = None) -> object:
        told, picture = self.show(path)
        self.assertIsNone(picture)
        return told["why"]

    def test_a_screen(self) -> None:
        self.growing.add(ALL_RED, viewer(ASKS))
        told, picture = self.show()
        assert picture is not None
        self.assertEqual(told, {"exact": True})
        self.growing.add(ALL_GREEN, viewer(ASKS))
        told, picture = self.show()
        assert picture is not None
        self.assertEqual(picture.pixels[0, 0].tolist(), GREEN)

    def test_a_viewer_that_has_stopped(self) -> None:
        self.growing.add(ALL_RED)
        self.growing.add(viewer(b"\5\0\0\0\0\0"), after=2.0)
        self.assertEqual(self.why(), "its viewer does not wait for an update")
        self.assertAlmostEqual(self.now, AWAITED, delta=0.11)

    def test_one_that_waits_a_moment_later(self) -> None:
        self.growing.add(ALL_RED)
        self.growing.add(viewer(b"\5\0\0\0\0\0"), after=2.0)
        self.on_sleep = lambda: self.growing.add(viewer(ASKS))
        self.assertIsNotNone(self.show()[1])

    def test_a_film_has_updates_all_the_time(self) -> None:
        self.growing.add(*SHOWN * 9, ALL_GREEN)
        self.assertIsNotNone(self.show()[1])
        self.assertEqual(self.now, 0)

    def test_a_long_recording_is_read_in_steps(self) -> None:
        self.growing.add(*SHOWN * 4)
        ticks = iter(range(10**6))
        self.shown = Shown(lambda: next(ticks) * TIME_LIMIT / 4, self.sleep)
        self.assertIn("not read yet", str(self.why()))
        for _ in range(9):
            if self.show()[1] is not None:
                break
        else:
            self.fail("it is never read")

    def test_what_cannot_be_decoded_is_not_tried_again(self) -> None:
        self.growing.add(b"\xfe")
        self.assertIn("UpstreamViolation", str(self.why()))
        self.growing.add(ALL_RED)
        self.assertIn("UpstreamViolation", str(self.why()))

    def test_one_that_has_ended_and_one_that_is_none(self) -> None:
        self.growing.add(ALL_RED, viewer(ASKS))
        self.growing.end()
        self.assertEqual(self.why(), "it has ended")
        self.assertIn("FileNotFoundError", str(self.why(Path(self.mktemp()))))

    def test_few_are_open(self) -> None:
        others = [Growing(Path(self.mktemp())) for _ in range(MOST_OPEN)]
        for each in (self.growing, *others):
            if each is not self.growing:
                each.add(INIT, ALL_RED, viewer(ASKS))
            self.show(each.path)
        self.assertEqual(len(self.shown._open), MOST_OPEN)
        self.now += UNUSED + 1
        self.show(others[0].path)
        self.assertEqual(list(self.shown._open), [others[0].path])
