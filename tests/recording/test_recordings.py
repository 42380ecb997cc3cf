"""The recordings of a process on a disk that is slow, full or gone: files and audit lines."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pyrage
from click.testing import CliRunner
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.recordings import PacedDirectory
from vncproxy.cli import main
from vncproxy.errors import ClientGone
from vncproxy.model import ConsoleType, SessionInfo, VMAddress
from vncproxy.recording.allowance import Allowance
from vncproxy.recording.events import Event
from vncproxy.recording.reading import Ending, RecordingReader
from vncproxy.recording.recordings import LONGEST_ENDING, Recordings
from vncproxy.recording.sealing import open_seal
from vncproxy.recording.tape import BATCH, LONGEST_UNWRITTEN, LONGEST_WAIT, MOST_WAITING

VM = VMAddress("kvm", "web-01")
STOPPED, WHOLE = "recording-stopped", "recording"


def session(name: str) -> SessionInfo:
    return SessionInfo(name, ConsoleType.NOVNC, "192.0.2.1", 1800000000.0, vm=VM, user="alice")


class SmallDisk(io.FileIO):
    """A file on a disk that has room for so many bytes; what does not fit is written in part."""

    room = 1 << 40

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        fits = data[: max(0, self.room - self.tell())]
        if not fits:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fits)


class RecordingsCase(SynchronousTestCase):
    recipients: tuple[str, ...] = ()

    def setUp(self) -> None:
        self.clock = Clock()
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.directory = PacedDirectory(self.folder, *self.recipients)
        self.lines: list[tuple[str, Mapping[str, object]]] = []
        self.troubles: list[str] = []
        self.recordings = Recordings(self.directory, self.clock, self.note)

    def note(self, event: str, members: Mapping[str, object]) -> None:
        self.lines.append((event, members))

    def begin(self, name: str = "7f3a") -> SessionInfo:
        info = session(name)
        taps = self.recordings.record(info, b"init", self.troubles.append)
        self.tap = taps[0]
        return info

    def paint(self, size: int = BATCH) -> None:
        self.clock.advance(0.1)
        self.tap.process(bytes(size))

    def only_line(self) -> tuple[str, Mapping[str, object]]:
        (line,) = self.lines
        return line

    def read(self, line: Mapping[str, object], identity: str = "") -> RecordingReader:
        """Read the file of an audit line; all of it must be as the line says."""
        data = (self.folder / str(line["file"])).read_bytes()
        opener = (lambda key: open_seal(key, [identity])) if identity else None
        reader = RecordingReader(io.BytesIO(data), opener)
        self.events: list[Event] = list(reader.events())
        self.assertEqual((len(data), reader.hash), (line["bytes"], line["hash"]))
        return reader

    def verify(self, line: Mapping[str, object]) -> tuple[int, str]:
        words = ["recording", "verify", str(self.folder / str(line["file"]))]
        result = CliRunner().invoke(main, [*words, "--hash", str(line["hash"])])
        return result.exit_code, result.output


class RecordingsTests(RecordingsCase):
    def test_two_sessions_in_one_queue(self) -> None:
        one = self.begin("1111")
        first = self.tap
        two = self.begin("2222")
        for tap, byte in ((first, b"a"), (self.tap, b"b")) * 2:
            tap.process(byte * BATCH)
        self.recordings.closed(one, ClientGone())
        self.recordings.closed(two, ClientGone())
        self.directory.write()

        self.assertEqual([event for event, _ in self.lines], [WHOLE] * 2)
        for (_, line), byte in zip(self.lines, (b"a", b"b"), strict=True):
            reader = self.read(line)
            self.assertEqual([e.data for e in self.events], [b"init", *[byte * BATCH] * 2])
            self.assertEqual(reader.ending, Ending("client-gone", 0))
            self.assertEqual(self.verify(line)[0], 0)
        self.assertEqual(self.directory.room.taken, 0)

    def test_a_viewer_that_left_before_it_began(self) -> None:
        info = self.begin()
        self.recordings.refused(info, ClientGone())
        self.recordings.closed(info, ClientGone())
        self.directory.write()

        event, line = self.only_line()
        self.assertEqual(event, WHOLE)
        self.read(line)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_writing_does_not_wait_for_the_disk_of_an_ended_file(self) -> None:
        info = self.begin("1111")
        self.recordings.closed(info, ClientGone())
        self.directory.writing.run()
        self.directory.writing.run()
        self.begin("2222")
        self.paint()
        self.directory.writing.run()

        self.assertEqual(len(self.directory.closing.waiting), 1)
        self.assertEqual(len(list(self.folder.rglob("*.vncr"))), 2)

    def test_a_full_spool_ends_the_file_there_and_the_next_one_soon(self) -> None:
        used = lambda: sum(each.stat().st_size for each in self.folder.rglob("*.vncr"))  # noqa: E731
        self.directory.allow(Allowance(3 * BATCH, used))
        info = self.begin()
        for _ in range(4):
            self.paint()
            self.directory.write()
        self.recordings.closed(info, ClientGone())
        self.directory.write()
        (trouble,) = self.troubles
        self.assertIn("the spool is full", trouble)
        event, line = self.only_line()
        self.assertEqual((event, line["why"]), (STOPPED, trouble))
        self.assertEqual(self.read(line).ending, Ending(STOPPED, self.events[-1].moment))
        self.assertLess(int(str(line["bytes"])), 3 * BATCH + 1000)

        self.begin("2222")
        for _ in range(4):
            self.paint()
            self.directory.write()
        self.assertEqual(len(self.troubles), 2)
        self.assertLess(used(), 3 * BATCH + 2000)

    def test_too_much_that_waits_ends_the_file_there(self) -> None:
        info = self.begin()
        while not self.troubles:
            self.paint()
        self.directory.write()
        self.clock.advance(3600)
        self.recordings.closed(info, ClientGone())
        self.directory.write()

        event, line = self.only_line()
        self.assertEqual(event, STOPPED)
        self.assertIn("wait to be written", str(line["why"]))
        reader = self.read(line)
        self.assertEqual(reader.ending, Ending(STOPPED, self.events[-1].moment))
        self.assertLess(self.events[-1].moment, MOST_WAITING // BATCH * 110_000)
        code, output = self.verify(line)
        self.assertEqual(code, 1)
        self.assertIn("the recording stopped", output)
        self.assertNotIn("complete", output)

    def test_errors_that_are_none_of_the_disk(self) -> None:
        self.directory = PacedDirectory(self.folder, "age1mistyped")
        self.recordings = Recordings(self.directory, self.clock, self.note)
        info = self.begin()
        self.paint()
        self.paint()
        self.directory.write()
        self.recordings.closed(info, ClientGone())

        self.assertEqual(len(self.troubles), 1)
        event, line = self.only_line()
        self.assertEqual(event, STOPPED)
        self.assertIn("ValueError", str(line["why"]))
        self.assertNotIn("file", line)
        self.assertGreaterEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_a_file_that_cannot_be_made_is_not_tried_again(self) -> None:
        self.begin()
        self.paint()
        self.paint()
        self.folder.rmdir()
        self.directory.writing.run()
        self.folder.mkdir()
        self.directory.write()

        self.assertEqual(self.troubles, ["No such file or directory"])
        self.assertEqual(list(self.folder.rglob("*")), [])
        self.assertEqual(self.only_line()[1]["why"], "No such file or directory")

    def test_a_disk_that_hangs_is_in_the_audit_without_a_file(self) -> None:
        self.begin()
        self.paint()
        for _ in range(2):
            self.clock.advance(LONGEST_UNWRITTEN)
        self.assertEqual(len(self.troubles), 1)
        self.clock.advance(LONGEST_ENDING)

        event, line = self.only_line()
        self.assertEqual(event, STOPPED)
        self.assertNotIn("file", line)
        self.directory.write()
        self.assertEqual(len(self.lines), 1)
        self.assertEqual(self.directory.closing.waiting, [])

    def test_the_stop_does_not_wait_for_ever(self) -> None:
        self.recordings.closed(self.begin(), ClientGone())
        stopping = Deferred.fromCoroutine(self.recordings.stop(5.0))
        self.clock.advance(4.9)
        self.assertNoResult(stopping)
        self.clock.advance(0.2)
        self.successResultOf(stopping)

        event, line = self.only_line()
        self.assertEqual((event, line["why"]), (STOPPED, "it was not written in time"))
        self.directory.write()
        self.assertEqual(len(self.lines), 1)

    def test_the_stop_waits_for_what_is_written(self) -> None:
        self.recordings.closed(self.begin(), ClientGone())
        stopping = Deferred.fromCoroutine(self.recordings.stop(5.0))
        self.directory.write()
        self.successResultOf(stopping)
        self.assertEqual(self.only_line()[0], WHOLE)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class FullDiskTests(RecordingsCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(os, "fdopen", lambda descriptor, mode, **_: SmallDisk(descriptor, mode))

    def fill(self) -> SessionInfo:
        """Let the first bytes, and one and a half of three batches fit."""
        self.patch(SmallDisk, "room", 2 * BATCH)
        info = self.begin()
        for _ in range(3):
            self.paint()
        return info

    def test_the_end_stands_behind_the_last_whole_chunk(self) -> None:
        self.fill()
        for _ in range(3):
            self.directory.writing.run()
        self.patch(SmallDisk, "room", 1 << 40)
        self.directory.write()

        self.assertEqual(self.troubles, ["No space left on device"])
        event, line = self.only_line()
        self.assertEqual((event, line["why"]), (STOPPED, "No space left on device"))
        reader = self.read(line)
        self.assertEqual([len(e.data) for e in self.events], [4, BATCH])
        self.assertEqual(reader.ending, Ending(STOPPED, self.events[-1].moment))
        self.assertIn("the recording stopped", self.verify(line)[1])

    def test_a_session_that_ends_before_the_failure_is_known(self) -> None:
        self.recordings.closed(self.fill(), ClientGone())
        self.directory.write()

        event, line = self.only_line()
        self.assertEqual((event, line["why"]), (STOPPED, "No space left on device"))
        self.assertEqual(self.read(line).ending, Ending(STOPPED, self.events[-1].moment))

    def test_an_end_that_does_not_fit_is_left_out(self) -> None:
        info = self.begin()
        self.paint()
        self.directory.write()
        (file,) = self.folder.rglob("*.vncr")
        self.patch(SmallDisk, "room", file.stat().st_size + 10)
        self.recordings.closed(info, ClientGone())
        self.directory.write()

        event, line = self.only_line()
        self.assertEqual((event, line["why"]), (STOPPED, "No space left on device"))
        reader = self.read(line)
        self.assertEqual((reader.is_ended, reader.cut), (False, 0))


class SealedTests(FullDiskTests):
    def setUp(self) -> None:
        self.identity = pyrage.x25519.Identity.generate()
        self.recipients = (str(self.identity.to_public()),)
        super().setUp()

    def read(self, line: Mapping[str, object], identity: str = "") -> RecordingReader:
        return super().read(line, identity or str(self.identity))

    def test_the_number_of_a_torn_chunk_seals_nothing_else(self) -> None:
        self.fill()
        self.directory.write()
        _, line = self.only_line()
        self.read(line)
        data = (self.folder / str(line["file"])).read_bytes()
        self.assertIn(json.dumps({"reason": STOPPED}).encode()[:-1], data)


class WaitTests(RecordingsCase):
    def test_the_first_bytes_are_written_when_asked(self) -> None:
        info = self.begin()
        beginning = self.recordings.begin(info.id)
        self.assertNoResult(beginning)
        self.directory.write()
        self.successResultOf(beginning)
        (file,) = self.folder.rglob("*.vncr")
        self.assertIn(b"init", file.read_bytes())
        self.clock.advance(LONGEST_WAIT)
        self.assertEqual(self.directory.writing.waiting, [])
