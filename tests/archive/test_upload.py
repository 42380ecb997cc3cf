"""The upload of one recording: in parts, through outages, kills, and storages of all kinds."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.bucket import MemoryBucket
from tests.doubles.recorded_files import about, keep, name_of
from vncproxy.archive.bucket import BucketError
from vncproxy.archive.library import Entry, NoRecording
from vncproxy.archive.spool import Progress, Spool
from vncproxy.archive.upload import Upload, tag_of
from vncproxy.recording.being_written import mark_as_written
from vncproxy.recording.events import Event, Source
from vncproxy.recording.writing import RecordingWriter

PART = 1000
NAME = name_of("7f3a")


class UploadCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.spool = Spool(self.folder)
        self.bucket = MemoryBucket()
        self.writer = RecordingWriter(about())
        self.path = keep(self.folder)
        self.path.write_bytes(b"")
        self.counted = 0

    def written(self, chunks: int, of: int = 700, *, end: bool = True) -> bytes:
        """Write a whole recording."""
        with self.path.open("ab") as file:
            file.write(self.writer.begin())
            self.write(file, chunks, of)
            if end:
                file.write(self.writer.end("client-gone", 1))
        return self.path.read_bytes()

    def write(self, file: BinaryIO, chunks: int, of: int = 700) -> None:
        for number in range(chunks):
            file.write(self.writer.events([Event(Source.SERVER, 0, bytes([number]) * of)]))
        file.flush()

    def upload(self) -> Upload:
        """Return the upload as a new process begins it."""
        (entry,) = self.spool.entries()
        return Upload(self.bucket, self.spool, entry, self.count, PART)

    def count(self, size: int) -> None:
        self.counted += size

    def assertKept(self, data: bytes) -> None:
        self.assertEqual(self.bucket.stored, {NAME: data})
        self.assertEqual(self.bucket.open, {})


class WholeTests(UploadCase):
    def test_a_short_one_is_one_object(self) -> None:
        data = self.written(0)
        self.assertLess(len(data), PART)

        self.assertTrue(self.upload().advance())
        self.assertKept(data)
        self.assertEqual(self.bucket.calls, ["put", "look"])
        self.assertEqual(self.counted, len(data))

    def test_a_long_one_is_in_parts(self) -> None:
        data = self.written(9)

        self.assertTrue(self.upload().advance())
        self.assertKept(data)
        self.assertEqual(self.bucket.calls.count("put_part"), -(-len(data) // PART))
        self.assertEqual(self.counted, len(data))

    def test_sizes_around_those_of_parts(self) -> None:
        for size in range(PART - 3, PART + 4):
            self.setUp()
            frame = len(self.written(1, 0))
            self.path.write_bytes(b"")
            self.writer = RecordingWriter(about())
            data = self.written(1, 2 * size - frame)
            self.assertEqual(len(data), 2 * size)

            self.assertTrue(self.upload().advance())
            self.assertKept(data)

    def test_one_that_was_cut_is_kept_up_to_its_last_whole_chunk(self) -> None:
        data = self.written(5, end=False)
        with self.path.open("ab") as file:
            file.write(data[-300:-100])

        self.assertTrue(self.upload().advance())
        self.assertKept(data)

    def test_an_empty_one_waits(self) -> None:
        self.assertFalse(self.upload().advance())
        self.assertEqual(self.bucket.calls, [])

    def test_one_that_is_gone(self) -> None:
        upload = self.upload()
        self.path.unlink()
        self.assertRaises(NoRecording, upload.advance)


class GrowingTests(UploadCase):
    def test_its_parts_are_sent_while_it_grows(self) -> None:
        with self.path.open("ab") as file:
            mark_as_written(file.fileno())
            file.write(self.writer.begin())
            upload = self.upload()
            sent = []
            for _ in range(4):
                self.write(file, 2)
                self.assertFalse(upload.advance())
                sent.append(upload.sent)
            file.write(self.writer.end("client-gone", 1))
            file.flush()
            self.assertFalse(upload.advance())
        self.assertEqual([each % PART for each in sent], [0] * 4)
        self.assertGreater(sent[-1], sent[0])
        self.assertEqual(self.bucket.stored, {})

        self.assertTrue(upload.advance())
        self.assertKept(self.path.read_bytes())
        self.assertEqual(self.counted, len(self.path.read_bytes()))

    def test_what_the_writer_takes_back_was_not_sent(self) -> None:
        with self.path.open("ab") as file:
            mark_as_written(file.fileno())
            file.write(self.writer.begin())
            self.write(file, 1, 10)
            file.write(self.writer.events([Event(Source.SERVER, 0, bytes(5000))])[:4000])
            file.flush()
            upload = self.upload()
            self.assertFalse(upload.advance())
            self.assertEqual(upload.sent, 0)

    def test_it_stops_where_there_is_no_time(self) -> None:
        self.written(9)
        upload = self.upload()
        turns = iter([True, True])
        self.assertFalse(upload.advance(lambda: next(turns, False)))
        self.assertEqual(upload.sent, 2 * PART)
        self.assertTrue(upload.advance())


class OutageTests(UploadCase):
    def test_every_call_may_fail_once(self) -> None:
        for call in ("begin_parts", "put_part", "complete", "look", "uploads"):
            self.setUp()
            data = self.written(9)
            upload = self.upload()
            self.bucket.fail = {call}
            self.assertRaises(BucketError, upload.advance)
            self.bucket.fail = set()

            self.assertTrue(upload.advance(), call)
            self.assertKept(data)

    def test_every_answer_may_be_lost(self) -> None:
        for call in ("put_part", "complete"):
            self.setUp()
            data = self.written(9)
            upload = self.upload()
            self.bucket.lose = {call}
            with contextlib.suppress(BucketError):
                upload.advance()
            self.bucket.lose = set()

            self.assertTrue(upload.advance(), call)
            self.assertKept(data)

    def test_an_upload_that_the_storage_has_forgotten_begins_again(self) -> None:
        data = self.written(9)
        upload = self.upload()
        upload.advance(iter([True, True, False]).__next__)
        self.bucket.open.clear()
        self.assertRaises(BucketError, upload.advance)

        with_new_parts = self.upload()
        self.assertTrue(with_new_parts.advance())
        self.assertKept(data)

    def test_it_begins_again_in_the_same_process_too(self) -> None:
        data = self.written(9)
        upload = self.upload()
        self.bucket.fail = {"complete"}
        self.assertRaises(BucketError, upload.advance)
        self.bucket.fail = set()
        self.bucket.open.clear()
        self.assertRaises(BucketError, upload.advance)

        self.assertTrue(upload.advance())
        self.assertKept(data)

    def test_an_upload_that_is_forgotten_while_the_session_lasts_begins_again(self) -> None:
        data = self.written(9)
        upload = self.upload()
        self.assertFalse(upload.advance(iter([True, True, False]).__next__))
        self.bucket.open.clear()
        self.assertRaises(BucketError, upload.advance)
        self.assertTrue(upload.advance())
        self.assertKept(data)

    def test_other_bytes_in_the_bucket_are_no_success(self) -> None:
        data = self.written(0)
        keep_as_sent = self.bucket._keep

        def spoil(name: str, sent: bytes, tag: str) -> None:
            keep_as_sent(name, sent[:-1] + b"?", "0" * 32)

        self.bucket._keep = spoil  # type: ignore[method-assign,assignment]
        upload = self.upload()
        self.assertRaises(BucketError, upload.advance)
        self.bucket._keep = keep_as_sent  # type: ignore[method-assign]
        self.assertTrue(upload.advance())
        self.assertKept(data)

    def test_a_storage_whose_tags_say_nothing(self) -> None:
        self.bucket.has_own_tags = True
        data = self.written(9)

        self.assertTrue(self.upload().advance())
        self.assertKept(data)
        self.assertIn("read", self.bucket.calls)


class KilledTests(UploadCase):
    def test_another_process_goes_on(self) -> None:
        data = self.written(9)
        self.upload().advance(iter([True, True, True, False]).__next__)
        self.assertEqual(self.bucket.calls.count("put_part"), 3)

        self.assertTrue(self.upload().advance())
        self.assertKept(data)
        self.assertEqual(self.bucket.calls.count("put_part"), -(-len(data) // PART))

    def test_killed_after_any_call(self) -> None:
        for calls in range(1, 14):
            self.setUp()
            data = self.written(9)
            self.kill_after(calls)

            self.assertTrue(self.upload().advance(), calls)
            self.assertKept(data)

    def kill_after(self, calls: int) -> None:
        """Let the process of an upload end when it has made so many calls of the bucket."""
        begin = self.bucket._begin

        def count(call: str) -> None:
            if len(self.bucket.calls) >= calls:
                raise KeyboardInterrupt
            begin(call)

        self.bucket._begin = count  # type: ignore[method-assign]
        with contextlib.suppress(KeyboardInterrupt):
            self.upload().advance()
        self.bucket._begin = begin  # type: ignore[method-assign]

    def test_parts_of_a_file_that_lost_its_end_with_the_power(self) -> None:
        data = self.written(9)
        self.upload().advance(iter([True] * 5 + [False]).__next__)
        size = self.cut_to(data, 3)

        self.assertTrue(self.upload().advance())
        self.assertKept(data[:size])

    def test_parts_of_other_bytes_are_sent_again(self) -> None:
        self.written(9)
        self.upload().advance(iter([True] * 5 + [False]).__next__)
        self.writer = RecordingWriter(about(user="bob"))
        self.path.write_bytes(b"")
        data = self.written(9)

        self.assertTrue(self.upload().advance())
        self.assertKept(data)

    def cut_to(self, data: bytes, chunks: int) -> int:
        writer = RecordingWriter(about())
        size = len(writer.begin()) + sum(
            len(writer.events([Event(Source.SERVER, 0, bytes([n]) * 700)])) for n in range(chunks)
        )
        os.truncate(self.path, size)
        return size

    def test_a_note_that_cannot_be_read_counts_as_none(self) -> None:
        data = self.written(9)
        self.upload().advance(iter([True, False]).__next__)
        (note,) = self.path.parent.glob(".*.upload")
        for text in ("", "[]", '{"upload": 1}', "\xff"):
            note.write_text(text)
            self.assertEqual(self.spool.progress(self.entry()), Progress())

        self.assertTrue(self.upload().advance())
        self.assertKept(data)

    def entry(self) -> Entry:
        return next(iter(self.spool.entries()))


class TagTests(SynchronousTestCase):
    def test_the_tag_of_an_object_in_parts(self) -> None:
        # of 5 MiB of "a" and one "b", as Amazon and moto give it
        tags = ["79b281060d337b9b2b84ccf390adcf74", "92eb5ffee6ae2fec3ad71c777531578f"]
        self.assertEqual(tag_of(tags), "e5a8c5272b26fc10581a21089559b006-2")
