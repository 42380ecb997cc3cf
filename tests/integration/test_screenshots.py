"""Pictures of real servers' screens, over the API."""

from __future__ import annotations

import atexit
import io
import shutil
import tempfile
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR, until
from tests.components.ports import free_port
from tests.components.vnc_servers import Identity, QemuMachine, XServer
from tests.components.x_painter import Painter
from vncproxy.cli import main

WIDTH, HEIGHT = 320, 200


class World:
    """A display of TigerVNC's, a guest of QEMU's, and a gateway in front of both."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="screenshots-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        identity = Identity(folder / "pki", Authority(folder), "localhost")
        size = ("-geometry", f"{WIDTH}x{HEIGHT}")
        self.display = XServer(folder, "None", identity, "unused", *size).start()
        atexit.register(self.display.stop)
        self.qemu = QemuMachine(folder, "qemu").start()
        atexit.register(self.qemu.stop)
        self.gateway = Gateway(
            f"""
[backends.here]
type = "static"
[backends.here.consoles]
display = {{ address = "127.0.0.1:{self.display.port}" }}
guest = {{ address = "127.0.0.1:{self.qemu.port}" }}
alone = {{ address = "127.0.0.1:{self.display.port}", one_viewer = true }}
gone = {{ address = "127.0.0.1:{free_port()}" }}
"""
        ).start()
        atexit.register(self.gateway.stop)

    def picture(self, query: str) -> tuple[int, str, bytes]:
        """Ask for a picture; returns status, type and body."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.gateway.api_port}/v1/screenshot?{query}",
            headers={"Authorization": f"Bearer {self.gateway.key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers["Content-Type"], e.read()

    def pixels(self, query: str) -> NDArray[np.uint8]:
        """Return the pixels of a picture that is there."""
        status, _, body = self.picture(query)
        assert status == 200, body
        return np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))


@cache
def world() -> World:
    return World()


class ScreenshotTests(SynchronousTestCase):
    timeout = 120

    def test_the_pixels_of_a_display(self) -> None:
        noise = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        shown = np.dstack((noise[:, :, ::-1], np.zeros((HEIGHT, WIDTH, 1), np.uint8)))
        painter = Painter(world().display.display)
        painter.paint(0, 0, WIDTH, shown.tobytes())
        painter.close()

        # a picture may be two seconds old
        until(lambda: np.array_equal(world().pixels("vm=here/display"), noise), "what was painted")
        self.assertEqual(world().picture("vm=here/display&format=webp")[1], "image/webp")

    def test_a_guest_in_a_small_image(self) -> None:
        until(self._shows_colour, "the guest's colour")
        status, kind, body = world().picture("vm=here/guest&format=jpeg&width=160")
        self.assertEqual((status, kind), (200, "image/jpeg"))
        self.assertEqual(Image.open(io.BytesIO(body)).size[0], 160)

    def _shows_colour(self) -> bool:
        found = world().pixels("vm=here/guest").astype(int)
        return bool((np.abs(found - START_COLOUR) <= 4).all())

    def test_a_session_of_a_user_is_not_disturbed(self) -> None:
        before = len(world().gateway.audit("open"))
        world().pixels("vm=here/display")
        world().gateway.audit_of("api-screenshot", vm="here/display")
        self.assertEqual(len(world().gateway.audit("open")), before)
        sessions = world().gateway.call("GET", "/v1/sessions")[1]["sessions"]
        self.assertEqual(sessions, [])

    def test_the_command_saves_one(self) -> None:
        gateway = world().gateway
        file = gateway.folder / "screen.png"
        result = CliRunner().invoke(
            main,
            ["screenshot", "here/display", "-o", str(file), "--width", "100"],
            env={
                "VNCPROXY_API": f"http://127.0.0.1:{gateway.api_port}",
                "VNCPROXY_API_KEY": gateway.key,
            },
        )
        self.assertEqual((result.exit_code, result.output), (0, ""))
        with Image.open(file) as image:
            self.assertEqual((image.format, image.size[0]), ("PNG", 100))

    def test_why_there_is_none(self) -> None:
        for query, status, code in (
            ("vm=here/no-such", 404, "vm-not-found"),
            ("vm=here/gone", 502, "upstream-unreachable"),
            ("vm=here/alone", 503, "console-in-use"),
            ("vm=elsewhere/vm", 404, "vm-not-found"),
            ("", 400, "bad-request"),
            ("vm=here/display&width=0", 422, "invalid-field"),
            ("vm=here/display&format=gif", 422, "invalid-field"),
            (f"vm={Random(1).randbytes(3).hex()}", 422, "invalid-field"),
        ):
            found, kind, body = world().picture(query)
            self.assertEqual(found, status, (query, body))
            self.assertEqual(kind, "application/json")
            self.assertIn(f'"{code}"'.encode(), body)
