"""Guests that tell what their keyboards get, a display with programs that read, and a gateway."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

from vncproxy.client import Client
from vncproxy.keyboard import load_layout

from .boot_menu import boot_menu
from .certificates import Authority
from .gateway import Gateway
from .libvirt_host import until
from .vnc_servers import Identity, QemuMachine, XServer, scancode_sector, typing_sector

ASCII = "".join(map(chr, range(0x21, 0x7F)))
TEXTS = {
    "codes": ("de", ASCII + "äöüß€ê", True),
    "us": ("us", ASCII, False),
    "de": ("de", "zyZY@{[]}\\|ß#'+-_äÖü", False),
    "fr": ("fr", "azAZ1290&é\"'(-è_çà)=;:!,?./", False),
}
"""The layout and the text that each guest gets, and whether as scan codes."""

EXAMPLE = Path(__file__).parents[2] / "examples/boot_menu.py"
BOOTED = b"installed with console=ttyS0"
ATTEMPTS = 5
QUIET = 3.0
"""Seconds without a key after which no more are awaited."""


class World:
    """Guests of QEMU, a display of TigerVNC's with a program that reads, and a gateway."""

    def __init__(self) -> None:
        self._at_once, self._begun = ThreadPoolExecutor(16), list[Future[Any]]()
        self.folder = folder = Path(tempfile.mkdtemp(prefix="typing-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        menu = self._guest("menu", boot_menu(folder), "-m", "64")
        self.echo, self.still = (self._guest(name, typing_sector()) for name in ("echo", "still"))
        self.guests = {
            name: self._guest(name, scancode_sector(), *more)
            for name, more in (
                *(("free", ()), ("codes", ()), ("us", ())),
                *(("de", ("-k", "de")), ("fr", ("-k", "fr"))),
            )
        }
        identity = Identity(folder / "pki", Authority(folder), "localhost")
        self.display = XServer(folder, "None", identity, "unused").start()
        atexit.register(self.display.stop)
        ports = {name: guest.port for name, guest in self.guests.items()}
        ports |= {"echo": self.echo.port, "still": self.still.port, "menu": menu.port}
        ports["display"] = self.display.port
        lines = "\n".join(
            f'{name} = {{ address = "127.0.0.1:{port}" }}' for name, port in ports.items()
        )
        self.gateway = Gateway(f"""
[backends.here]
type = "static"
[backends.here.consoles]
{lines}
alone = {{ address = "127.0.0.1:{self.echo.port}", one_viewer = true }}
""").start()
        atexit.register(self.gateway.stop)
        self.api = f"http://127.0.0.1:{self.gateway.api_port}"
        for each in self._begun:
            each.result()
        self.walk = self._at_once.submit(self._go_through_menu, menu)
        self.arrives = {name: self._at_once.submit(self._type_text, name) for name in TEXTS}
        self.stills = self._at_once.submit(self._wait_until_still)
        for name, guest in {"echo": self.echo, "free": self.guests["free"]}.items():
            until(partial(self._runs, name, guest), "the guest's first answer")

    def _guest(self, name: str, sector: bytes, *more: str) -> QemuMachine:
        guest = QemuMachine(self.folder, name, sector=sector, more=more)
        atexit.register(guest.stop)
        self._begun.append(self._at_once.submit(guest.start))
        return guest

    def _runs(self, name: str, guest: QemuMachine) -> bool:
        """Press a key, which a guest that still boots does not show."""
        self.type(f"here/{name}", keys=["space"])
        time.sleep(0.2)
        return bool(arrived(guest))

    def _type_text(self, name: str) -> tuple[bytes, bytes, str]:
        """Return what arrives at a guest, what ought to, and what was sent."""
        guest = self.guests[name]
        until(partial(self._runs, name, guest), "the guest's first answer")
        layout, text, codes = TEXTS[name]
        right, sent = scancodes(layout, text), ""

        def types() -> None:
            nonlocal sent
            asked = {"text": text, "rate": 50, "layout": layout, "codes": codes}
            status, answer = self.type(f"here/{name}", **asked)
            assert status == 200, answer
            sent = answer["sent"]

        return typed_at(guest, right, types), right, sent

    def _wait_until_still(self) -> tuple[Any, Any]:
        """Return what is seen of a screen on which a cursor blinks alone, and again later."""
        until(partial(self._runs, "still", self.still), "the guest's first answer")
        with Client(self.api, self.gateway.key) as client:
            seen = client.wait_screen("here/still", stable_for=1.5, timeout=60)
            return seen, client.wait_screen("here/still", changed_from=seen["digest"], timeout=3)

    def _go_through_menu(self, menu: QemuMachine) -> tuple[subprocess.CompletedProcess[str], bytes]:
        """Run the example, beside all other tests; a boot menu keeps a core busy until it ends."""
        command = [sys.executable, str(EXAMPLE), "here/menu", "2", "console=ttyS0"]
        environment = {"VNCPROXY_API": self.api, "VNCPROXY_API_KEY": self.gateway.key}
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        try:
            if done.returncode == 0:
                until(lambda: BOOTED in arrived(menu), "what the entry prints")
            return done, arrived(menu)
        finally:
            menu.stop()

    def type(self, vm: str, **asked: Any) -> tuple[int, Any]:
        status, body = self.gateway.call("POST", "/v1/screen/keys", {"vm": vm, **asked})
        return status, body


def arrived(guest: QemuMachine) -> bytes:
    """Return what the guest has got so far."""
    return guest.typed_file.read_bytes()


def typed_at(guest: QemuMachine, expected: bytes, types: Callable[[], object]) -> bytes:
    """Return what arrives when something is typed; it is typed again where keys were lost.

    A guest that gets no processor time for some tenths of a second loses them, since a keyboard has
    room for 16 bytes; and the release of a key before may arrive late.
    """
    for _ in range(ATTEMPTS):
        before = arrived(guest)
        types()
        found = _settled(guest, len(before) + len(expected)).removeprefix(before)
        if found == expected:
            break
    return found


def _settled(guest: QemuMachine, wanted: int) -> bytes:
    """Return what has arrived once it is as long as wanted, or nothing more comes."""
    found, since = arrived(guest), time.monotonic()
    while len(found) < wanted and time.monotonic() < since + QUIET:
        time.sleep(0.05)
        if arrived(guest) != found:
            found, since = arrived(guest), time.monotonic()
    return found


def scancodes(layout: str, text: str) -> bytes:
    """Return what a PS/2 keyboard sends, in set 1, when a text is typed."""
    found = b""
    for chord in load_layout(layout).strokes(text):
        for up, keys in ((0, chord), (0x80, chord[::-1])):
            for key in keys:
                prefix = b"\xe0" if key.scancode & 0x80 else b""
                found += prefix + bytes([key.scancode & 0x7F | up])
    return found


@cache
def world() -> World:
    return World()
