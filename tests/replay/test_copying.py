"""The copy beside a recording: made once, whole or not at all."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

from twisted.trial.unittest import SynchronousTestCase

from tests.replay.playing import ABOUT, differences, recording_of
from tests.replay.streams import events_of
from vncproxy.recording.being_written import mark_as_written
from vncproxy.recording.writing import RecordingWriter
from vncproxy.replay import CannotMake, contents, copying
from vncproxy.replay.copying import copy_file, has_copy
from vncproxy.replay.left import without_copy
from vncproxy.replay.making import make_copy
from vncproxy.replay.turns import wait_for_turn

EVENTS = events_of(2, "novnc", 6)
RECORDING = recording_of(EVENTS)


class CopyCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        (self.folder / "2026-01-02").mkdir(parents=True)
        self.recording = self.write("one")

    def write(self, name: str, data: bytes = RECORDING) -> Path:
        path = self.folder / "2026-01-02" / f"{name}.vncr"
        path.write_bytes(data)
        return path

    def names(self) -> list[str]:
        return sorted(os.listdir(self.recording.parent))


class CopyTests(CopyCase):
    def test_it_is_beside_the_recording(self) -> None:
        seen: list[float] = []
        copy = copy_file(self.recording, seen.append)
        self.assertEqual(self.names(), ["one.vncr", "one.vncrx"])
        self.assertEqual(differences(RECORDING, copy.read_bytes()), [])
        self.assertTrue(all(0 <= each <= 1 for each in seen))

    def test_there_is_one_already(self) -> None:
        copy = copy_file(self.recording, float)
        before = copy.stat()
        copy_file(self.recording, float)
        self.assertEqual(
            (copy.stat().st_ino, self.names()), (before.st_ino, ["one.vncr", "one.vncrx"])
        )

    def test_one_that_was_cut_off_or_is_of_less_is_made_anew(self) -> None:
        copy = copy_file(self.recording, float)
        whole = copy.read_bytes()
        copy.write_bytes(whole[:-1])
        self.assertFalse(has_copy(self.recording))
        copy_file(self.recording, float)
        self.assertEqual(copy.read_bytes(), whole)
        self.recording.write_bytes(recording_of(events_of(2, "novnc", 9)))
        copy_file(self.recording, float)
        self.assertEqual(contents(copy).recorded, self.recording.stat().st_size)

    def test_nothing_is_left_of_one_that_cannot_be_made(self) -> None:
        for data in (b"", RecordingWriter(replace(ABOUT, sealed_key="abcd")).begin()):
            self.recording.write_bytes(data)
            self.assertRaises(CannotMake, copy_file, self.recording, float)
            self.assertEqual(self.names(), ["one.vncr"])

    def test_what_a_killed_process_left_is_used(self) -> None:
        self.recording.with_name("one.vncrx.part").write_bytes(bytes(1 << 20))
        copy = copy_file(self.recording, float)
        self.assertEqual(differences(RECORDING, copy.read_bytes()), [])
        self.assertEqual(self.names(), ["one.vncr", "one.vncrx"])

    def test_a_recording_that_is_deleted_meanwhile(self) -> None:
        copy_file(self.recording, lambda done: self.recording.unlink(missing_ok=True))
        self.assertEqual(self.names(), [])

    def test_two_at_once_make_it_once(self) -> None:
        begun, go_on, made = Event(), Event(), []

        def slow(*given: object) -> object:
            made.append(given)
            begun.set()
            go_on.wait(30)
            return make_copy(*given)  # type: ignore[arg-type]

        self.patch(copying, "make_copy", slow)
        threads = [Thread(target=copy_file, args=(self.recording, float)) for _ in range(2)]
        for thread in threads:
            thread.start()
        begun.wait(30)
        go_on.set()
        for thread in threads:
            thread.join(30)
        self.assertEqual((len(made), self.names()), (1, ["one.vncr", "one.vncrx"]))

    def test_one_turn_at_a_time(self) -> None:
        turn, order = self.folder / "turn", []

        def wait() -> None:
            with wait_for_turn(turn):
                order.append("second")

        with wait_for_turn(turn):
            thread = Thread(target=wait)
            thread.start()
            thread.join(0.05)
            order.append("first")
        thread.join(30)
        self.assertEqual(order, ["first", "second"])


class LeftTests(CopyCase):
    def test_what_has_no_copy(self) -> None:
        copy_file(self.write("done"), float)
        self.write("sealed", RecordingWriter(replace(ABOUT, sealed_key="abcd")).begin())
        self.write("none", b"FBS 001.000\n")
        cut = self.write("two", RECORDING[:-20])
        (self.folder / "three.vncr").write_bytes(RECORDING)
        with self.write("written").open("r+b") as file:
            mark_as_written(file.fileno())
            self.assertEqual(list(without_copy(self.folder)), [cut, self.recording])
