"""The file of a recording: written, read, cut and changed."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, replace
from itertools import pairwise

import pyrage
from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.archive.describing import read_about, read_end
from vncproxy.recording.chunks import LONGEST_BODY, ChunkWriter, Damaged, Kind
from vncproxy.recording.events import Event, Source
from vncproxy.recording.reading import Ending, RecordingReader
from vncproxy.recording.sealing import CannotOpen, new_seal, open_seal
from vncproxy.recording.writing import About, RecordingWriter

ABOUT = About(
    session="7f3a",
    token="ab" * 32,
    vm="kvm/web-01",
    user="zoë",
    client="192.0.2.1",
    type="novnc",
    proxy="p1",
    started_at=1800000000.5,
)
EVENTS = [
    Event(Source.SERVER, 0, b"init"),
    Event(Source.VIEWER, 1500, b"\3request"),
    Event(Source.LEFT_OUT, 2000, b"\4"),
    Event(Source.SERVER, 1 << 40, b""),
]


def recording(about: About = ABOUT, recipients: tuple[str, ...] = ()) -> bytes:
    """Return a whole file of two chunks with events."""
    seal = None
    if recipients:
        seal, key = new_seal(recipients)
        about = replace(about, sealed_key=key)
    writer = RecordingWriter(about, seal)
    data = writer.begin() + writer.events(EVENTS[:2]) + writer.events(EVENTS[2:])
    return data + writer.end("client-gone", 7_000_000)


class FileTests(SynchronousTestCase):
    def test_what_was_written_is_read(self) -> None:
        reader = RecordingReader(io.BytesIO(recording()))

        self.assertEqual(list(reader.events()), EVENTS)
        self.assertEqual(reader.about, ABOUT)
        self.assertEqual(reader.ending, Ending("client-gone", 7_000_000))
        self.assertEqual((reader.chunks, reader.cut, reader.is_ended), (4, 0, True))

    def test_the_first_bytes_as_the_page_has_them(self) -> None:
        data = recording()
        size = int.from_bytes(data[8:12], "big")
        body = data[16 : 16 + size]
        before = hashlib.sha256(b"\x89VNCR\r\n\x01").digest()

        self.assertEqual(data[:8], b"\x89VNCR\r\n\x01")
        self.assertEqual(data[12:16], b"\1\0\0\0")
        self.assertEqual(json.loads(body)["user"], "zoë")
        right = hashlib.sha256(before + data[8:16] + body).digest()
        self.assertEqual(data[16 + size : 48 + size], right)

    def test_the_hash_is_that_of_the_last_chunk(self) -> None:
        writer = RecordingWriter(ABOUT)
        data = writer.begin() + writer.end("closed", 1)
        self.assertEqual(writer.hash, data[-32:].hex())
        self.assertEqual(writer.size, len(data))

    def test_a_file_that_was_cut_off_plays_up_to_there(self) -> None:
        whole = recording()
        for size in range(len(whole)):
            reader = RecordingReader(io.BytesIO(whole[:size]))
            try:
                events = list(reader.events())
            except Damaged:
                self.assertIsNone(reader.about)
                continue
            self.assertIn(events, ([], EVENTS[:2], EVENTS))
            self.assertFalse(reader.is_ended)

    @given(st.data())
    def test_any_change_is_seen(self, data: st.DataObject) -> None:
        whole = bytearray(recording())
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] ^= data.draw(st.integers(1, 255))
        reader = RecordingReader(io.BytesIO(bytes(whole)))
        try:
            list(reader.events())
        except Damaged:
            return
        # a longer chunk than there is: as a file that was cut off
        self.assertFalse(reader.is_ended)

    def test_a_chunk_that_is_missing_or_moved_is_seen(self) -> None:
        writer = RecordingWriter(ABOUT)
        first, one, two = writer.begin(), writer.events(EVENTS[:2]), writer.events(EVENTS[2:])
        end = writer.end("closed", 1)
        for parts in (
            (first, two, end),
            (first, two, one, end),
            (first, one, one, two, end),
            (first, one, two, end, end),
            (first, first),
        ):
            reader = RecordingReader(io.BytesIO(b"".join(parts)))
            self.assertRaises(Damaged, list, reader.events())

    def test_what_is_no_recording(self) -> None:
        long = recording()[:8] + (LONGEST_BODY + 1).to_bytes(4, "big") + bytes(60)
        for data in (b"", b"FBS 001.000\n", recording()[:7] + b"\2" + bytes(60), long):
            self.assertRaises(Damaged, list, RecordingReader(io.BytesIO(data)).events())

    def test_members_that_no_writer_writes(self) -> None:
        about = {"v": 1, **asdict(ABOUT)}
        spoilt: list[dict[str, object]] = [
            {"started_at": float("nan")},
            {"started_at": "soon"},
            {"started_at": True},
            {"started_at": 1e300},
            {"keys": "no"},
            {"vm": None},
            {"user": "\ud800"},
            {"v": 2},
        ]
        for members in spoilt:
            data = ChunkWriter().chunk(Kind.ABOUT, json.dumps({**about, **members}).encode())
            reader = RecordingReader(io.BytesIO(recording()[:8] + data))
            self.assertRaises(Damaged, list, reader.events())

    def test_an_end_that_no_writer_writes(self) -> None:
        for end in (
            b"[]",
            b'{"reason": "x"}',
            b'{"reason": "x", "moment": -1}',
            b'{"reason": "x", "moment": Infinity}',
            b'{"reason": "x", "moment": 1%s}' % (b"0" * 400),
            b'{"reason": "\\ud800", "moment": 1}',
        ):
            chunks = ChunkWriter()
            about = chunks.chunk(Kind.ABOUT, json.dumps({"v": 1, **asdict(ABOUT)}).encode())
            data = recording()[:8] + about + chunks.chunk(Kind.END, end)
            self.assertRaises(Damaged, list, RecordingReader(io.BytesIO(data)).events())
            library = io.BytesIO(data)
            self.assertEqual(read_about(library), ABOUT)
            read_end(library)

    @given(st.binary(max_size=200), st.lists(st.integers(1, 40)))
    def test_random_bytes_raise_our_error(self, data: bytes, sizes: list[int]) -> None:
        ends = [0]
        for size in sizes:
            ends.append(ends[-1] + size)
        pieces = [data[a:b] for a, b in pairwise([*ends, ends[-1] + 300])]
        file = io.BytesIO(recording()[:8] + b"".join(pieces))
        self.assertRaises(Damaged, list, RecordingReader(file).events())


class SealedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.identity = pyrage.x25519.Identity.generate()
        self.data = recording(recipients=(str(self.identity.to_public()),))

    def read(self, identity: str | None) -> RecordingReader:
        opener = None if identity is None else lambda key: open_seal(key, [identity])
        return RecordingReader(io.BytesIO(self.data), opener)

    def test_the_holder_of_the_key_reads_it(self) -> None:
        reader = self.read(str(self.identity))
        self.assertEqual(list(reader.events()), EVENTS)
        self.assertEqual(reader.ending, Ending("client-gone", 7_000_000))

    def test_without_the_key_it_is_verified_and_not_read(self) -> None:
        reader = self.read(None)
        self.assertEqual(len(list(reader.read_chunks())), 4)
        self.assertEqual((reader.is_ended, reader.ending), (True, None))
        self.assertRaises(Damaged, list, self.read(None).events())
        self.assertNotIn(b"request", self.data)
        self.assertNotIn(b"client-gone", self.data)

    def test_another_key_does_not_open_it(self) -> None:
        other = str(pyrage.x25519.Identity.generate())
        self.assertRaises(CannotOpen, list, self.read(other).events())
        self.assertRaises(CannotOpen, list, self.read("AGE-SECRET-KEY-1NONE").events())

    def test_what_is_not_sealed_has_no_place_there(self) -> None:
        seal, key = new_seal([str(self.identity.to_public())])
        begin = RecordingWriter(replace(ABOUT, sealed_key=key), seal).begin()
        for kind, body in (
            (Kind.EVENTS, b""),
            (Kind.END, b'{"reason": "client-gone", "moment": 1}'),
        ):
            chunks = ChunkWriter(seal)
            size = int.from_bytes(begin[8:12], "big")
            chunks.chunk(Kind.ABOUT, begin[16 : 16 + size])
            self.data = begin + chunks.chunk(kind, body, sealed=False)
            error = self.assertRaises(Damaged, list, self.read(None).read_chunks())
            self.assertIn("it is not sealed", str(error))

    def test_what_is_no_public_key(self) -> None:
        error = self.assertRaises(ValueError, new_seal, ["ssh-ed25519 AAAA"])
        self.assertIn("age1", str(error))

    def test_no_secret_is_shown(self) -> None:
        seal, key = new_seal([str(self.identity.to_public())])
        self.assertNotIn(key, repr(seal))
