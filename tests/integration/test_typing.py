"""Keys that the API and the page type, as guests of QEMU and programs of an X server get them."""

from __future__ import annotations

import os
import runpy
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from selenium.webdriver.common.by import By
from twisted.trial.unittest import SynchronousTestCase

from tests.components.libvirt_host import until
from tests.components.typing_page import TypingPage
from tests.components.typing_world import ASCII, BOOTED, arrived, scancodes, typed_at, world
from vncproxy.cli import main
from vncproxy.client import Client
from vncproxy.keyboard import LAYOUTS
from vncproxy.keyboard.layouts import FOLDER

GENERATOR = Path(__file__).parents[2] / "tools/make_layouts.py"


LEFT_SHIFT, RIGHT_ALT = ("ShiftLeft", "Shift"), ("AltRight", "AltGraph")


def open_page(test: SynchronousTestCase, name: str) -> TypingPage:
    """Open the console of a guest, or the display; the page is left when the test ends.

    A browser that starts takes the time in which a boot menu has to read its keys.
    """
    world().walk.exception(150)
    page = TypingPage()
    test.addCleanup(page.leave)
    page.open(world().gateway.issue(f"here/{name}")["url"])
    page.wait_for_state("connected")
    return page


def strike(page: TypingPage, keys: tuple[Any, ...]) -> None:
    for code, key, *modifiers in keys:
        page.strike(code, key, *modifiers)


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
    text = "Grüße @ {x} ~ é"

    def test_a_program_reads_what_the_layout_of_its_server_lacks(self) -> None:
        self.reads(self._by_the_api)

    def test_a_program_reads_what_the_page_types(self) -> None:
        page = open_page(self, "display")
        self.reads(lambda: page.type_text(self.text + "\n", "de"))

    def reads(self, types: Callable[[], None]) -> None:
        """Run a program that reads a line until that is the text."""
        file = Path(tempfile.mkdtemp(dir=world().folder)) / "read"
        script = f'echo >{file}.begun; read line; echo "$line" >{file}'
        terminal = subprocess.Popen(
            ["xterm", "-fn", "fixed", "-e", "sh", "-c", script],
            env={**os.environ, "DISPLAY": f":{world().display.display}", "LC_ALL": "C.UTF-8"},
        )
        try:
            until(Path(f"{file}.begun").exists, "the terminal")
            until(partial(self._is_read, types, file), "the line")
        finally:
            terminal.kill()
            terminal.wait()

    def _is_read(self, types: Callable[[], None], file: Path) -> bool:
        """Type until the terminal, whose window may not have the focus yet, has read it."""
        types()
        time.sleep(0.2)
        if not file.exists():
            return False
        self.assertEqual(file.read_text().strip(), self.text)
        return True

    def _by_the_api(self) -> None:
        status, answer = world().type("here/display", text=self.text + "\n", layout="de")
        self.assertEqual(status, 200, answer)


class TypingDialogTests(SynchronousTestCase):
    """What the page's dialog types."""

    timeout = 180

    def test_a_guest_gets_the_scan_codes_of_its_layout_whatever_its_server_speaks(self) -> None:
        french = "azAZ19&é\"'(-è_çà)=;:!,?./§ù%µ*<>@#{[|\\]}€êÖ"
        for name, layout, text in (
            ("us", "fr", french),
            ("de", "de", ASCII + "äöüÄÖÜß€°§µ"),
            ("fr", "fr", french),
        ):
            expected = scancodes(layout, text)
            world().arrives[name].result()
            types = partial(open_page(self, name).type_text, text, layout)
            found = typed_at(world().guests[name], expected, types)
            self.assertEqual(found.hex(" "), expected.hex(" "), name)

    def test_a_wrong_guess_is_taken_back_and_its_text_kept(self) -> None:
        before = world().echo.typed()
        page = open_page(self, "echo")
        page.type_text("zy\nyes_", "de")
        wrong = before + "yz\nzes?"
        until(lambda: world().echo.typed() == wrong, "the wrong characters")
        self.assertIn("7 characters typed.", page.notice())

        page.driver.find_element(By.CSS_SELECTOR, "#notices .actions button").click()
        until(lambda: world().echo.typed() == wrong + 4 * "\b", "Backspaces up to Enter")
        until(lambda: page.script("return document.getElementById('typing').open"), "the dialog")
        page.start("us")
        until(lambda: world().echo.typed() == wrong + 4 * "\b" + "zy\nyes_", "the right ones")

        page.reload()
        page.wait_for_state("connected")
        page.press("open-typing")
        chosen = "return document.getElementById('typing-layout').value"
        self.assertEqual(page.script(chosen), "us")

    def test_a_password_is_typed_and_kept_nowhere(self) -> None:
        before = world().echo.typed()
        page = open_page(self, "echo")
        page.type_text("Tr0ub4dor&3", "us", secret=True)
        until(lambda: world().echo.typed() == before + "Tr0ub4dor&3", "the password")
        self.assertNotIn("Tr0ub4dor&3", page.script("return document.body.outerHTML"))
        values = "return [...document.querySelectorAll('input, textarea')].map((e) => e.value)"
        self.assertNotIn("Tr0ub4dor&3", page.script(values))


class UsersKeyboardTests(SynchronousTestCase):
    """What the user's own keyboard types."""

    timeout = 180
    german = (("Digit7", "/", LEFT_SHIFT), ("KeyY", "z"), ("KeyQ", "@", RIGHT_ALT))
    """Keys of a German keyboard: where they are, what is printed on them, and what is held."""
    american = (("Slash", "/"), ("KeyQ", "q"), ("Digit2", "@", LEFT_SHIFT))

    def test_each_key_types_what_is_printed_on_it_or_what_is_at_its_place(self) -> None:
        for name, mode, layout, keys, right in (
            (
                "us",
                "printed",
                "us",
                self.german,
                "2a aa 35 b5 2a aa 2c ac e038 e0b8 2a 03 83 aa e038 e0b8",
            ),
            ("us", "position", "us", self.german, "2a 08 88 aa 15 95 e038 10 90 e0b8"),
            ("de", "printed", "de", self.american, "2a 08 88 aa 10 90 2a aa e038 10 90 e0b8 2a aa"),
            ("de", "position", "de", self.american, "35 b5 10 90 2a 03 83 aa"),
            ("fr", "printed", "fr", self.american, "2a 34 b4 aa 1e 9e 2a aa e038 0b 8b e0b8 2a aa"),
            ("fr", "position", "fr", self.american, "35 b5 10 90 2a 03 83 aa"),
        ):
            world().arrives[name].result()
            page = open_page(self, name)
            page.choose_keyboard(mode, layout)
            found = typed_at(
                world().guests[name], bytes.fromhex(right), partial(strike, page, keys)
            )
            self.assertEqual(found.hex(" "), bytes.fromhex(right).hex(" "), (name, mode))


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
        words = ["screen", "wait", "here/echo", "--stable-for", "0.5", "--timeout", "1.5"]

        def has_not_changed() -> bool:
            """Wait twice; a cursor that a busy machine shows too late counts as a change."""
            done = self.run_command("screen", "wait", "here/echo")
            self.assertRegex(done.output, r"^[0-9a-f]{32}\n$")
            self.assertEqual(done.exit_code, 0)
            same = self.run_command(*words, "--changed-from", done.output.strip())
            return same.exit_code == 1 and "has not changed" in same.output

        until(has_not_changed, "a screen that has not changed")

    def run_command(self, *words: str) -> Result:
        environment = {"VNCPROXY_API": world().api, "VNCPROXY_API_KEY": world().gateway.key}
        return CliRunner().invoke(main, list(words), env=environment)

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
