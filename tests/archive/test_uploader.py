"""All that is in a spool is uploaded: after outages, by one process at a time, in bounded room."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.bucket import MemoryBucket
from tests.doubles.recorded_files import BEGAN, keep, name_of, recording
from tests.doubles.recordings import Pool
from vncproxy.archive import uploader as module
from vncproxy.archive.bucket import BucketError
from vncproxy.archive.spool import Spool
from vncproxy.archive.uploader import Uploader

DAY = 86400.0


class UploaderTests(SynchronousTestCase):
    most = 0

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.spool = Spool(self.folder)
        self.bucket = MemoryBucket()
        self.now = 0.0
        self.uploader = Uploader(lambda: self.bucket, self.spool, self.most, lambda: self.now)
        self.pool = InTurn()
        self.uploader._pool = self.pool  # type: ignore[assignment]

    def look(self) -> None:
        self.uploader.look(self.bucket)
        self.pool.run_all()
        self.uploader.look(self.bucket)

    def test_all_are_uploaded_once(self) -> None:
        for number in range(5):
            keep(self.folder, f"s{number}", BEGAN + number * DAY)
        self.look()
        self.look()

        names = {name_of(f"s{number}", BEGAN + number * DAY) for number in range(5)}
        self.assertLessEqual(names, set(self.bucket.stored))
        figures = self.uploader.figures
        self.assertEqual((figures.uploaded, figures.waiting, figures.failures), (5, 0, 0))
        self.assertEqual(figures.sent, 5 * len(recording("s0")))
        self.assertEqual(figures.oldest, 0.0)

    def test_an_outage_is_logged_once_and_tried_by_one_at_a_time(self) -> None:
        for number in range(3):
            os.utime(keep(self.folder, f"s{number}", BEGAN + number * DAY), (1.7e9, 1.7e9))
        self.bucket.fail = {"put"}
        with capturedLogs() as logs:
            for _ in range(20):
                self.now += 2
                self.look()
        texts = [each["log_format"] for each in logs if "log_format" in each]
        self.assertEqual(sum("cannot be uploaded" in text for text in texts), 1)
        figures = self.uploader.figures
        self.assertEqual(figures.waiting, 3 * len(recording("s0")))
        self.assertGreater(figures.oldest, 9e7)
        self.assertGreater(figures.failures, 3)

        self.bucket.fail = set()
        with capturedLogs() as logs:
            for _ in range(40):
                self.now += 2
                self.look()
        self.assertEqual(figures.uploaded, 3)
        texts = [each["log_format"] for each in logs if "log_format" in each]
        self.assertEqual(texts, ["recordings are uploaded again"])

    def test_one_that_is_no_recording_keeps_no_other(self) -> None:
        keep(self.folder, "bad").write_bytes(b"text")
        keep(self.folder, "good", BEGAN + DAY)
        with capturedLogs() as logs:
            for _ in range(100):
                self.now += 2
                self.look()
        self.assertIn(name_of("good", BEGAN + DAY), self.bucket.stored)
        self.assertEqual((self.folder / name_of("bad")).read_bytes(), b"text")
        self.assertEqual(len([each for each in logs if "cannot be" in each["log_format"]]), 1)

    def test_the_command_says_what_was_not_uploaded(self) -> None:
        keep(self.folder, "bad").write_bytes(b"text")
        keep(self.folder, "good", BEGAN + DAY)
        found = {entry.session: trouble for entry, trouble in self.uploader.upload_all()}
        self.assertEqual(found["good"], "")
        self.assertIn("this is no recording", found["bad"])
        self.assertEqual([each.session for each in self.spool.entries()], ["bad"])

    def test_an_index_that_was_made_late_follows_its_recording(self) -> None:
        late, nowhere, foreign = self.late_indexes("080000-s0", "080000-x", "foreign")
        self.bucket.put(name_of("s0"), recording("s0"))
        self.look()
        self.assertEqual(self.bucket.stored[name_of("s0") + "x"], b"index")
        self.assertEqual((late.exists(), nowhere.exists()), (False, True))

        os.utime(nowhere, (1e9, 1e9))
        self.now += 120
        self.look()
        self.assertEqual((nowhere.exists(), foreign.exists()), (False, True))

    def test_an_index_is_not_kept_of_a_recording_that_is_deleted_meanwhile(self) -> None:
        self.late_indexes("080000-s0")
        self.bucket.put(name_of("s0"), recording("s0"))

        def delete_first(name: str, file: BinaryIO) -> None:
            self.bucket.delete(name_of("s0"))
            self.bucket.put(name, file.read())

        self.bucket.put_file = delete_first  # type: ignore[method-assign]
        self.look()
        self.assertEqual((self.bucket.stored, list(self.folder.iterdir())), ({}, []))

    def late_indexes(self, *names: str) -> list[Path]:
        day = (self.folder / name_of("s0")).parent
        day.mkdir()
        paths = [day / f"{name}.vncrx" for name in names]
        for path in paths:
            path.write_bytes(b"index")
        return paths

    def test_a_bucket_that_cannot_be_opened_is_logged_once(self) -> None:
        keep(self.folder, "s0")
        tries = []

        def cannot() -> MemoryBucket:
            tries.append(1)
            if len(tries) == 3:
                uploader.stop()
            raise BucketError("the region is invalid")

        uploader = Uploader(cannot, self.spool)
        self.patch(module, "INTERVAL", 0.001)
        with capturedLogs() as logs:
            uploader._run()
        texts = [each["why"] for each in logs if "why" in each]
        self.assertEqual((texts, len(tries)), (["the region is invalid"], 3))

    def test_one_process_has_the_lock(self) -> None:
        with self.spool.lock() as first, Spool(self.folder).lock() as second:
            self.assertEqual((first, second), (True, False))
        with Spool(self.folder).lock() as third:
            self.assertTrue(third)


class FullTests(UploaderTests):
    most = 2 * len(recording("s0")) - 1

    def test_what_the_bucket_has_makes_room(self) -> None:
        keep(self.folder, "s0")
        self.look()
        self.assertEqual(list(self.spool.entries()), [])


class InTurn(Pool):
    """A pool whose functions run one after the other, when a test says so."""

    def callInThread(self, function: object, *args: object) -> None:
        self.callInThreadWithCallback(_check, lambda: function(*args))  # type: ignore[operator]

    def run_all(self) -> None:
        while self.waiting:
            self.run()


def _check(succeeded: bool, result: object) -> None:
    assert succeeded, result
