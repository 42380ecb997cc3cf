"""Playable copies: made by real processes, and decoded by noVNC itself."""

from __future__ import annotations

import atexit
import fcntl
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR, until
from tests.components.novnc_decoding import NoVNCDecoder
from tests.components.viewer import Viewer
from tests.components.vnc_servers import QemuMachine
from tests.replay.playing import NOVNC, copied, differences, entries_of, recording_of
from tests.replay.streams import events_of
from vncproxy.recording.playing import pictures_at
from vncproxy.recording.reading import RecordingReader
from vncproxy.replay import Kind, contents, cutting, follow_command, rectangles, unpack_entries
from vncproxy.screen import Picture, ScreenDecoder


class World:
    """A machine, and a gateway in front of it that records."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="replay-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.recordings = self.folder / "recordings"
        self.recordings.mkdir()
        self.machine = QemuMachine(self.folder, "machine").start()
        atexit.register(self.machine.stop)
        self.gateway = Gateway(
            f"""
[recording]
directory = "{self.recordings}"
users = ["alice"]
[backends.here]
type = "static"
[backends.here.consoles]
machine = {{ address = "127.0.0.1:{self.machine.port}" }}
"""
        ).start()
        atexit.register(self.gateway.stop)


@cache
def world() -> World:
    return World()


class CopyTests(SynchronousTestCase):
    timeout = 180

    def watch(self) -> Viewer:
        issued = world().gateway.issue("here/machine", type="xvpvnc")
        viewer = Viewer.connect(world().gateway.xvp_port, issued["token"])
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(START_COLOUR)
        return viewer

    def files(self) -> set[Path]:
        return set(world().recordings.rglob("*.vncr"))

    def assertPlays(self, recording: Path) -> None:
        """Compare each segment of a copy with its recording; both end in the machine's colour."""
        copy = recording.with_suffix(".vncrx")
        until(copy.exists, "the playable copy")
        self.assertEqual(copy.stat().st_mode & 0o777, 0o640)
        table, data = contents(copy), copy.read_bytes()
        self.assertEqual((table.trouble, table.recorded), ("", recording.stat().st_size))
        self.assertEqual(differences(recording.read_bytes(), data), [])
        decoder = ScreenDecoder(Picture(1, 1), NOVNC)
        for entry in entries_of(data, len(table.segments) - 1):
            if entry.kind in (Kind.SERVER, Kind.KEY_FRAME):
                decoder.receive(entry.data)
        self.assertEqual(tuple(decoder.picture.pixels[5, 5]), START_COLOUR)

    def test_a_session_has_a_copy_when_it_has_ended(self) -> None:
        self.watch().close()
        line = world().gateway.audit_of("recording", vm="here/machine")
        self.assertPlays(world().recordings / line["file"])

    def test_what_a_killed_proxy_left_is_made_after_the_next_start(self) -> None:
        before = self.files()
        self.watch()
        until(lambda: self.files() - before, "the recording")
        (left,) = self.files() - before
        until(lambda: left.stat().st_size > 10_000, "the picture in it")
        follower = subprocess.Popen(
            follow_command(left), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.addCleanup(follower.kill)
        assert follower.stdout is not None
        self.assertEqual(follower.stdout.read(1)[0], Kind.KEY_FRAME)

        world().gateway.kill()
        kinds = [each.kind for each in unpack_entries(b"\3" + follower.stdout.read())]
        self.assertEqual((kinds[-1], follower.wait(30)), (Kind.END, 0))
        self.assertFalse(left.with_suffix(".vncrx").exists())
        world().gateway.start()
        self.assertPlays(left)

    def test_a_recording_that_is_gone_cannot_be_followed(self) -> None:
        gone = world().folder / "gone.vncr"
        with subprocess.Popen(
            follow_command(gone), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            self.assertEqual(process.stderr.read(), f"{gone}: No such file or directory\n")
            self.assertEqual(process.wait(), 1)

    def test_a_process_ends_with_the_proxy(self) -> None:
        turn = world().folder / "turn"
        turn.touch()
        recording = world().folder / "some.vncr"
        recording.write_bytes(recording_of(events_of(1, "novnc", 2)))
        with turn.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            command = [sys.executable, "-m", "vncproxy.replay", "--parent", "--turn", str(turn)]
            process = subprocess.Popen([*command, str(recording)], stdin=subprocess.PIPE)
            self.addCleanup(process.kill)
            until(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == 19, "a low priority")
            assert process.stdin is not None
            process.stdin.close()
            self.assertEqual(process.wait(30), -signal.SIGTERM)


class NoVNCTests(SynchronousTestCase):
    timeout = 180

    def test_novnc_shows_the_pixels_of_each_segment(self) -> None:
        self.patch(cutting, "LEAST", 3000)
        self.patch(rectangles, "LEAST_PIXELS", 1)
        decoder = NoVNCDecoder(Path(tempfile.mkdtemp(prefix="novnc-")) / "pages")
        self.addCleanup(decoder.stop)
        for seed, (release, name) in enumerate(
            [("1.7", "16-big-endian"), ("1.7", "map"), ("1.3", "bgrx")]
        ):
            recording = recording_of(events_of(seed, name, 30, images=0.2))
            table, copy = copied(recording)
            self.assertGreater(len(table.segments), 1)
            for number in range(len(table.segments)):
                self.assertShown(decoder, release, recording, copy, number)

    def assertShown(
        self, decoder: NoVNCDecoder, release: str, recording: bytes, copy: bytes, number: int
    ) -> None:
        played: dict[int, bytes] = {}
        for entry in entries_of(copy, number):
            if entry.kind in (Kind.SERVER, Kind.KEY_FRAME):
                played[entry.moment] = played.get(entry.moment, b"") + entry.data
        found = decoder.play(release, list(played.values()))
        right = pictures_at(RecordingReader(io.BytesIO(recording)).events(), played)
        other = ScreenDecoder(Picture(1, 1), NOVNC)
        for shown, picture, data in zip(found, right, played.values(), strict=True):
            assert picture is not None
            other.receive(data)
            self.assertEqual(shown.pixels.shape, picture.pixels.shape)
            self.assertTrue(np.array_equal(shown.pixels, picture.pixels))
            if other.cursor is not None:
                self.assertTrue(np.array_equal(shown.cursor, other.cursor.pixels))
                self.assertEqual(shown.points, (other.cursor.x, other.cursor.y))
