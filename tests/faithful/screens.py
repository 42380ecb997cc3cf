"""Screens that are recorded: each is drawn by itself, can be stopped, and says what it shows."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.components.certificates import Authority
from tests.components.libvirt_host import until
from tests.components.ports import free_port
from tests.components.vnc_servers import DISPLAY_BASE, Identity, XServer, end, listens

from .moving import MovingPicture
from .painting import Canvas, Pixels

INSTALLER = Path("/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64")
"""Of the package debian-installer-12-netboot-amd64."""


class Screen:
    """A screen that changes in a thread of its own between `go_on` and `hold`.

    Attributes:
        port: of its VNC server, on loopback.
    """

    port: int

    def __init__(self) -> None:
        self._may_change, self._is_held = threading.Event(), threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._change_on, daemon=True)
        self._thread.start()

    def hold(self) -> None:
        """Let it stay as it is."""
        self._is_held.clear()
        self._may_change.clear()
        assert self._is_held.wait(60), "the screen does not stop"

    def go_on(self) -> None:
        """Let it change."""
        self._may_change.set()

    def shot(self) -> Pixels:
        """Return what it shows, by other means than VNC."""
        raise NotImplementedError

    def stop(self) -> None:
        """End it."""
        self._is_over = True
        self._may_change.set()
        self._thread.join(60)

    def change(self) -> None:
        """Change a little, and return after at most a second."""
        raise NotImplementedError

    def _change_on(self) -> None:
        while not self._is_over:
            if not self._may_change.is_set():
                self._is_held.set()
                self._may_change.wait()
            else:
                self.change()


class XScreen(Screen):
    """An Xtigervnc on which windows are drawn, text scrolls, and a picture moves.

    Args:
        movie: the size of the moving picture; 0 and 0 for none.
        pause: seconds between two changes.
    """

    def __init__(
        self, folder: Path, width: int, height: int, movie: tuple[int, int], pause: float
    ) -> None:
        self._size = width, height
        identity = Identity(folder / "pki", Authority(folder), "localhost")
        options = ("-geometry", f"{width}x{height}", "-AcceptSetDesktopSize=0")
        self._server = XServer(folder, "None", identity, "unused", *options).start()
        self.port = self._server.port
        self._canvas, self._seen = (Canvas(self._server.display) for _ in range(2))
        self._movie = MovingPicture(*movie) if movie[0] else None
        self._pause, self._random = pause, random.Random(7)
        super().__init__()

    def change(self) -> None:
        """Show the next frame, and sometimes a line of text or a window."""
        if self._movie is not None:
            self._canvas.draw(40, 40, self._movie.next_frame())
        if self._movie is None or self._random.random() < 0.1:
            self._random.choice((self._scroll, self._open_window, self._show_photo))()
        time.sleep(self._pause)

    def shot(self) -> Pixels:
        return self._seen.read(*self._size)

    def stop(self) -> None:
        super().stop()
        self._canvas.close()
        self._seen.close()
        self._server.stop()

    def _scroll(self) -> None:
        """Let a terminal's text go up by a line."""
        width, height = self._size
        top, wide, high = height // 2, width // 2, height // 2 - 20
        self._canvas.scroll(20, top, wide, high, 16)
        signs = np.random.default_rng(self._random.randrange(1 << 30)).random((16, wide))
        line = np.where(signs > 0.7, 230, 20).astype(np.uint8)
        self._canvas.draw(20, top + high - 16, np.repeat(line[:, :, None], 3, axis=2))

    def _open_window(self) -> None:
        wide, high, x, y = self._place(0.3)
        colour = [self._random.randrange(256) for _ in range(3)]
        window = np.full((high, wide, 3), 240, np.uint8)
        window[:24] = colour
        self._canvas.draw(x, y, window)

    def _show_photo(self) -> None:
        wide, high, x, y = self._place(0.15)
        self._canvas.draw(x, y, MovingPicture(wide, high, 1).next_frame())

    def _place(self, share: float) -> tuple[int, int, int, int]:
        width, height = self._size
        wide, high = int(width * share), int(height * share)
        x, y = self._random.randrange(width - wide), self._random.randrange(height - high)
        return wide, high, x, y


class BootScreen(Screen):
    """A QEMU that boots Debian's installer, walks through its menus, and boots again.

    Args:
        again_after: seconds from one boot to the next.
    """

    def __init__(self, folder: Path, again_after: float = 240.0) -> None:
        self.port = free_port()
        self._folder, self._monitor = folder, folder / "monitor"
        self._again_after = again_after
        self._process = subprocess.Popen(
            [
                *("qemu-system-x86_64", "-accel", "tcg", "-m", "512"),
                *("-nodefaults", "-vga", "std", "-usb", "-device", "usb-tablet"),
                *("-kernel", str(INSTALLER / "linux"), "-initrd", str(INSTALLER / "initrd.gz")),
                *("-append", "vga=788 priority=low"),
                *("-qmp", f"unix:{self._monitor},server=on,wait=off"),
                *("-vnc", f"127.0.0.1:{self.port - DISPLAY_BASE}"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=(folder / "qemu.log").open("ab"),
        )
        until(lambda: self._monitor.exists() and listens(self.port), "QEMU")
        self._in_turn = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(self._monitor))
        self._lines = self._socket.makefile("r")
        self._lines.readline()
        self.tell("qmp_capabilities")
        self._begin()
        super().__init__()

    def tell(self, command: str, **arguments: Any) -> None:
        """Give an order to the machine."""
        order = {"execute": command, "arguments": arguments}
        with self._in_turn:
            self._socket.sendall(json.dumps(order).encode() + b"\n")
            while "event" in (answer := json.loads(self._lines.readline())):
                pass
        if "error" in answer:
            raise RuntimeError(f"{command}: {answer['error']['desc']}")

    def hold(self) -> None:
        super().hold()
        self.tell("stop")

    def go_on(self) -> None:
        self.tell("cont")
        super().go_on()

    def shot(self) -> Pixels:
        file = self._folder / "screen.ppm"
        self.tell("screendump", filename=str(file))
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB"))

    def change(self) -> None:
        """Press a key now and then, and boot again in time."""
        time.sleep(0.5)
        if time.monotonic() > self._again_at:
            self.tell("system_reset")
            self._begin()
        elif time.monotonic() > self._next_key_at:
            self._press(random.choice(("down", "up", "ret", "down", "tab")))
            self._next_key_at += 4

    def _begin(self) -> None:
        self._again_at = time.monotonic() + self._again_after
        self._next_key_at = time.monotonic() + 20

    def _press(self, key: str) -> None:
        self.tell("send-key", keys=[{"type": "qcode", "data": key}])

    def stop(self) -> None:
        super().stop()
        self._socket.close()
        end(self._process)
