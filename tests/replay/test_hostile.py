"""Recordings that cost much, or are none: a copy ends in time, in bounded room, and says why."""

from __future__ import annotations

import io
import struct
import zlib
from itertools import count

from twisted.trial.unittest import SynchronousTestCase

from tests.replay.playing import ABOUT, copied, entries_of, recording_of
from tests.replay.streams import ALPHA, COPY, CORRE, FORMATS, RAW, RRE, SIZE, ZLIB, ZRLE
from vncproxy.recording.chunks import HEAD, LONGEST_BODY
from vncproxy.recording.events import Event, Source
from vncproxy.recording.writing import RecordingWriter
from vncproxy.replay import CannotMake, Contents, Kind, budget, rectangles, translating
from vncproxy.replay.making import make_copy
from vncproxy.replay.trouble import TooExpensive
from vncproxy.rfb.server_init import ServerInit

SERVER, VIEWER, LEFT_OUT = Source.SERVER, Source.VIEWER, Source.LEFT_OUT
SIDE = 64
INIT = Event(SERVER, 0, ServerInit(SIDE, SIDE, FORMATS["novnc"], "desk").pack())
RED = b"\xff\0\0\0"
TOO_LONG = "what the server sent takes too long to decode"


def rectangle(encoding: int, data: bytes = b"", width: int = SIDE, height: int = SIDE) -> bytes:
    return struct.pack(">HHHHi", 0, 0, width, height, encoding) + data


def update(*rectangles: bytes) -> bytes:
    return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)


def sized(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


class HostileCase(SynchronousTestCase):
    def table(self, *events: Event | bytes) -> Contents:
        """Return the table of contents of the copy of a recording of events."""
        found = [e if isinstance(e, Event) else Event(SERVER, 1, e) for e in events]
        return copied(recording_of([INIT, *found]))[0]

    def slow(self, *events: bytes) -> Contents:
        """Return that of a recording whose time is over after a few looks at the clock."""
        clock = count(step=budget.SPARE_TIME / 20)
        recording = recording_of([INIT, *(Event(SERVER, 1, each) for each in events)])
        target = io.BytesIO()
        return make_copy(io.BytesIO(recording), target, seconds=lambda: next(clock))


class TimeTests(HostileCase):
    def test_thousands_of_copies_of_the_screen(self) -> None:
        copies = update(*[rectangle(COPY, bytes(4))] * 0xFFFF)
        table = self.slow(update(rectangle(RAW, RED * SIDE**2)), *[copies] * 3)
        self.assertEqual(table.trouble, TOO_LONG)

    def test_one_rectangle_of_many_as_large_as_the_screen(self) -> None:
        whole = RED + struct.pack(">HHHH", 0, 0, SIDE, SIDE)
        small = RED + bytes((0, 0, SIDE, SIDE))
        many = (1 << 14).to_bytes(4, "big") + RED
        for encoding, each in ((RRE, whole), (CORRE, small)):
            table = self.slow(update(rectangle(encoding, many + each * (1 << 14))))
            self.assertEqual(table.trouble, TOO_LONG)

    def test_the_time_is_that_which_is_recorded_a_day_at_most(self) -> None:
        used = [0.0]
        limit = budget.Budget(lambda: used[0])
        for moment, seconds in ((0, 600), (10**9, 1600), (1 << 63, 87000)):
            limit.moment = moment
            used[0] = seconds
            limit.check_time()
            used[0] = seconds + 1
            self.assertRaises(TooExpensive, limit.check_time)

    def test_events_of_nothing(self) -> None:
        clock = count(step=budget.SPARE_TIME / 20)
        recording = recording_of([INIT, *[Event(VIEWER, 1, b"")] * 100])
        table = make_copy(io.BytesIO(recording), io.BytesIO(), seconds=lambda: next(clock))
        self.assertEqual(table.trouble, TOO_LONG)


class RoomTests(HostileCase):
    def test_a_screen_that_is_too_large(self) -> None:
        self.patch(rectangles, "LARGEST_AREA", SIDE**2)
        size = update(rectangle(SIZE, width=SIDE + 1))
        table = self.table(update(rectangle(RAW, RED * SIDE**2)), size)
        self.assertIn("a screen of 65 x 64 pixels", table.trouble)
        self.assertEqual(len(table.segments), 1)

    def test_the_largest_screen_that_a_server_can_name(self) -> None:
        init = Event(SERVER, 0, ServerInit(65535, 65535, FORMATS["novnc"], "").pack())
        table = copied(recording_of([init]))[0]
        self.assertIn("a screen of 65535 x 65535 pixels", table.trouble)
        self.assertEqual(table.segments, ())

    def test_inflated_bytes_that_do_not_end(self) -> None:
        bomb = zlib.compress(bytes(1 << 24))
        for encoding in (ZLIB, ZRLE):
            table = self.table(update(rectangle(encoding, sized(bomb))))
            self.assertIn("inflated bytes", table.trouble)

    def test_cursors_that_are_large_once_they_are_inflated(self) -> None:
        self.patch(budget, "SPARE_SIZE", 1 << 20)
        pixels = sized(zlib.compress(bytes(1 << 18)))
        cursor = rectangle(ALPHA, ZLIB.to_bytes(4, "big") + pixels, 256, 256)
        table, copy = copied(recording_of([INIT, *[Event(SERVER, 1, update(cursor))] * 50]))
        self.assertIn("MiB would have more than 1 MiB", table.trouble)
        self.assertLess(len(copy), 1 << 21)

    def test_a_message_that_becomes_large(self) -> None:
        self.patch(translating, "LARGEST", 1 << 20)
        pixels = sized(zlib.compress(bytes(1 << 18)))
        cursor = rectangle(ALPHA, ZLIB.to_bytes(4, "big") + pixels, 256, 256)
        table = self.table(update(*[cursor] * 50))
        self.assertEqual(table.trouble, "one message would become more than 1 MiB")

    def test_changes_that_fill_the_table_of_contents(self) -> None:
        self.patch(budget, "MOST_LISTED", 20)
        sizes = [update(rectangle(SIZE, width=SIDE - number % 2)) for number in range(50)]
        table = self.table(*sizes)
        self.assertIn("changes too often", table.trouble)
        self.assertLessEqual(len(table.sizes), 21)

    def test_what_is_left_out_is_one_byte(self) -> None:
        _, copy = copied(
            recording_of([INIT, Event(LEFT_OUT, 1, b"\4secret"), Event(LEFT_OUT, 2, b"")])
        )
        found = [e.data for e in entries_of(copy, 0) if e.kind is Kind.LEFT_OUT]
        self.assertEqual(found, [b"\4"])

    def test_memory_that_does_not_suffice(self) -> None:
        def no_room(*_: object) -> object:
            raise MemoryError

        self.patch(rectangles.TranslatingDecoder, "decode_rectangle", no_room)
        table = self.table(update(rectangle(RAW, RED * SIDE**2)))
        self.assertEqual(table.trouble, "what the server sent needs too much memory")


class FileTests(HostileCase):
    def test_lengths_beyond_the_file(self) -> None:
        writer = RecordingWriter(ABOUT)
        begun = writer.begin() + writer.events([INIT])
        for data in (HEAD.pack(LONGEST_BODY, 2, 0), HEAD.pack(LONGEST_BODY, 2, 0) + bytes(100_000)):
            table, _ = copied(begun + data)
            self.assertEqual((table.ended, table.trouble), (False, ""))
            self.assertEqual(len(table.segments), 1)
        table, _ = copied(begun + HEAD.pack(LONGEST_BODY + 1, 2, 0))
        self.assertIn("damaged: chunk 2: it has an impossible head", table.trouble)

    def test_an_event_that_is_longer_than_its_chunk(self) -> None:
        for event in (struct.pack(">BQI", 0, 1, 0xFFFFFFFF), struct.pack(">BQI", 9, 1, 0), b"\0"):
            writer = RecordingWriter(ABOUT)
            data = writer.begin() + writer.events([INIT])
            table, _ = copied(data + b"".join(map(bytes, writer.packed_events(event))))
            self.assertIn("damaged: chunk 2", table.trouble)

    def test_a_file_that_is_cut_anywhere(self) -> None:
        painted = Event(SERVER, 1, update(rectangle(RAW, RED * 16, 4, 4)))
        whole = recording_of([INIT, painted])
        about = len(RecordingWriter(ABOUT).begin())
        for size in range(len(whole)):
            data = whole[:size]
            if size < about:
                self.assertRaises(CannotMake, make_copy, io.BytesIO(data), io.BytesIO())
                continue
            table, _ = copied(data)
            self.assertEqual((table.ended, table.trouble, table.recorded), (False, "", size))

    def test_the_copy_of_one_that_is_damaged_is_that_of_the_whole_file(self) -> None:
        """It would be made again, for ever, whenever somebody asks for it."""
        painted = [Event(SERVER, n, update(rectangle(RAW, RED * SIDE**2))) for n in range(30)]
        recording = bytearray(recording_of([INIT, *painted]))
        recording[2000] ^= 1
        table, _ = copied(bytes(recording))
        self.assertIn("damaged: chunk", table.trouble)
        self.assertEqual(table.recorded, len(recording))

    def test_the_hash_is_that_of_the_whole_file_where_it_is_intact(self) -> None:
        nonsense = Event(SERVER, 2, update(rectangle(ZLIB, sized(b"none"))))
        painted = [Event(SERVER, n, update(rectangle(RAW, RED * SIDE**2))) for n in range(3, 30)]
        recording = recording_of([INIT, nonsense, *painted])
        table, _ = copied(recording)
        self.assertIn("cannot be decoded", table.trouble)
        self.assertEqual((table.hash, table.ended), (recording[-32:].hex(), True))
        for at in (len(recording) - 40, len(recording) - 100_000):
            changed = bytearray(recording)
            changed[at] ^= 1
            self.assertEqual(copied(bytes(changed))[0].hash, "")

    def test_what_the_viewer_sent_is_no_message(self) -> None:
        table = self.table(Event(VIEWER, 1, b"\x77nonsense"))
        self.assertIn("what the viewer sent cannot be read", table.trouble)
