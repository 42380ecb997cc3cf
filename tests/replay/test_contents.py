"""The file of a playable copy, and what is none."""

from __future__ import annotations

import io
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from tests.replay.playing import copied, recording_of
from tests.replay.streams import events_of
from vncproxy.replay import (
    Entry,
    Kind,
    MalformedSegment,
    NoCopy,
    contents,
    read_contents,
    read_segment,
    segment_of,
    unpack_entries,
)

RECORDING = recording_of(events_of(1, "novnc", 3))


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.table, self.copy = copied(RECORDING)

    def test_the_bytes_as_the_page_has_them(self) -> None:
        magic, segment = b"\x89VNCX\r\n\x01", self.table.segments[0]
        size = int.from_bytes(self.copy[-12:-8], "big")
        self.assertEqual((self.copy[:8], self.copy[-8:]), (magic, magic))
        self.assertTrue(self.copy[-12 - size :].startswith(b'{"v":1,"session":"7f3a",'))
        self.assertEqual((segment.offset, self.copy[8]), (8, 3))
        self.assertEqual(segment.offset + segment.size, len(self.copy) - 12 - size)

    def test_what_was_written_is_read(self) -> None:
        path = Path(self.mktemp())
        path.write_bytes(self.copy)
        self.assertEqual(contents(path), self.table)
        data = read_segment(path, 0)
        self.assertEqual(len(data), self.table.segments[0].size)
        self.assertEqual(next(unpack_entries(data)).kind, Kind.KEY_FRAME)
        for number in (-1, len(self.table.segments)):
            self.assertRaises(IndexError, read_segment, path, number)

    def test_a_file_that_was_cut_off(self) -> None:
        for size in range(len(self.copy)):
            self.assertRaises(NoCopy, read_contents, io.BytesIO(self.copy[:size]))

    def test_another_version(self) -> None:
        for old, new in ((b"VNCX\r\n\x01", b"VNCX\r\n\x02"), (b'"v":1', b'"v":2')):
            other = self.copy.replace(old, new)
            self.assertRaises(NoCopy, read_contents, io.BytesIO(other))

    @given(st.data())
    def test_a_file_that_was_changed_raises_our_errors(self, data: st.DataObject) -> None:
        changed = bytearray(self.copy)
        at = data.draw(st.integers(1, 900))
        changed[-at] = data.draw(st.integers(0, 255))
        file = io.BytesIO(bytes(changed))
        try:
            table = read_contents(file)
            for number in range(len(table.segments)):
                list(unpack_entries(segment_of(file, table, number)))
        except (NoCopy, MalformedSegment):
            return


class EntryTests(SynchronousTestCase):
    def test_the_bytes_of_an_entry(self) -> None:
        packed = Entry(Kind.VIEWER, 0x0102, b"ab").pack()
        self.assertEqual(packed, b"\1\0\0\0\0\0\0\1\2\0\0\0\2ab")
        self.assertEqual(list(unpack_entries(packed * 2)), [Entry(Kind.VIEWER, 0x0102, b"ab")] * 2)

    @given(st.binary(max_size=60))
    def test_random_bytes_raise_our_error(self, data: bytes) -> None:
        try:
            list(unpack_entries(data))
        except MalformedSegment:
            return
