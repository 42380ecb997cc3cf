"""Pictures of real servers' screens, over the API."""

from __future__ import annotations

import atexit
import io
import shutil
import struct
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR, until
from tests.components.pictures import Pixels, decoded, picture, pixels, wait_for_colour
from tests.components.polled_display import PolledDisplay
from tests.components.ports import free_port
from tests.components.viewer import Viewer
from tests.components.vnc_servers import Identity, QemuMachine, XServer
from tests.components.x_painter import Painter
from vncproxy.cli import main

WIDTH, HEIGHT = 320, 200
_RANDOM = np.random.default_rng(5)


class World:
    """Displays of several depths, a guest of QEMU's, and a gateway in front of them."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="screenshots-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        identity = Identity(folder / "pki", Authority(folder), "localhost")
        size = ("-geometry", f"{WIDTH}x{HEIGHT}")
        self.display = XServer(folder, "None", identity, "unused", *size)
        self.of_16_bits = XServer(folder, "None", identity, "unused", *size, "-depth", "16")
        self.with_map = PolledDisplay(folder, f"{WIDTH}x{HEIGHT}x8")
        self.qemu = QemuMachine(folder, "qemu")
        for each in (self.display, self.of_16_bits, self.with_map, self.qemu):
            each.start()
            atexit.register(each.stop)
        (folder / "recordings").mkdir()
        self.gateway = Gateway(
            f"""
[recording]
directory = "{folder}/recordings"
[backends.here]
type = "static"
[backends.here.consoles]
display = {{ address = "127.0.0.1:{self.display.port}" }}
high = {{ address = "127.0.0.1:{self.of_16_bits.port}" }}
map = {{ address = "127.0.0.1:{self.with_map.port}" }}
guest = {{ address = "127.0.0.1:{self.qemu.port}" }}
alone = {{ address = "127.0.0.1:{self.display.port}", one_viewer = true }}
gone = {{ address = "127.0.0.1:{free_port()}" }}
"""
        ).start()
        atexit.register(self.gateway.stop)


@cache
def world() -> World:
    return World()


def paint(display: str, numbers: Pixels, size: int) -> list[tuple[int, int, int]]:
    """Fill a display with pixels; returns the colours of its map, where it has one."""
    painter = Painter(display)
    painter.paint(0, 0, WIDTH, numbers.tobytes(), size)
    colours = painter.colours(256) if size == 1 else []
    painter.close()
    return colours


class PixelsTests(SynchronousTestCase):
    timeout = 120

    def assertShows(self, vm: str, expected: Pixels, more: str = "") -> None:
        # a picture may be two seconds old
        gateway = world().gateway
        until(lambda: np.array_equal(pixels(gateway, vm, more), expected), "what was painted")

    def test_24_bits(self) -> None:
        noise = _RANDOM.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        shown = np.dstack((noise[:, :, ::-1], np.zeros((HEIGHT, WIDTH, 1), np.uint8)))
        paint(world().display.display, shown, 4)
        self.assertShows("here/display", noise)

    def test_16_bits(self) -> None:
        noise = _RANDOM.integers(0, 1 << 16, (HEIGHT, WIDTH), np.uint16)
        paint(world().of_16_bits.display, noise, 2)
        channels = [(noise >> 11, 31), (noise >> 5 & 63, 63), (noise & 31, 31)]
        scaled = [(values * np.uint32(255) + most // 2) // most for values, most in channels]
        self.assertShows("here/high", np.dstack(scaled).astype(np.uint8))

    def test_a_colour_map(self) -> None:
        noise = _RANDOM.integers(0, 256, (HEIGHT, WIDTH), np.uint8)
        colours = paint(world().with_map.display, noise, 1)
        self.assertGreater(len(set(colours)), 50)
        screen = (np.array(colours)[noise] >> 8).astype(np.uint8)
        self.assertShows("here/map", screen, "&cursor=false")
        # the cursor that is painted here, and the one that the server has painted
        shown = pixels(world().gateway, "here/map", "&cursor=true")
        self.assertIn(np.count_nonzero((shown != screen).any(axis=2)), range(10, 400))
        self.assertShows("here/map", shown)

    def test_a_guest(self) -> None:
        wait_for_colour(world().gateway, "here/guest", START_COLOUR)


class ImageTests(SynchronousTestCase):
    timeout = 120

    def test_small_images(self) -> None:
        for query, kind, size in (
            ("format=jpeg&width=160", "jpeg", (160, 100)),
            ("format=webp&height=50&quality=10", "webp", (80, 50)),
            ("width=16384&height=16384", "png", (WIDTH, HEIGHT)),
        ):
            status, headers, body = picture(world().gateway, f"vm=here/display&{query}")
            self.assertEqual((status, headers["Content-Type"]), (200, f"image/{kind}"))
            self.assertEqual(Image.open(io.BytesIO(body)).size, size)

    def test_one_that_the_caller_has(self) -> None:
        gateway, query = world().gateway, "vm=here/high&width=64"
        tag = picture(gateway, query)[1]["ETag"]
        status, headers, body = picture(gateway, query, {"If-None-Match": tag})
        self.assertEqual((status, headers["ETag"], body), (304, tag, b""))
        paint(world().of_16_bits.display, np.zeros((HEIGHT, WIDTH), np.uint16), 2)
        paint(world().of_16_bits.display, np.ones((1, WIDTH), np.uint16), 2)
        changed = until(
            lambda: picture(gateway, query, {"If-None-Match": tag})[2], "another picture"
        )
        self.assertEqual(Image.open(io.BytesIO(changed)).size, (64, 40))

    def test_a_session_of_a_user_is_not_disturbed(self) -> None:
        before = len(world().gateway.audit("open"))
        pixels(world().gateway, "here/display")
        world().gateway.audit_of("api-screenshot", vm="here/display")
        self.assertEqual(len(world().gateway.audit("open")), before)
        sessions = world().gateway.call("GET", "/v1/sessions")[1]["sessions"]
        self.assertEqual(sessions, [])

    def test_a_session_that_is_recorded_shows_its_machine_without_a_connection(self) -> None:
        gateway, display = world().gateway, world().display
        issued = gateway.issue("here/alone", type="xvpvnc", policy={"record": True})
        viewer = Viewer.connect(gateway.web_port, issued["token"])
        self.addCleanup(viewer.close)
        noise = _RANDOM.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        noise[5, 5] = (1, 2, 3)
        shown = np.dstack((noise[:, :, ::-1], np.zeros((HEIGHT, WIDTH, 1), np.uint8)))
        paint(display.display, shown, 4)
        viewer.wait_for_pixel((1, 2, 3))
        before = display.log().count("accepted")

        viewer.send(struct.pack(">BBHHHH", 3, 1, 0, 0, WIDTH, HEIGHT))

        def is_shown() -> bool:
            status, _, body = picture(gateway, "vm=here/alone")
            return status == 200 and np.array_equal(decoded(body), noise)

        until(is_shown, "what the viewer has")
        self.assertEqual(display.log().count("accepted"), before)

    def test_the_command_saves_one(self) -> None:
        gateway = world().gateway
        file = gateway.folder / "screen.jpg"
        words = ["--width", "100", "--height", "50", "--quality", "50", "--no-cursor"]
        result = CliRunner().invoke(
            main,
            ["screenshot", "here/display", "-o", str(file), *words],
            env={
                "VNCPROXY_API": f"http://127.0.0.1:{gateway.api_port}",
                "VNCPROXY_API_KEY": gateway.key,
            },
        )
        self.assertEqual((result.exit_code, result.output), (0, ""))
        with Image.open(file) as image:
            self.assertEqual((image.format, image.size), ("JPEG", (80, 50)))

    def test_why_there_is_none(self) -> None:
        for query, status, code in (
            ("vm=here/no-such", 404, "vm-not-found"),
            ("vm=here/gone", 502, "upstream-unreachable"),
            ("vm=here/alone", 503, "console-in-use"),
            ("vm=elsewhere/vm", 404, "vm-not-found"),
        ):
            found, headers, body = picture(world().gateway, query)
            self.assertEqual(found, status, (query, body))
            self.assertEqual(headers["Content-Type"], "application/json")
            self.assertIn(f'"{code}"'.encode(), body)
