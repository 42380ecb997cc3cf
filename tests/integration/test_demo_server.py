"""The demonstration server as a real viewer sees it: vncdotool captures, types and points."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from PIL import Image, ImageChops
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IListeningPort, IReactorTCP, IReactorTime
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from vncproxy.demo.screen import BARS, ECHO, HEIGHT, INK, WIDTH
from vncproxy.demo.server import DemoServer

TIME_LIMIT = 90
YELLOW = (0xFF, 0xC8, 0x57)


def rgb(colour: int) -> tuple[int, ...]:
    return tuple(colour.to_bytes(3, "big"))


class RealViewerTests(TestCase):
    timeout = 300

    def serve(self, password: str | None = None) -> None:
        clock, tcp = IReactorTime(reactor), IReactorTCP(reactor)
        port: IListeningPort = tcp.listenTCP(0, DemoServer(clock, password), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.port = cast("IPv4Address", port.getHost()).port

    async def vncdo(self, *arguments: str) -> tuple[str, int]:
        """Run the viewer; returns what it prints and its exit status."""
        script = Path(sys.executable).with_name("vncdo")
        arguments = (
            str(script),
            "-t",
            str(TIME_LIMIT),
            "-s",
            f"127.0.0.1::{self.port}",
            *arguments,
        )
        out, err, status = await getProcessOutputAndValue(sys.executable, arguments)
        return (out + err).decode(), status

    async def capture(self, *actions: str) -> Image.Image:
        """Do something and return the picture afterwards."""
        path = Path(self.mktemp()).with_suffix(".png").absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        said, status = await self.vncdo(*actions, "capture", str(path))
        self.assertEqual(status, 0, said)
        return Image.open(path).convert("RGB")

    async def test_the_test_card_is_shown(self) -> None:
        self.serve()

        picture = await self.capture()

        self.assertEqual(picture.size, (WIDTH, HEIGHT))
        bars = [picture.getpixel((190 + 60 * bar, 180)) for bar in range(8)]
        self.assertEqual(bars, [rgb(colour) for colour in BARS])
        self.assertEqual(picture.getpixel((WIDTH - 1, HEIGHT - 1)), rgb(INK))

    async def test_a_typed_key_changes_the_echo_area_and_stays(self) -> None:
        self.serve()
        area = (ECHO.x, ECHO.y, ECHO.x + ECHO.width, ECHO.y + ECHO.height)
        before = (await self.capture()).crop(area)

        typed = (await self.capture("key", "a", "pause", "0.2")).crop(area)
        cleared = (await self.capture("key", "esc", "pause", "0.2")).crop(area)

        self.assertIsNotNone(ImageChops.difference(before, typed).getbbox())
        self.assertIsNone(ImageChops.difference(before, cleared).getbbox())

    async def test_the_pointer_paints(self) -> None:
        self.serve()

        picture = await self.capture(
            *("move", "50", "450", "mousedown", "1", "move", "90", "480", "mouseup", "1"),
            *("move", "700", "20", "pause", "0.2"),
        )

        self.assertEqual(picture.getpixel((70, 465)), YELLOW)

    async def test_the_right_password_is_let_in(self) -> None:
        self.serve("s3cret")

        picture = await self.capture("-p", "s3cret")

        self.assertEqual(picture.size, (WIDTH, HEIGHT))

    async def test_a_wrong_password_is_told(self) -> None:
        self.serve("s3cret")

        said, _ = await self.vncdo("-p", "wrong", "key", "a")

        self.assertIn("The password is wrong.", said)
