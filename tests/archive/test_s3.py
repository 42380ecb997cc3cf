"""The recordings of a bucket, and of the spool before it, for one proxy and for another one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.bucket import MemoryBucket
from tests.doubles.recorded_files import BEGAN, keep, name_of, recording
from vncproxy.archive.bucket import BucketError
from vncproxy.archive.job import KEPT_FOR_INDEX, RENEWED_AFTER, Job, all_names
from vncproxy.archive.library import CannotRead, Entry, NoRecording, State, StillRecorded
from vncproxy.archive.s3 import LOST_AFTER, S3Library
from vncproxy.archive.spool import Spool
from vncproxy.recording.being_written import mark_as_written

DAY = 86400.0


class Ticks:
    """A clock of a test."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class S3Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.bucket = MemoryBucket()
        self.seconds = Ticks()
        self.folder, self.library = self.proxy("here")
        self.other = self.proxy("elsewhere")[1]

    def proxy(self, name: str) -> tuple[Path, S3Library]:
        folder = Path(self.mktemp()).resolve() / name
        folder.mkdir(parents=True)
        now = lambda: self.bucket.now  # noqa: E731
        return folder, S3Library(lambda: self.bucket, Spool(folder), now)

    def job(self, session: str = "7f3a") -> Job:
        spool = Spool(self.folder)
        (entry,) = (each for each in spool.entries() if each.session == session)
        return Job(self.bucket, spool, entry, seconds=self.seconds, part_size=200)

    def upload(self, session: str = "7f3a") -> None:
        """Let the bucket have a recording of the spool, and the spool not any more."""
        job = self.job(session)
        job.advance()
        self.assertTrue(job.leave(needs_room=True))

    def found(self, library: S3Library, session: str = "7f3a") -> Entry:
        entry = library.find(session)
        assert entry is not None
        return entry


class ListingTests(S3Case):
    def test_of_the_spool_and_of_the_bucket_the_newest_first(self) -> None:
        for number, session in enumerate(("a", "b", "c", "d")):
            keep(self.folder, session, BEGAN + number * DAY)
            if session in ("a", "c"):
                self.upload(session)
        self.job("d").advance()

        found = [each.session for each in self.library.entries()]
        self.assertEqual(found, ["d", "c", "b", "a"])
        found = [
            each.session for each in self.library.entries(before=name_of("d", BEGAN + 3 * DAY))
        ]
        self.assertEqual(found, ["c", "b", "a"])
        found = [each.session for each in self.library.entries(int(BEGAN), int(BEGAN) + DAY)]
        self.assertEqual(found, ["a"])
        self.assertEqual([each.session for each in self.other.entries()], ["d", "c", "a"])
        self.assertEqual([each.session for each in self.library.kept()], ["c", "a"])

    def test_what_others_have_in_the_bucket_is_not_seen(self) -> None:
        keep(self.folder)
        self.upload()
        for name in ("x", "2027-01-15/other", "other/080000-x.vncr", "2027-01-15/080000-.vncr"):
            self.bucket.put(name, b"of others")
        self.bucket.put("sessions/evil", b"../x")
        self.bucket.put("sessions/evil2", b"\xff")

        self.assertEqual([each.session for each in self.library.entries()], ["7f3a"])
        for text in ("evil", "evil2", "../x", "", "x" * 5000):
            self.assertIsNone(self.library.find(text))

    def test_an_index_is_counted(self) -> None:
        keep(self.folder)
        self.upload()
        made = self.folder / "made"
        made.write_bytes(b"index")
        self.other.put_index(self.found(self.other), made)

        entry = self.found(self.library)
        self.assertEqual((entry.index_size, made.exists()), (5, False))
        self.assertTrue(self.library.describe(entry).has_index)
        with self.library.open_index(entry) as file:  # type: ignore[union-attr]
            self.assertEqual(file.read(), b"index")

    def test_a_storage_has_one_name_for_all_proxies(self) -> None:
        self.assertEqual(self.library.storage_id(), self.other.storage_id())


class DescribingTests(S3Case):
    def test_by_its_card(self) -> None:
        keep(self.folder)
        self.upload()
        entry = self.found(self.other)
        self.bucket.calls.clear()

        found = self.other.describe(entry)
        self.assertEqual((found.state, found.reason), (State.ENDED, "client-gone"))
        self.assertEqual((found.seconds, found.about.user), (0.25, "alice"))
        self.assertEqual(self.other.describe(entry), found)
        self.assertEqual(self.bucket.calls, ["read"])

    def test_without_its_card(self) -> None:
        keep(self.folder)
        self.upload()
        entry = self.found(self.other)
        self.bucket.delete(name_of("7f3a").replace(".vncr", ".json"))

        self.assertEqual(self.other.describe(entry).seconds, 0.25)

    def test_with_a_card_that_is_none(self) -> None:
        keep(self.folder)
        self.upload()
        entry = self.found(self.other)
        for data in (b"", b"[]", b'{"v": 2}', b"\xff", *self.spoilt_cards()):
            self.bucket.put(name_of("7f3a").replace(".vncr", ".json"), data)
            self.assertRaises(CannotRead, self.other.describe, entry)

    def spoilt_cards(self) -> Iterator[bytes]:
        """Yield cards of which one member is as no writer writes it."""
        card = json.loads(self.bucket.stored[name_of("7f3a").replace(".vncr", ".json")])
        for members in (
            {"seconds": float("inf")},
            {"seconds": 10**400},
            {"reason": "\ud800"},
            {"about": {**card["about"], "started_at": "soon"}},
            {"about": {**card["about"], "vm": ["kvm/web-01"]}},
        ):
            yield json.dumps({**card, **members}).encode()

    def test_one_that_another_proxy_records(self) -> None:
        path = keep(self.folder, end="")
        with path.open("ab") as file:
            mark_as_written(file.fileno())
            self.job().advance()
            entry = self.found(self.other)
            self.assertEqual((entry.proxy, entry.size), ("proxy-1", 0))
            self.assertIs(self.other.describe(entry).state, State.RECORDING)
            self.assertIs(self.library.describe(self.found(self.library)).state, State.RECORDING)
            error = self.assertRaises(CannotRead, self.other.open, entry)
            self.assertIn("at the proxy proxy-1", str(error))
            self.assertRaises(StillRecorded, self.other.delete, entry)
            self.assertRaises(StillRecorded, self.library.delete, self.found(self.library))

        self.bucket.now += LOST_AFTER + 1
        self.assertIs(self.other.describe(entry).state, State.CUT)
        self.other.delete(entry)
        self.assertEqual(self.bucket.stored, {})


class ReadingTests(S3Case):
    def test_from_the_spool_and_from_the_bucket(self) -> None:
        path = keep(self.folder)
        entry = self.found(self.library)
        self.assertEqual(self.library.local_path(entry), path)
        for library in (self.library, self.other):
            with library.open(self.found(library)) as file:
                file.seek(7)
                self.assertEqual(file.read(20), recording()[7:27])
                file.seek(-5, os.SEEK_END)
                self.assertEqual(file.read(), recording()[-5:])
                file.seek(0)
                self.assertEqual(file.read(), recording())
            if library is self.library:
                self.upload()
        self.assertIsNone(self.library.local_path(entry))

    def test_one_that_is_gone(self) -> None:
        keep(self.folder)
        self.upload()
        entry = self.found(self.other)
        self.other.delete(entry)

        for call in (self.other.open, self.library.open):
            self.assertRaises(NoRecording, call, entry)
        self.assertIsNone(self.other.open_index(entry))
        self.assertRaises(NoRecording, self.other.put_index, entry, self.folder / "made")
        self.assertEqual(self.bucket.stored, {})


class JobTests(S3Case):
    def test_it_stays_in_the_spool_until_its_index_is_made(self) -> None:
        keep(self.folder)
        job = self.job()
        job.advance()
        self.assertTrue(job.is_complete)
        self.assertFalse(job.leave(needs_room=False))
        made = self.folder / "made"
        made.write_bytes(b"index")
        entry = self.found(self.library)
        self.library.put_index(entry, made)

        job.entry = self.found(self.library)
        self.assertFalse(job.leave(needs_room=True))
        self.assertRaises(NoRecording, job.advance)
        self.assertEqual(set(self.bucket.stored), set(all_names(entry)))
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_it_leaves_without_one_after_a_while(self) -> None:
        keep(self.folder)
        job = self.job()
        job.advance()
        self.seconds.now = KEPT_FOR_INDEX
        self.assertTrue(job.leave(needs_room=False))
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_sealed_one_leaves_at_once(self) -> None:
        keep(self.folder, sealed_key="c2VhbGVk")
        job = self.job()
        job.advance()
        self.assertTrue(job.leave(needs_room=False))

    def test_another_process_knows_that_it_is_complete(self) -> None:
        keep(self.folder)
        self.job().advance()
        self.bucket.calls.clear()
        job = self.job()
        job.advance()
        self.assertTrue(job.is_complete)
        self.assertEqual(self.bucket.calls, [])

    def test_killed_before_its_last_card(self) -> None:
        keep(self.folder)
        job = self.job()
        put = self.bucket.put

        def fail_after_the_recording(name: str, data: bytes) -> str:
            if name.endswith(".json") and name_of("7f3a") in self.bucket.stored:
                raise KeyboardInterrupt
            return put(name, data)

        self.bucket.put = fail_after_the_recording  # type: ignore[method-assign]
        self.assertRaises(KeyboardInterrupt, job.advance)
        self.bucket.put = put  # type: ignore[method-assign]
        self.job().advance()
        self.assertIs(self.other.describe(self.found(self.other)).state, State.ENDED)


class DeletedTests(S3Case):
    def test_one_that_is_deleted_while_it_is_uploaded_is_not_kept(self) -> None:
        path = keep(self.folder)
        job = self.job()

        def delete_first(name: str, upload: str, tags: list[str]) -> None:
            path.unlink()
            MemoryBucket.complete(self.bucket, name, upload, tags)

        self.bucket.complete = delete_first  # type: ignore[method-assign,assignment]
        self.assertRaises(NoRecording, job.advance)
        self.assertEqual((self.bucket.stored, self.bucket.open), ({}, {}))

    def test_deleted_by_a_reviewer_with_its_parts(self) -> None:
        keep(self.folder)
        self.job().advance(iter([True, False]).__next__)
        self.assertEqual(len(self.bucket.open), 1)
        self.library.delete(self.found(self.library))
        self.assertEqual((self.bucket.stored, self.bucket.open), ({}, {}))
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_deleted_while_an_upload_ends(self) -> None:
        path = keep(self.folder)
        job = self.job()

        def upload_first(name: str) -> None:
            del self.bucket.delete
            if path.exists():
                job.advance()
            self.bucket.delete(name)

        self.bucket.delete = upload_first  # type: ignore[method-assign]
        self.library.delete(self.found(self.library))
        self.assertTrue(job.is_complete)
        self.assertEqual((self.bucket.stored, self.bucket.open), ({}, {}))
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_it_stays_in_the_spool_where_the_bucket_is_away(self) -> None:
        path = keep(self.folder)
        self.bucket.fail = {"delete"}
        self.assertRaises(BucketError, self.library.delete, self.found(self.library))
        self.assertTrue(path.exists())

    def test_deleted_while_its_index_is_uploaded(self) -> None:
        path = keep(self.folder)
        job = self.job()
        job.advance()
        path.with_suffix(".vncrx").write_bytes(b"index")
        job.entry = entry = self.found(self.library)

        def delete_first(name: str, file: BinaryIO) -> None:
            self.library.delete(entry)
            self.bucket.put(name, file.read())

        self.bucket.put_file = delete_first  # type: ignore[method-assign]
        self.assertRaises(NoRecording, job.advance)
        self.assertEqual((self.bucket.stored, list(self.folder.iterdir())), ({}, []))

    def test_deleted_before_its_first_card_is_written_again(self) -> None:
        keep(self.folder)
        job = self.job()
        job.advance(iter([True, False]).__next__)
        self.library.delete(self.found(self.library))
        self.seconds.now += RENEWED_AFTER
        self.assertRaises(NoRecording, job.advance)
        self.assertEqual((self.bucket.stored, self.bucket.open), ({}, {}))

    def test_an_object_that_goes_away_takes_no_recording_with_it(self) -> None:
        path = keep(self.folder)
        self.bucket.has_own_tags = True

        def no_more(name: str, first: int, size: int) -> bytes:
            raise NoRecording(name)

        self.bucket.read = no_more  # type: ignore[method-assign]
        error = self.assertRaises(CannotRead, self.job().advance)
        self.assertIn("changes", str(error))
        self.assertEqual(path.read_bytes(), recording())
