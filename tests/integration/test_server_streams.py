"""Real servers' streams, walked without decoding and decoded: both find the same messages."""

from __future__ import annotations

import atexit
import os
import shutil
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.decoding_viewer import (
    RGB332,
    RGB565,
    RGB888,
    RGB888_HIGH,
    DecodingViewer,
    Format,
    Seen,
)
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.ports import free_port
from tests.components.viewer import tunnel
from tests.components.vnc_servers import (
    Identity,
    QemuMachine,
    XServer,
    end,
    listens,
    typing_sector,
)
from tests.components.x_painter import Painter
from vncproxy.filters.rules import rules_for
from vncproxy.filters.to_server import ViewerFilter
from vncproxy.model import Clipboard, Policy
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_init import pixel_format_of
from vncproxy.rfb.server_messages import FormatChanges, ServerPieces
from vncproxy.screen import Picture, ScreenDecoder

RAW, RRE, CORRE, HEXTILE, ZLIB, TIGHT, ZRLE, TIGHT_PNG = 0, 2, 4, 5, 6, 7, 16, -260
WIDTH, HEIGHT = 320, 200

MOST_CHANGES = 40
"""Changes of the screen until a server uses the encoding: what is larger in it goes raw."""

SPOKEN = {
    "qemu": (RAW, HEXTILE, ZLIB, TIGHT, ZRLE, TIGHT_PNG),
    "xtigervnc": (RAW, RRE, HEXTILE, TIGHT, ZRLE),
    "x11vnc": (RAW, RRE, CORRE, HEXTILE, ZLIB, TIGHT, ZRLE),
}
"""The encodings of each server."""


class World:
    """Three servers; two of them show one X display."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="streams-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.qemu = QemuMachine(self.folder, "qemu", sector=typing_sector()).start()
        atexit.register(self.qemu.stop)
        identity = Identity(self.folder / "pki", Authority(self.folder), "localhost")
        size = ("-geometry", f"{WIDTH}x{HEIGHT}")
        self.display = XServer(self.folder, "None", identity, "unused", *size).start()
        atexit.register(self.display.stop)
        self.painter = Painter(self.display.display)
        x11vnc = free_port()
        with (self.folder / "x11vnc.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    *("x11vnc", "-display", f":{self.display.display}", "-rfbport", str(x11vnc)),
                    *("-localhost", "-forever", "-shared", "-nopw", "-noxdamage", "-quiet"),
                    *("-wait", "5", "-defer", "5", "-noipv6"),
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, "XAUTHORITY": "/dev/null"},
            )
        atexit.register(end, process)
        until(lambda: listens(x11vnc), (self.folder / "x11vnc.log").read_text())
        self.gateway = Gateway(self._config(x11vnc)).start()
        atexit.register(self.gateway.stop)
        self.ports = {"qemu": self.qemu.port, "xtigervnc": self.display.port, "x11vnc": x11vnc}
        self._random = Random(7)

    def _config(self, x11vnc: int) -> str:
        return f"""
[backends.here]
type = "static"
[backends.here.consoles]
qemu = {{ address = "127.0.0.1:{self.qemu.port}" }}
xtigervnc = {{ address = "127.0.0.1:{self.display.port}" }}
x11vnc = {{ address = "127.0.0.1:{x11vnc}" }}
"""

    def clear(self) -> None:
        """Paint the display in one colour."""
        self.painter.paint(0, 0, WIDTH, (self._random.randbytes(3) + b"\0") * (WIDTH * HEIGHT))

    def paint(self) -> None:
        """Change the display: colours that blend, few colours, noise, and single pixels."""
        noise = self._random.randbytes
        blend = b"".join(
            bytes((x * 2 & 255, y * 3 & 255, x + y & 255, 0))
            for y in range(100)
            for x in range(160)
        )
        few = [noise(3) + b"\0" for _ in range(self._random.choice((2, 3, 5, 30)))]
        stripes = b"".join(few[(x // 7 + y // 5) % len(few)] for y in range(90) for x in range(150))
        self.clear()
        self.painter.paint(3, 2, 160, blend)
        self.painter.paint(167, 5, 150, stripes)
        self.painter.paint(170, 110, 90, b"".join(noise(3) + b"\0" for _ in range(90 * 80)))
        for n in range(20):
            self.painter.paint(self._random.randrange(150), 110 + 4 * n, 1, noise(3) + b"\0")


@cache
def world() -> World:
    return World()


def walk(seen: Seen, server_init: bytes, sizes: Random | None) -> list[tuple[int, int, int]]:
    """Return the messages that the walker finds, as a proxy between viewer and server would.

    Args:
        sizes: cuts the server's bytes anew; None for as they were read.
    """
    formats = FormatChanges(pixel_format_of(server_init))
    viewer = ViewerFilter(rules_for(Policy(clipboard=Clipboard.NONE)), formats)
    walker, found, passed = ServerPieces(formats), [], 0
    begin = 0
    for from_viewer, data in _joined(seen):
        if from_viewer:
            viewer.process(data)
            continue
        while data:
            size = sizes.choice((1, 2, 7, 100, 5000, 70000)) if sizes else len(data)
            piece, data = data[:size], data[size:]
            for each in walker.receive(piece):
                begin = passed if each.first else begin
                passed += each.end - each.start
                if each.last:
                    found.append((each.kind, begin, passed))
    assert not walker._held, walker._held
    return found


def _joined(seen: Seen) -> list[tuple[bool, bytes]]:
    """Join the server's bytes between two of the viewer's messages."""
    joined: list[tuple[bool, bytes]] = []
    for from_viewer, data in seen.events:
        if joined and not from_viewer and not joined[-1][0]:
            joined[-1] = (False, joined[-1][1] + data)
        else:
            joined.append((from_viewer, data))
    return joined


class ServerStreamTests(SynchronousTestCase):
    timeout = 300

    def connect(self, server: str) -> DecodingViewer:
        viewer = DecodingViewer(world().ports[server])
        viewer.resizes = server == "xtigervnc"
        self.addCleanup(viewer.close)
        return viewer

    def change(self, server: str, viewer: DecodingViewer, n: int) -> None:
        """Change what the server shows, by a few keys where it is a guest."""
        if server != "qemu":
            world().clear() if n % 2 else world().paint()
            return
        for key in b"abc\r":
            for down in (1, 0):
                viewer.send(struct.pack(">BBxxI", 4, down, 0xFF0D if key == 13 else key))

    def assertWalked(self, viewer: DecodingViewer, what: object) -> None:
        for sizes in (None, Random(1), Random(2)):
            found = walk(viewer.seen, viewer.server_init, sizes)
            self.assertEqual(found, viewer.seen.messages, what)

    def look(self, server: str, encoding: int, pixels: Format) -> None:
        viewer = self.connect(server)
        viewer.use(pixels, encoding, RAW)
        viewer.request()
        viewer.update()
        for n in range(MOST_CHANGES):
            self.change(server, viewer, n)
            viewer.request(incremental=True)
            viewer.update()
            if n and encoding in viewer.seen.encodings:
                break
        self.assertWalked(viewer, (server, encoding, pixels))
        self.assertIn(encoding, viewer.seen.encodings, (server, pixels))
        viewer.close()

    def test_each_encoding_of_each_server(self) -> None:
        for server, spoken in SPOKEN.items():
            for encoding in spoken:
                self.look(server, encoding, RGB888)

    def test_other_pixel_formats(self) -> None:
        for server in SPOKEN:
            for pixels, encoding in (
                *((RGB565, HEXTILE), (RGB565, TIGHT), (RGB565, ZRLE)),
                *((RGB332, TIGHT), (RGB888_HIGH, TIGHT)),
            ):
                self.look(server, encoding, pixels)


class FilteredTests(SynchronousTestCase):
    """Through a proxy that parses both directions, a viewer that decodes sees the same."""

    timeout = 300

    def connect(self, server: str) -> DecodingViewer:
        gateway = world().gateway
        policy = {"clipboard": "none"}
        token = gateway.issue(f"here/{server}", type="xvpvnc", policy=policy)["token"]
        viewer = DecodingViewer(tunnel(gateway.xvp_port, f"/console?token={token}"))
        viewer.resizes = server == "xtigervnc"
        self.addCleanup(viewer.close)
        return viewer

    def test_the_same_picture_in_each_encoding_and_format(self) -> None:
        world().paint()
        for server, spoken in SPOKEN.items():
            viewer = self.connect(server)
            screens: dict[Format, list[list[bytes]]] = {}
            for pixels in (RGB888, RGB332, RGB565, RGB888):
                for encoding in spoken:
                    viewer.use(pixels, encoding, RAW)
                    viewer.request()
                    viewer.update()
                    # a guest's text cursor blinks
                    if server != "qemu" and encoding in (RAW, RRE, HEXTILE, ZLIB):
                        screen = screens.setdefault(pixels, viewer.screen)
                        self.assertEqual(viewer.screen, screen, (server, pixels, encoding))
                        viewer.forget()
            viewer.close()


BIG_ENDIAN = bytes([32, 24, 1, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0])


class DecodedTests(SynchronousTestCase):
    """What the proxy itself decodes is the same picture in each encoding and format."""

    timeout = 300

    def picture(self, server: str, encoding: int, pixels: bytes) -> NDArray[np.int16]:
        """Return the screen as it is decoded from one full update."""
        viewer = DecodingViewer(world().ports[server])
        viewer.resizes = server == "xtigervnc"
        viewer.format = Format(pixels[0], pixels[1], (1, 1, 1), (0, 0, 0))
        viewer.send(bytes(4) + pixels)
        wanted = (encoding, RAW, -223, -224)
        viewer.send(struct.pack(f">BxH{len(wanted)}i", 2, len(wanted), *wanted))
        viewer.request()
        viewer.update()
        viewer.close()
        decoder = ScreenDecoder(Picture(*viewer.size), PixelFormat.unpack(pixels))
        for from_viewer, data in viewer.seen.events:
            if not from_viewer:
                decoder.receive(data)
        self.assertEqual(decoder.updates, 1)
        return decoder.picture.pixels.astype(np.int16)

    def test_each_encoding_and_format_of_each_server(self) -> None:
        world().paint()
        for server, formats in (("xtigervnc", FORMATS), ("x11vnc", FORMATS[:2])):
            right = self.picture(server, RAW, RGB888.pack())
            self.assertGreater(len(np.unique(right)), 200)
            for encoding in SPOKEN[server]:
                for pixels, most in formats:
                    found = self.picture(server, encoding, pixels)
                    worst = np.abs(found - right).max()
                    self.assertLessEqual(worst, most, (server, encoding, pixels))


FORMATS = (
    (RGB888.pack(), 0),
    (BIG_ENDIAN, 0),
    # of which LibVNCServer sends the wrong three bytes in ZRLE
    (RGB888_HIGH.pack(), 0),
    (RGB565.pack(), 8),
    (RGB332.pack(), 64),
)
"""Pixel formats, and by how much of 255 their colours may differ."""
