"""Copies have the pixels of their recordings, whichever segment is played alone."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from itertools import count

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given, settings
from tests.properties import strategies as st
from tests.replay.playing import ABOUT, copied, differences, entries_of, recording_of
from tests.replay.streams import FORMATS, RAW, SIZE, ZLIB, events_of
from vncproxy.recording.events import Event, Source
from vncproxy.recording.writing import RecordingWriter
from vncproxy.replay import CannotMake, Kind, cutting, images, rectangles
from vncproxy.replay.budget import SPARE_TIME
from vncproxy.replay.making import make_copy
from vncproxy.rfb.server_init import ServerInit

SERVER, VIEWER, LEFT_OUT = Source.SERVER, Source.VIEWER, Source.LEFT_OUT
INIT = Event(SERVER, 0, ServerInit(4, 2, FORMATS["novnc"], "desk").pack())
RED, GREEN = b"\xff\0\0\0", b"\0\xff\0\0"


def painted(moment: int, colour: bytes = RED, encoding: int = RAW) -> Event:
    """Return an update of the whole screen."""
    head = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 4, 2, encoding)
    return Event(SERVER, moment, head + colour * 8)


class PixelCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(cutting, "LEAST", 3000)

    def assertSame(self, events: list[Event]) -> int:
        """Compare a copy with its recording; returns the number of its segments."""
        recording = recording_of(events)
        table, copy = copied(recording)
        self.assertEqual(table.trouble, "")
        self.assertEqual(differences(recording, copy), [])
        return len(table.segments)


class PixelTests(PixelCase):
    def test_all_encodings_in_each_format(self) -> None:
        for seed, name in enumerate(FORMATS):
            self.assertSame(events_of(seed, name, 20))

    def test_formats_that_change(self) -> None:
        names, segments = list(FORMATS), 0
        for seed, name in enumerate(names):
            segments += self.assertSame(events_of(100 + seed, name, 20, names[seed - 3]))
        self.assertGreater(segments, 2 * len(names))

    @settings(max_examples=20)
    @given(st.integers(0, 1 << 32), st.sampled_from(list(FORMATS)))
    def test_random_sessions(self, seed: int, name: str) -> None:
        self.assertSame(events_of(seed, name, 5))


class LimitTests(SynchronousTestCase):
    def test_a_small_recording_that_takes_too_long_ends_there(self) -> None:
        """All of it is read at once, so the time is looked at between rectangles."""
        clock = count(step=SPARE_TIME / 10)
        events = [INIT, painted(1), *(painted(2, GREEN) for _ in range(50))]
        table = make_copy(
            io.BytesIO(recording_of(events)), io.BytesIO(), seconds=lambda: next(clock)
        )
        self.assertEqual(table.trouble, "what the server sent takes too long to decode")
        self.assertEqual(len(table.segments), 1)

    def test_moments_that_go_back_are_those_before_them(self) -> None:
        recording = recording_of([INIT, painted(5_000_000), painted(1, GREEN), painted(6_000_000)])
        table, copy = copied(recording)
        moments = [
            entry.moment
            for number, _ in enumerate(table.segments)
            for entry in entries_of(copy, number)
        ]
        self.assertEqual(moments, sorted(moments))
        self.assertEqual(table.seconds, 6)


class ImageTests(PixelCase):
    """Sessions of images, most of which are kept as they came."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(rectangles, "LEAST_PIXELS", 1)

    def test_images_that_cover_each_other(self) -> None:
        for seed, name in enumerate(FORMATS):
            self.assertSame(events_of(seed, name, 20, images=0.6))

    def test_few_are_kept(self) -> None:
        self.patch(images, "MOST_IMAGES", 3)
        self.patch(images, "MOST_AREAS", 2)
        for seed, name in enumerate(FORMATS):
            self.assertSame(events_of(50 + seed, name, 20, images=0.6))


class EntryTests(SynchronousTestCase):
    def entries(self, *events: Event) -> list[tuple[Kind, int, bytes]]:
        _, copy = copied(recording_of([INIT, *events]))
        return [(e.kind, e.moment, e.data) for e in entries_of(copy, 0)][1:]

    def test_what_the_viewer_did(self) -> None:
        pointer, key = b"\5\1\0\2\0\1", b"\4\1\0\0\0\0\0\x61"
        qemu = b"\xff\0\0\1" + bytes(8)
        request, text = b"\3" + bytes(9), b"\6\0\0\0\0\0\0\2ab"
        found = self.entries(
            Event(VIEWER, 1, request + pointer[:3]),
            Event(VIEWER, 2, pointer[3:] + key + text),
            Event(LEFT_OUT, 3, b"\4"),
            Event(VIEWER, 4, qemu + b"\xff\1\0\0"),
        )
        self.assertEqual(
            found,
            [
                (Kind.VIEWER, 2, pointer),
                (Kind.VIEWER, 2, key),
                (Kind.LEFT_OUT, 2, b"\6"),
                (Kind.LEFT_OUT, 3, b"\4"),
                (Kind.VIEWER, 4, qemu),
            ],
        )

    def test_what_is_left_out_of_what_the_server_sends(self) -> None:
        text = b"\3\0\0\0\0\0\0\4text"
        fence = bytes([248, 0, 0, 0, 0, 0, 0, 1, 0])
        self.assertEqual(self.entries(Event(SERVER, 5, text + fence + b"\x96")), [])

    def test_bells_and_names(self) -> None:
        name = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 0, 0, -307) + b"\0\0\0\2hi"
        found = self.entries(Event(SERVER, 5, b"\2" + name))
        self.assertEqual(found, [(Kind.SERVER, 5, b"\2"), (Kind.SERVER, 5, name)])

    def test_a_message_counts_when_it_is_whole(self) -> None:
        whole = painted(0).data
        found = self.entries(Event(SERVER, 5, whole[:20]), Event(SERVER, 7, whole[20:]))
        fill = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 4, 2, 7) + b"\x80\xff\0\0"
        self.assertEqual(found, [(Kind.SERVER, 7, fill)])

    def test_what_is_new_of_a_larger_screen_is_painted(self) -> None:
        size = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 6, 3, SIZE)
        right = struct.pack(">HHHHi", 4, 0, 2, 3, 7) + b"\x80\0\0\0"
        below = struct.pack(">HHHHi", 0, 2, 6, 1, 7) + b"\x80\0\0\0"
        found = self.entries(Event(SERVER, 5, size))
        new = b"\0\0\0\2" + right + below
        self.assertEqual(found, [(Kind.SERVER, 5, size), (Kind.SERVER, 5, new)])

    def test_copies_of_the_screen_remain(self) -> None:
        copy = struct.pack(">BxHHHHHiHH", 0, 1, 1, 0, 2, 1, 1, 0, 1)
        self.assertEqual(self.entries(Event(SERVER, 5, copy)), [(Kind.SERVER, 5, copy)])


class ContentsTests(SynchronousTestCase):
    def test_what_the_table_has(self) -> None:
        size = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 9, 7, SIZE)
        events = [INIT, painted(1_000), Event(SERVER, 2_000, size)]
        recording = recording_of(events)
        table, _ = copied(recording)

        self.assertEqual((table.session, table.name, table.trouble), (ABOUT.session, "desk", ""))
        self.assertEqual((table.width, table.height), (4, 2))
        self.assertEqual(table.sizes, ((0, 4, 2), (2_000, 9, 7)))
        self.assertEqual((table.ended, table.reason, table.seconds), (True, "client-gone", 0.002))
        self.assertEqual(table.recorded, len(recording))
        self.assertEqual(table.hash, recording[-32:].hex())
        self.assertEqual((table.about["user"], table.about["started_at"]), ("zoë", 1800000000.5))
        self.assertNotIn("token", table.about)
        self.assertEqual([(s.at, s.end) for s in table.segments], [(0, 2_000)])

    def test_idle_times(self) -> None:
        second = 1_000_000
        caret = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 2, 2, RAW) + RED * 4
        moved, pressed = b"\5\0\0\1\0\1", b"\5\1\0\1\0\1"
        large = ServerInit(400, 100, FORMATS["novnc"], "").pack()
        whole = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 400, 100, 7) + b"\x80" + RED[:3]
        events = [
            Event(SERVER, 0, large),
            *(Event(SERVER, n * second, caret) for n in range(1, 10)),
            Event(VIEWER, 10 * second, moved),
            Event(SERVER, 12 * second, whole),
            Event(VIEWER, 16 * second, pressed),
            Event(LEFT_OUT, 20 * second, b"\4"),
            Event(SERVER, 25 * second, b"\2"),
        ]
        table, _ = copied(recording_of(events))
        self.assertEqual(table.idle, ((0, 12 * second), (20 * second, 25 * second)))

    def test_a_recording_of_nothing(self) -> None:
        table, _ = copied(recording_of([]))
        self.assertEqual((table.segments, table.width, table.seconds), ((), 0, 0.0))


class TroubleTests(SynchronousTestCase):
    def test_it_ends_where_the_server_sent_nonsense(self) -> None:
        head = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 4, 2, ZLIB)
        nonsense = Event(SERVER, 3, head + b"\0\0\0\4none")
        events = [INIT, painted(1), painted(2, GREEN), nonsense, painted(4)]
        recording = recording_of(events)
        table, copy = copied(recording)
        self.assertIn("cannot be decoded", table.trouble)
        self.assertEqual([e.moment for e in entries_of(copy, 0)], [0, 1, 2])
        self.assertEqual(differences(recording, copy), [])

    def test_one_that_was_cut_off(self) -> None:
        recording = recording_of([INIT, painted(1), painted(2)])
        table, copy = copied(recording[:-1])
        self.assertEqual(
            (table.ended, table.trouble, table.recorded), (False, "", len(recording) - 1)
        )
        self.assertEqual(differences(recording[:-1], copy), [])

    def test_one_that_was_changed(self) -> None:
        recording = bytearray(recording_of([INIT, painted(1), painted(2)]))
        recording[-120] ^= 1
        table, _ = copied(bytes(recording))
        self.assertIn("damaged", table.trouble)

    def test_what_is_no_recording_has_none(self) -> None:
        for data in (b"", b"FBS 001.000\n"):
            self.assertRaises(CannotMake, make_copy, io.BytesIO(data), io.BytesIO())

    def test_a_sealed_one_has_none(self) -> None:
        writer = RecordingWriter(replace(ABOUT, sealed_key="abcd"))
        error = self.assertRaises(CannotMake, make_copy, io.BytesIO(writer.begin()), io.BytesIO())
        self.assertEqual(str(error), "it is sealed")
