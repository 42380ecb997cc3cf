"""Keys that the API types, as guests of QEMU and programs of an X server get them."""

from __future__ import annotations

import atexit
import os
import runpy
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from tests.components.boot_menu import boot_menu
from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.vnc_servers import (
    Identity,
    QemuMachine,
    XServer,
    scancode_sector,
    typing_sector,
)
from vncproxy.cli import main
from vncproxy.client import Client
from vncproxy.keyboard import LAYOUTS, load_layout
from vncproxy.keyboard.layouts import FOLDER

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
GENERATOR = Path(__file__).parents[2] / "tools/make_layouts.py"


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
        before, right = arrived(guest), scancodes(layout, text)
        status, answer = self.type(f"here/{name}", text=text, rate=50, layout=layout, codes=codes)
        assert status == 200, answer
        until(lambda: len(arrived(guest)) >= len(before + right), "all keys")
        return arrived(guest).removeprefix(before), right, answer["sent"]

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


class QemuTests(SynchronousTestCase):
    timeout = 180

    def test_a_guest_reads_a_text(self) -> None:
        before = world().echo.typed()
        text = "Hello, World! (1+1=2)\n"
        self.assertEqual(world().type("here/echo", text=text)[0], 200)
        until(lambda: world().echo.typed() == before + text, "the text")

    def test_a_guest_with_the_layout_that_is_named_gets_its_scan_codes(self) -> None:
        found, right, sent = world().arrives["codes"].result(150)
        self.assertEqual((found, sent), (right, "codes"))

    def test_a_server_makes_the_same_scan_codes_of_keysyms(self) -> None:
        for name in ("us", "de", "fr"):
            found, right, sent = world().arrives[name].result(150)
            self.assertEqual((found, sent), (right, "keysyms"), name)

    def test_chords(self) -> None:
        guest = world().guests["free"]
        before = arrived(guest)
        keys = ["ctrl+alt+delete", {"pause": 0.1}, {"hold": "f12", "seconds": 0.2}, "up"]
        self.assertEqual(world().type("here/free", keys=keys)[0], 200)
        expected = "1d 38 e053 e0d3 b8 9d 58 d8 e048 e0c8"
        until(lambda: arrived(guest).removeprefix(before) == bytes.fromhex(expected), "the chords")


class XServerTests(SynchronousTestCase):
    timeout = 120

    def test_a_program_reads_what_the_layout_of_its_server_lacks(self) -> None:
        file = world().folder / "read"
        terminal = subprocess.Popen(
            [
                "xterm",
                "-fn",
                "fixed",
                "-e",
                "sh",
                "-c",
                f'echo >{file}.begun; read line; echo "$line" >{file}',
            ],
            env={**os.environ, "DISPLAY": f":{world().display.display}", "LC_ALL": "C.UTF-8"},
        )
        try:
            until(Path(f"{file}.begun").exists, "the terminal")
            until(lambda: self._types(file), "the line")
        finally:
            terminal.kill()
            terminal.wait()

    def _types(self, file: Path) -> bool:
        """Type until the terminal, whose window may not have the focus yet, has read it."""
        text = "Grüße @ {x} ~ é"
        status, answer = world().type("here/display", text=text + "\n", layout="de")
        self.assertEqual(status, 200, answer)
        time.sleep(0.2)
        if not file.exists():
            return False
        self.assertEqual(file.read_text().strip(), text)
        return True


class SessionTests(SynchronousTestCase):
    timeout = 120

    def test_an_administrator_ends_it_and_the_held_key_is_released(self) -> None:
        guest = world().guests["free"]
        before = arrived(guest)
        answers: list[tuple[int, Any]] = []
        keys = [{"hold": "a", "seconds": 60}, "b"]
        thread = threading.Thread(
            target=lambda: answers.append(world().type("here/free", keys=keys, user="job 7"))
        )
        thread.start()
        until(lambda: arrived(guest).removeprefix(before)[:1] == b"\x1e", "the key")
        sessions = world().gateway.call("GET", "/v1/sessions")[1]["sessions"]
        (session,) = (each for each in sessions if each["user"] == "job 7")
        self.assertEqual(session["type"], "keys")
        world().gateway.call("DELETE", f"/v1/sessions/{session['id']}")
        thread.join(30)
        ((status, answer),) = answers
        self.assertEqual((status, answer["error"]["code"]), (409, "keys-interrupted"))
        until(lambda: arrived(guest).endswith(b"\x9e"), "its release")
        line = world().gateway.audit_of("api-type", session=session["id"])
        self.assertEqual((line["keys"], line["of"], line["user"]), (0, 2, "job 7"))

    def test_a_caller_that_leaves_ends_it(self) -> None:
        guest = world().guests["free"]
        before = arrived(guest)
        body = b'{"vm": "here/free", "keys": [{"hold": "c", "seconds": 60}]}'
        with socket.create_connection(("127.0.0.1", world().gateway.api_port)) as connection:
            connection.sendall(
                b"POST /v1/screen/keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                + world().gateway.key.encode()
                + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
                + body
            )
            until(lambda: arrived(guest).removeprefix(before)[:1] == b"\x2e", "the key")
        until(lambda: arrived(guest).endswith(b"\xae"), "its release")
        until(lambda: not world().gateway.call("GET", "/v1/sessions")[1]["sessions"], "the end")

    def test_a_console_with_one_viewer_is_taken_only_on_purpose(self) -> None:
        status, answer = world().type("here/alone", text="x")
        self.assertEqual((status, answer["error"]["code"]), (503, "console-in-use"))
        before = world().echo.typed()
        self.assertEqual(world().type("here/alone", text="x", take_over=True)[0], 200)
        until(lambda: world().echo.typed() == before + "x", "the text")

    def test_the_commands_and_no_secret_in_log_and_audit(self) -> None:
        before = world().echo.typed()
        secret = "Tr0ub4dor&3"
        environment = {"VNCPROXY_API": world().api, "VNCPROXY_API_KEY": world().gateway.key}
        run = CliRunner().invoke(
            main, ["type", "here/echo", "-", "--enter"], input=secret, env=environment
        )
        self.assertEqual((run.exit_code, run.output), (0, "12 keys typed at here/echo\n"))
        run = CliRunner().invoke(
            main, ["keys", "here/echo", "shift+a", "pause=0.1", "b"], env=environment
        )
        self.assertEqual((run.exit_code, run.output), (0, "2 keys typed at here/echo\n"))
        until(lambda: world().echo.typed() == f"{before}{secret}\nAb", "both")
        world().gateway.audit_of("api-type", characters=12)
        self.assertNotIn(secret, world().gateway.log())

    def test_the_client_library(self) -> None:
        before = world().echo.typed()
        with Client(world().api, world().gateway.key) as client:
            answer = client.type_keys("here/echo", keys=["x", {"text": "yz"}])
        self.assertEqual((answer["keys"], answer["characters"]), (3, 2))
        until(lambda: world().echo.typed() == before + "xyz", "the text")


class WaitTests(SynchronousTestCase):
    timeout = 120

    def wait(self, **more: Any) -> Any:
        with Client(world().api, world().gateway.key) as client:
            return client.wait_screen("here/echo", **more)

    def test_a_blinking_cursor_does_not_keep_a_screen_from_being_still(self) -> None:
        seen, again = world().stills.result(100)
        self.assertEqual((seen["stable"], seen["width"], seen["height"]), (True, 720, 400))
        self.assertGreaterEqual(seen["still"], 1.5)
        self.assertEqual((again["stable"], again["changed"]), (True, False))

    def test_a_change_is_seen_by_all_that_wait_and_by_one_connection(self) -> None:
        before = self.wait(timeout=60)["digest"]
        answers: list[Any] = []
        wait = partial(self.wait, changed_from=before, timeout=60)
        waiting = [threading.Thread(target=lambda: answers.append(wait())) for _ in range(4)]
        for each in waiting:
            each.start()
        self.assertEqual(self.connections(), 1)
        self.assertEqual(world().type("here/echo", text="q")[0], 200)
        for each in waiting:
            each.join(60)
        self.assertEqual([each["changed"] for each in answers], [True] * 4)
        self.assertEqual(len({each["digest"] for each in answers}), 1)

    def connections(self) -> int:
        """Return how many connections the gateway has to the guest's console."""
        found = subprocess.run(
            ["ss", "-Htn", "state", "established", f"dport = :{world().echo.port}"],
            capture_output=True,
            text=True,
            check=True,
        )
        return len(found.stdout.splitlines())

    def test_the_command(self) -> None:
        environment = {"VNCPROXY_API": world().api, "VNCPROXY_API_KEY": world().gateway.key}
        done = CliRunner().invoke(main, ["screen", "wait", "here/echo"], env=environment)
        self.assertRegex(done.output, r"^[0-9a-f]{32}\n$")
        words = ["screen", "wait", "here/echo", "--stable-for", "0.5", "--timeout", "1.5"]
        words.append("--changed-from")
        same = CliRunner().invoke(main, [*words, done.output.strip()], env=environment)
        self.assertEqual((done.exit_code, same.exit_code), (0, 1))
        self.assertIn("has not changed", same.output)

    def test_the_example_goes_through_a_boot_menu(self) -> None:
        done, printed = world().walk.result(150)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertIn(BOOTED, printed)


class LayoutTests(SynchronousTestCase):
    def test_the_files_are_those_that_the_tool_makes(self) -> None:
        text_of = runpy.run_path(str(GENERATOR))["text_of"]
        for name in LAYOUTS:
            made = text_of(name)
            self.assertEqual((FOLDER / f"{name}.json").read_text("utf-8"), made, name)
