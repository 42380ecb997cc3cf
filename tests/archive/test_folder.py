"""The recordings of a directory: listed, described, read and deleted; others are left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.recorded_files import BEGAN, about, keep, name_of, recording
from tests.doubles.recordings import PacedDirectory, batch_of
from vncproxy.archive.folder import FolderLibrary
from vncproxy.archive.library import (
    CannotRead,
    Entry,
    Library,
    NoRecording,
    State,
    StillRecorded,
)
from vncproxy.recording.being_written import mark_as_written
from vncproxy.recording.events import Event, Source
from vncproxy.recording.sealing import Seal
from vncproxy.recording.writing import RecordingWriter

DAY = 86400.0


class FolderCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.library: Library = FolderLibrary(self.folder)

    def sessions(self, **wanted: float) -> list[str]:
        return [each.session for each in self.library.entries(**wanted)]  # type: ignore[arg-type]

    def entry(self, session: str = "7f3a") -> Entry:
        found = self.library.find(session)
        assert found is not None
        return found


class ListingTests(FolderCase):
    def test_the_newest_come_first(self) -> None:
        for number, session in enumerate(("a", "b", "c")):
            keep(self.folder, session, BEGAN + number * DAY)
        keep(self.folder, "d", BEGAN + DAY + 60)

        self.assertEqual(self.sessions(), ["c", "d", "b", "a"])

    def test_a_page_begins_behind_the_last_one(self) -> None:
        for number in range(5):
            keep(self.folder, f"s{number}", BEGAN + number * DAY / 2)
        names = [each.name for each in self.library.entries()]

        following = [each.name for each in self.library.entries(before=names[1])]
        self.assertEqual(following, names[2:])

    def test_a_time_of_beginning_bounds_it(self) -> None:
        for number in range(4):
            keep(self.folder, f"s{number}", BEGAN + number * DAY)

        began = int(BEGAN)
        found = self.sessions(since=began + DAY, until=began + 3 * DAY)
        self.assertEqual(found, ["s2", "s1"])
        self.assertEqual(self.sessions(since=-1e300), ["s3", "s2", "s1", "s0"])
        self.assertEqual(self.sessions(until=1e300), ["s3", "s2", "s1", "s0"])

    def test_an_entry_has_what_the_file_has(self) -> None:
        path = keep(self.folder)

        size = len(recording())
        wanted = Entry("7f3a", name_of("7f3a"), size, 1800000000.0, BEGAN + 1)
        self.assertEqual(list(self.library.entries()), [wanted])
        self.assertEqual(self.library.find("7f3a"), wanted)
        self.assertEqual(self.library.local_path(wanted), path)

    def test_what_is_no_recording_is_not_seen(self) -> None:
        path = keep(self.folder)
        day = path.parent
        (self.folder / "notes.vncr").write_bytes(b"")
        (self.folder / "other").mkdir()
        (self.folder / "other" / path.name).write_bytes(b"")
        (day / "foreign-7f3b.vncr").write_bytes(b"")
        (day / "996199-7f3b.vncr").write_bytes(b"")
        (day / path.name.replace("7f3a", "7f3c")).mkdir()
        (day / path.name.replace("7f3a", "7f3d")).symlink_to(path)
        (self.folder / "2027-01-16").symlink_to(day)

        self.assertEqual(self.sessions(), ["7f3a"])
        for other in ("7f3b", "7f3c", "7f3d"):
            self.assertIsNone(self.library.find(other))

    def test_any_text_may_be_asked_for(self) -> None:
        keep(self.folder)

        for text in ("", "*", "../7f3a", "a", "f3a", "7f3a\n", "\0", "é", "x" * 5000):
            self.assertIsNone(self.library.find(text), text)

    def test_a_directory_that_is_gone(self) -> None:
        self.folder.rmdir()

        self.assertRaises(CannotRead, list, self.library.entries())


class DescribingTests(FolderCase):
    def test_one_that_ended(self) -> None:
        keep(self.folder)

        found = self.library.describe(self.entry())
        self.assertEqual((found.state, found.reason), (State.ENDED, "client-gone"))
        self.assertEqual((found.seconds, found.has_index), (0.25, False))
        self.assertEqual(found.about, about())

    def test_one_that_was_cut(self) -> None:
        keep(self.folder, end="")

        found = self.library.describe(self.entry())
        self.assertEqual((found.state, found.reason, found.seconds), (State.CUT, "", 0.75 + 0.25))

    def test_one_that_is_written_until_it_ends(self) -> None:
        path = keep(self.folder, end="")
        with path.open("r+b") as file:
            mark_as_written(file.fileno())
            self.assertIs(self.library.describe(self.entry()).state, State.RECORDING)
            file.write(recording())
            file.flush()
            self.assertIs(self.library.describe(self.entry()).state, State.ENDED)

    def test_one_that_a_session_writes(self) -> None:
        directory = PacedDirectory(self.folder)
        reel = directory.begin(about())
        reel.write(batch_of(Event(Source.SERVER, 0, b"init")))
        directory.write()
        self.assertIs(self.library.describe(self.entry()).state, State.RECORDING)

        ending = Deferred.fromCoroutine(reel.end("client-gone", 5_000_000))
        directory.write()
        self.successResultOf(ending)
        found = self.library.describe(self.entry())
        self.assertEqual((found.state, found.seconds), (State.ENDED, 5.0))

    def test_one_whose_proxy_was_killed(self) -> None:
        path = keep(self.folder, end="")
        program = (
            "import sys, time; from vncproxy.recording.being_written import mark_as_written;"
            "file = open(sys.argv[1], 'ab'); mark_as_written(file.fileno()); print('locked');"
            "sys.stdout.flush(); time.sleep(600)"
        )
        words = [sys.executable, "-c", program, str(path)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline(), b"locked\n")
            self.assertIs(self.library.describe(self.entry()).state, State.RECORDING)
            process.kill()
        self.assertIs(self.library.describe(self.entry()).state, State.CUT)

    def test_a_sealed_one_lasts_until_its_last_change(self) -> None:
        writer = RecordingWriter(about(sealed_key="c2VhbGVk"), Seal(bytes(32)))
        keep(self.folder).write_bytes(writer.begin() + writer.end("client-gone", 250_000))
        os.utime(self.folder / name_of("7f3a"), (BEGAN + 9, BEGAN + 9))

        found = self.library.describe(self.entry())
        self.assertEqual((found.state, found.reason, found.seconds), (State.ENDED, "", 9.0))

    def test_a_screen_that_looks_like_an_end_is_none(self) -> None:
        body = b'{"reason": "client-gone", "moment": 1}'
        before, head = bytes(32), len(body).to_bytes(4, "big") + b"\3\0\0\0"
        writer = RecordingWriter(about())
        event = Event(Source.SERVER, 1, before + head + body)
        keep(self.folder).write_bytes(writer.begin() + writer.events([event]))

        self.assertIs(self.library.describe(self.entry()).state, State.CUT)

    def test_what_is_no_recording(self) -> None:
        for data in (b"", b"\x89VNCR\r\n\1", b"text" * 100):
            keep(self.folder).write_bytes(data)
            self.assertRaises(CannotRead, self.library.describe, self.entry())


class ReadingTests(FolderCase):
    def test_a_part_of_it(self) -> None:
        keep(self.folder)

        with self.library.open(self.entry()) as file:
            file.seek(5)
            self.assertEqual(file.read(20), recording()[5:25])

    def test_its_index(self) -> None:
        keep(self.folder)
        entry = self.entry()
        self.assertIsNone(self.library.open_index(entry))
        for data in (b"index", b"another"):
            made = self.folder / "made"
            made.write_bytes(data)
            self.library.put_index(entry, made)

            self.assertFalse(made.exists())
            with self.library.open_index(entry) as file:  # type: ignore[union-attr]
                self.assertEqual(file.read(), data)
            self.assertTrue(self.library.describe(entry).has_index)
        self.assertEqual(self.sessions(), ["7f3a"])

    def test_an_index_from_another_file_system(self) -> None:
        keep(self.folder)
        made = Path("/dev/shm") / f"index-{os.getpid()}"
        made.write_bytes(b"index")
        self.addCleanup(made.unlink, missing_ok=True)
        self.library.put_index(self.entry(), made)

        self.assertFalse(made.exists())
        with self.library.open_index(self.entry()) as file:  # type: ignore[union-attr]
            self.assertEqual(file.read(), b"index")

    def test_a_link_that_took_its_place_is_not_followed(self) -> None:
        path = keep(self.folder)
        entry = self.entry()
        secret = self.folder / "secret"
        secret.write_bytes(b"secret")
        path.unlink()
        path.symlink_to(secret)

        self.assertRaises(NoRecording, self.library.open, entry)
        self.assertRaises(NoRecording, self.library.delete, entry)
        self.assertTrue(path.is_symlink())


class DeletingTests(FolderCase):
    def test_it_goes_with_its_index(self) -> None:
        path = keep(self.folder)
        entry = self.entry()
        made = self.folder / "made"
        made.write_bytes(b"index")
        self.library.put_index(entry, made)
        self.library.delete(entry)

        self.assertEqual(list(self.folder.iterdir()), [])
        self.assertFalse(path.exists())
        for call in (self.library.open, self.library.describe, self.library.delete):
            self.assertRaises(NoRecording, call, entry)
        self.assertIsNone(self.library.find("7f3a"))

    def test_others_of_its_day_stay(self) -> None:
        keep(self.folder)
        other = keep(self.folder, "7f3b")
        foreign = other.with_name("foreign.txt")
        foreign.write_bytes(b"")
        self.library.delete(self.entry())

        self.assertEqual(set(other.parent.iterdir()), {other, foreign})

    def test_one_that_is_written_stays(self) -> None:
        path = keep(self.folder, end="")
        with path.open("ab") as file:
            mark_as_written(file.fileno())
            self.assertRaises(StillRecorded, self.library.delete, self.entry())
        self.library.delete(self.entry())
        self.assertFalse(path.exists())
