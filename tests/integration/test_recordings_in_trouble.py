"""Proxies that are killed, and disks that are full: what was recorded until then is whole.

``VNCPROXY_KILLS=100`` lets one proxy be killed so often.
"""

from __future__ import annotations

import atexit
import os
import random
import threading
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.painted_display import PaintedDisplay
from tests.components.viewer import Refused, Viewer
from vncproxy.recording.events import Source
from vncproxy.recording.playing import Playback
from vncproxy.recording.reading import RecordingReader
from vncproxy.recording.tape import BATCH

WIDTH, HEIGHT = 320, 200
FRAME = WIDTH * HEIGHT * 4
SMALL_DISK = 6 << 20
"""Bytes of a disk that is soon full."""

KILLS = int(os.environ.get("VNCPROXY_KILLS", "2"))
SESSIONS = 3
"""How many are recorded when a proxy is killed."""


class BusyDisplay(PaintedDisplay):
    """A display that never looks the same twice."""

    def __init__(self) -> None:
        super().__init__("recordings", (WIDTH, HEIGHT))
        self._random = np.random.default_rng(1)

    def paint(self) -> None:
        """Paint other colours everywhere."""
        few = self._random.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 4)).astype(np.uint8)
        self.painter.paint(0, 0, WIDTH, few.repeat(8, axis=0).repeat(8, axis=1).tobytes())

    def gateway(self, name: str, recording: str = "") -> Gateway:
        """Return a gateway that records into a directory of this name."""
        (self.folder / name).mkdir()
        gateway = Gateway(
            f"""
[recording]
directory = "{self.folder / name}"
vms = ["here/*"]
{recording}
[backends.here]
type = "static"
[backends.here.consoles]
display = {{ address = "127.0.0.1:{self.display.port}" }}
"""
        )
        atexit.register(gateway.stop)
        return gateway


@cache
def busy_display() -> BusyDisplay:
    return BusyDisplay()


class Watcher:
    """A viewer that asks for the whole screen again and again, in a thread.

    Attributes:
        received: all that came behind ServerInit.
        is_over: whether its connection has ended.
    """

    def __init__(self, gateway: Gateway) -> None:
        token = gateway.issue("here/display", type="xvpvnc")["token"]
        self._viewer = Viewer.connect(gateway.xvp_port, token)
        self.received = bytearray()
        self.is_over = False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave."""
        self._viewer.send(b"\xee")  # no viewer sends it: the proxy ends the session
        self._thread.join(60)
        self._viewer.close()

    def _watch(self) -> None:
        request = b"\3\0" + bytes(4) + WIDTH.to_bytes(2, "big") + HEIGHT.to_bytes(2, "big")
        try:
            while True:
                self._viewer.send(request)
                self.received += self._viewer.read(1)
                self.received += self._viewer.read(3 + 12 + FRAME)
        except (OSError, EOFError, AssertionError):
            self.is_over = True


def read(path: Path) -> tuple[RecordingReader, bytes, int]:
    """Play a whole file; returns its reader, the server's bytes behind ServerInit, and updates."""
    playback, server = Playback(), bytearray()
    with path.open("rb") as file:
        reader = RecordingReader(file)
        for event in reader.events():
            playback.take(event)
            if event.source is Source.SERVER:
                server += event.data
    assert playback.decoder is not None
    return (
        reader,
        bytes(server[24 + int.from_bytes(server[20:24], "big") :]),
        playback.decoder.updates,
    )


def recordings(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.vncr"))


class TroubleCase(SynchronousTestCase):
    timeout = 600

    def setUp(self) -> None:
        self.display = busy_display()
        self.is_over = False
        painting = threading.Thread(target=self.paint_on, daemon=True)
        painting.start()
        self.addCleanup(painting.join, 60)
        self.addCleanup(setattr, self, "is_over", True)

    def paint_on(self) -> None:
        while not self.is_over:
            self.display.paint()
            time.sleep(0.02)

    def assert_same_bytes(self, found: bytes, watchers: Iterable[Watcher]) -> None:
        """One of the viewers has got what a recording has; either may have more than the other."""
        got = [bytes(each.received) for each in watchers]
        same = [each[: len(found)] == found[: len(each)] for each in got]
        self.assertIn(True, same)


class KilledTests(TroubleCase):
    def test_a_proxy_that_is_killed_at_any_moment(self) -> None:
        gateway = self.display.gateway("killed")
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        folder = self.display.folder / "killed"
        for _ in range(KILLS):
            gateway.start()
            watchers = [Watcher(gateway) for _ in range(SESSIONS)]
            enough = chance.randrange(2 * BATCH)
            until(lambda: len(files := recordings(folder)) == SESSIONS and all(
                file.stat().st_size >= enough for file in files  # noqa: B023
            ), "the recordings")  # fmt: skip
            time.sleep(chance.random() * 0.3)
            gateway.kill()
            until(lambda: all(each.is_over for each in watchers), "the ends")  # noqa: B023
            for file in recordings(folder):
                self.assert_plays(file, watchers, enough, seed)
                file.unlink()

    def assert_plays(self, file: Path, watchers: list[Watcher], enough: int, seed: int) -> None:
        reader, server, updates = read(file)
        about = f"seed {seed}"
        self.assertFalse(reader.is_ended, about)
        self.assertLess(reader.cut, BATCH + (1 << 17), about)
        self.assertGreaterEqual(file.stat().st_size, enough, about)
        self.assertEqual(updates, len(server) // (4 + 12 + FRAME), about)
        self.assert_same_bytes(server, watchers)


class FullDiskTests(TroubleCase):
    def test_a_session_that_goes_on_without_its_recording(self) -> None:
        gateway = self.display.gateway("limited")
        gateway.launcher = ["prlimit", f"--fsize={SMALL_DISK}"]
        gateway.start()
        watcher = Watcher(gateway)
        line = gateway.audit_of("recording-stopped")
        seen = len(watcher.received)

        self.assertEqual(line["why"], "File too large")
        file = self.display.folder / "limited" / line["file"]
        reader, server, updates = read(file)
        self.assertEqual((reader.hash, file.stat().st_size), (line["hash"], line["bytes"]))
        self.assertGreater(updates, 0)
        self.assert_same_bytes(server, [watcher])
        until(lambda: len(watcher.received) > seen + 2 * FRAME, "more of the screen")
        watcher.close()

        # the next one has a file of its own, which is small enough
        again = Watcher(gateway)
        again.close()
        gateway.audit_of("recording")

    def test_a_session_that_ends_with_its_recording(self) -> None:
        gateway = self.display.gateway("full", 'on_trouble = "end"')
        folder = self.display.folder / "full"
        mount = f'mount -t tmpfs -o size={SMALL_DISK} none "$0" && exec "$@"'
        gateway.launcher = ["unshare", "-m", "sh", "-c", mount, str(folder)]
        gateway.start()
        watcher = Watcher(gateway)
        line = gateway.audit_of("recording-stopped")

        self.assertEqual(line["why"], "No space left on device")
        until(lambda: watcher.is_over, "the end of the session")
        self.assertEqual(gateway.audit_of("close")["reason"], "recording-stopped")
        inside = Path(f"/proc/{gateway.pid}/root{folder}")
        file = inside / line["file"]
        reader, server, updates = read(file)
        self.assertEqual((reader.hash, file.stat().st_size), (line["hash"], line["bytes"]))
        self.assertGreater(updates, 0)
        self.assert_same_bytes(server, [watcher])

        self.fill(inside)
        self.assertRaises(Refused, Watcher, gateway)
        gateway.audit_of("refuse", reason="recording-unavailable")
        (inside / "rest").unlink()
        Watcher(gateway).close()
        gateway.audit_of("recording")

    def fill(self, folder: Path) -> None:
        """Leave no room at all."""
        with (folder / "rest").open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                return
