"""Sessions are recorded, and what was recorded is the same picture."""

from __future__ import annotations

import atexit
import io
import shutil
from functools import cache
from pathlib import Path

import av
import numpy as np
import pyrage
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.painted_display import PaintedDisplay
from tests.components.viewer import Refused, Viewer
from vncproxy.cli import main
from vncproxy.recording.events import Source
from vncproxy.recording.reading import RecordingReader
from vncproxy.recording.sealing import open_seal

WIDTH, HEIGHT = 320, 200


class World(PaintedDisplay):
    """A display, and a gateway in front of it that records into a directory."""

    def __init__(self) -> None:
        super().__init__("recordings", (WIDTH, HEIGHT))
        self.plain = self.gateway("plain", "")

    def gateway(self, name: str, recording: str) -> Gateway:
        """Run a gateway whose directory has this name."""
        (self.folder / name).mkdir()
        gateway = Gateway(
            f"""
[recording]
directory = "{self.folder / name}"
{recording}
[backends.here]
type = "static"
[backends.here.consoles]
display = {{ address = "127.0.0.1:{self.display.port}" }}
"""
        ).start()
        atexit.register(gateway.stop)
        return gateway

    def paint(self, seed: int) -> NDArray[np.uint8]:
        """Paint squares of random colours; returns them."""
        few = np.random.default_rng(seed).integers(0, 256, (HEIGHT // 40, WIDTH // 40, 3))
        squares = few.repeat(40, axis=0).repeat(40, axis=1).astype(np.uint8)
        pad = np.zeros((HEIGHT, WIDTH, 1), np.uint8)
        self.painter.paint(0, 0, WIDTH, np.dstack((squares[:, :, ::-1], pad)).tobytes())
        return squares


@cache
def world() -> World:
    return World()


def at(pixels: NDArray[np.uint8]) -> tuple[int, int, int]:
    """Return the pixel that a viewer looks at."""
    red, green, blue = (int(value) for value in pixels[5, 5])
    return red, green, blue


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


class RecordingTests(SynchronousTestCase):
    timeout = 180

    def watch(self, gateway: Gateway, **policy: object) -> Viewer:
        """Open the display by a link whose sessions are recorded."""
        issued = gateway.issue("here/display", type="xvpvnc", policy={"record": True, **policy})
        viewer = Viewer.connect(gateway.xvp_port, issued["token"])
        self.addCleanup(viewer.close)
        return viewer

    def exported(self, file: Path, at: float, *more: str) -> NDArray[np.uint8]:
        picture = world().folder / "picture.png"
        result = run("recording", "export", str(file), str(picture), "--at", str(at), *more)
        self.assertEqual(result.exit_code, 0, result.output)
        with Image.open(picture) as image:
            return np.asarray(image.convert("RGB"))

    def test_the_picture_of_a_session_is_in_its_file(self) -> None:
        gateway = world().plain
        squares = world().paint(1)
        viewer = self.watch(gateway)
        self.assertTrue(viewer.name.endswith(" (recorded)"), viewer.name)
        viewer.wait_for_pixel(at(squares))
        viewer.key(0x61)
        viewer.close()

        line = gateway.audit_of("recording", vm="here/display")
        file = world().folder / "plain" / line["file"]
        self.assertEqual(file.stat().st_size, line["bytes"])
        self.assertEqual(file.stat().st_mode & 0o777, 0o640)
        self.assertTrue(np.array_equal(self.exported(file, 1000), squares))
        video = world().folder / "session.webm"
        result = run("recording", "export", str(file), str(video))
        self.assertEqual(result.exit_code, 0, result.output)
        with av.open(str(video)) as opened_video:
            last = [frame.to_ndarray(format="rgb24") for frame in opened_video.decode(video=0)][-1]
        self.assertEqual(last.shape, squares.shape)
        self.assertLess(np.abs(last.astype(int) - squares).mean(), 10)
        log = world().folder / "plain.log"
        log.write_text(gateway.log())
        verify = ("recording", "verify", str(file), "--audit", str(log))
        verified = run(*verify, "--hash", line["hash"])
        self.assertEqual(verified.exit_code, 0, verified.output)
        self.assertIn("the audit says the same: alice at here/display from", verified.output)
        with file.open("rb") as opened:
            reader = RecordingReader(opened)
            events = list(reader.events())
        assert reader.about is not None
        self.assertEqual((reader.about.user, reader.about.keys), ("alice", False))
        self.assertIn(b"\4", [e.data for e in events if e.source is Source.LEFT_OUT])
        typed = b"\4\1\0\0\0\0\0\x61"
        self.assertFalse(any(typed in event.data for event in events))

    def test_a_killed_proxy_leaves_a_file_that_plays(self) -> None:
        gateway = world().gateway("killed", "")
        squares = world().paint(2)
        self.watch(gateway).wait_for_pixel(at(squares))
        folder = world().folder / "killed"

        def picture_is_there() -> bool:
            files = list(folder.rglob("*.vncr"))
            return bool(files) and files[0].stat().st_size > WIDTH * HEIGHT * 3

        until(picture_is_there, "the recording")
        gateway.kill()

        (file,) = folder.rglob("*.vncr")
        verified = run("recording", "verify", str(file))
        self.assertEqual(verified.exit_code, 1)
        self.assertIn("the end is missing", verified.output)
        self.assertTrue(np.array_equal(self.exported(file, 1000), squares))

    def test_sealed_files_and_users_that_the_configuration_names(self) -> None:
        identity = pyrage.x25519.Identity.generate()
        recording = f'recipients = ["{identity.to_public()}"]\nusers = ["bob"]\non_trouble = "end"'
        gateway = world().gateway("sealed", recording)
        squares = world().paint(3)
        viewer = self.watch(gateway)
        viewer.wait_for_pixel(at(squares))
        viewer.close()
        line = gateway.audit_of("recording")
        file = world().folder / "sealed" / line["file"]

        key = world().folder / "identity"
        key.write_text(f"# a key\n{identity}\n")
        found = self.exported(file, 1000, "--identity", str(key))
        self.assertTrue(np.array_equal(found, squares))
        picture = str(world().folder / "none.png")
        self.assertEqual(run("recording", "export", str(file), picture).exit_code, 1)
        self.assertEqual(run("recording", "verify", str(file)).exit_code, 0)
        data = io.BytesIO(file.read_bytes())
        reader = RecordingReader(data, lambda sealed: open_seal(sealed, [str(identity)]))
        self.assertGreater(len(list(reader.events())), 2)

        # users that the configuration names; the directory is gone: nothing can be written
        shutil.rmtree(world().folder / "sealed")
        token = gateway.issue("here/display", type="xvpvnc", user="bob")["token"]
        self.assertRaises(Refused, Viewer.connect, gateway.xvp_port, token)
        gateway.audit_of("recording-stopped", user="bob")
        gateway.audit_of("refuse", reason="recording-unavailable")
