"""``vncproxy demo`` as a person runs it: its own process, real viewers, signals."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from functools import cache
from pathlib import Path
from threading import Timer

from twisted.trial.unittest import TestCase

from tests.components.chromium import Page
from tests.components.libvirt_host import START_COLOUR, Guest, private_libvirtd, until
from tests.components.viewer import Refused, Viewer
from vncproxy.demo.screen import ECHO, INK, PAPER, TITLE

TIME_LIMIT = 90.0
RED = (255, 0, 0)
RED_BAR = (490, 180)
FIRST_LETTER = (ECHO.x + 12, ECHO.y + 42)
"""A pixel of the first cell that has ink in an H and none in the caret."""
INK_COLOUR, PAPER_COLOUR = (tuple(colour.to_bytes(3, "big")) for colour in (INK, PAPER))
VNCPROXY = Path(sys.executable).with_name("vncproxy")
LINK = re.compile(r"http://(?P<host>\[?[^/\]]+?\]?):(?P<port>\d+)/\?token=(?P<token>[\w-]{43})")
PIXEL = """
    const canvas = document.querySelector("#screen canvas");
    return [...canvas.getContext("2d").getImageData(arguments[0], arguments[1], 1, 1).data];
"""


class Demo:
    """One ``vncproxy demo`` in a process of its own.

    Attributes:
        lines: what it has printed so far.
    """

    def __init__(self, *arguments: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [str(VNCPROXY), "demo", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )

    def wait_for_line(self, start: str) -> str:
        """Read standard output up to a line that begins like this; a timer ends the process."""
        assert self.process.stdout is not None
        too_long = Timer(TIME_LIMIT, self.process.terminate)
        too_long.start()
        try:
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))
                if line.startswith(start):
                    return self.lines[-1]
        finally:
            too_long.cancel()
        raise AssertionError(f"no line {start!r}: {self.lines} {self.end()}")

    def link(self, start: str = "console: ") -> re.Match[str]:
        """Return the link in a line, taken apart."""
        line = self.wait_for_line(start)
        link = LINK.fullmatch(line.removeprefix(start))
        assert link, line
        return link

    def end(self, number: int | None = None) -> tuple[int, str]:
        """Send a signal, wait, and return exit status and standard error."""
        if number is not None:
            self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=TIME_LIMIT)
        return self.process.returncode, errors

    def clean_up(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def view(link: re.Match[str]) -> Viewer:
    return Viewer.connect(int(link["port"]), link["token"], host=link["host"].strip("[]"))


def pixel(page: Page, x: int, y: int) -> tuple[int, ...]:
    """Return the red, green and blue of a pixel in the page's canvas."""
    return tuple(page.driver.execute_script(PIXEL, x, y)[:3])


@cache
def shared_link() -> re.Match[str]:
    """Return the link of one demonstration for all tests that only look at it."""
    demo = Demo("--port", "0")
    atexit.register(demo.clean_up)
    return demo.link()


class DemoTests(TestCase):
    def demo(self, *arguments: str) -> Demo:
        demo = Demo(*arguments)
        self.addCleanup(demo.clean_up)
        return demo

    def test_the_link_opens_the_page(self) -> None:
        link = shared_link()

        with urllib.request.urlopen(link[0], timeout=TIME_LIMIT) as page:
            self.assertIn(b"<!doctype html>", page.read(100))

    def test_a_browser_shows_the_test_card_and_types_on_it(self) -> None:
        page = Page()
        self.addCleanup(page.leave)

        page.open(shared_link()[0])
        page.wait_for_state("connected")
        until(lambda: pixel(page, *RED_BAR) == RED, "the test card")
        self.assertEqual(pixel(page, *FIRST_LETTER), PAPER_COLOUR)
        page.type("H")

        until(lambda: pixel(page, *FIRST_LETTER) == INK_COLOUR, "the letter")

    def test_a_tcp_viewer_on_the_same_port_sees_the_test_card(self) -> None:
        viewer = view(shared_link())
        self.addCleanup(viewer.close)

        self.assertEqual(viewer.name, TITLE)
        self.assertEqual(viewer.pixel(*RED_BAR), RED)

    def test_the_link_can_be_used_again_and_again_and_at_the_same_time(self) -> None:
        link = shared_link()

        for _ in range(3):
            viewer = view(link)
            self.addCleanup(viewer.close)
            self.assertEqual(viewer.pixel(*RED_BAR), RED)

    def test_interrupt_and_termination_end_it_cleanly_with_viewers_connected(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            demo = self.demo("--port", "0")
            viewer = view(demo.link())
            self.addCleanup(viewer.close)

            self.assertEqual(demo.end(number), (0, ""))

    def test_nothing_of_it_is_left_behind(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.patch(os, "environ", {**os.environ, "TMPDIR": str(folder)})
        demo = self.demo("--port", "0")
        demo.link()
        self.assertEqual(len(list(folder.iterdir())), 1)

        demo.end(signal.SIGTERM)

        self.assertEqual(list(folder.iterdir()), [])

    def test_a_long_path_for_temporary_files_does_no_harm(self) -> None:
        folder = Path(self.mktemp()).absolute() / ("long" * 20)
        folder.mkdir(parents=True)
        self.patch(os, "environ", {**os.environ, "TMPDIR": str(folder)})

        viewer = view(self.demo("--port", "0").link())

        self.addCleanup(viewer.close)
        self.assertEqual(viewer.pixel(*RED_BAR), RED)

    def test_a_port_in_use_is_told_in_a_sentence(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]

            status, errors = self.demo("--port", str(port)).end()

        self.assertEqual(status, 1)
        self.assertEqual(
            errors,
            f"vncproxy demo: cannot listen on port {port} of 127.0.0.1: Address already in use; "
            "--port and --listen choose another place\n",
        )

    def test_an_address_of_another_machine_is_told_in_a_sentence(self) -> None:
        for arguments in (("--port", "0"), ("--port", "6080")):
            status, errors = self.demo("--listen", "192.0.2.1", *arguments).end()

            self.assertEqual((status, errors.count("\n")), (1, 1), errors)
            self.assertIn("192.0.2.1: Cannot assign requested address", errors)

    def test_a_target_that_is_none_is_told_without_its_password(self) -> None:
        for target in ("nonsense,s3cret", "host:99999,s3cret", "::1:5900,s3cret"):
            status, errors = self.demo("--port", "0", "--target", target).end()

            self.assertEqual((status, errors.count("\n")), (2, 1), errors)
            self.assertIn("--target", errors)
            self.assertNotIn("s3cret", errors)

    def test_a_target_that_does_not_answer_is_told(self) -> None:
        demo = self.demo("--port", "0", "--target", "127.0.0.1:1,s3cret")

        self.assertIn("cannot be shown now: tcp:127.0.0.1:1: ", self.complaint(demo))

        with contextlib.suppress(Refused):
            view(demo.link())
        self.assertRegex(self.complaint(demo), r"not shown \(id \w{16}\): tcp:127\.0\.0\.1:1: ")
        self.assertNotIn("s3cret", demo.end(signal.SIGTERM)[1])

    def complaint(self, demo: Demo) -> str:
        """Return the next line of standard error."""
        assert demo.process.stderr is not None
        line = demo.process.stderr.readline()
        self.assertTrue(line.startswith("vncproxy demo: "), line)
        return line

    def test_ipv6_works_and_has_brackets(self) -> None:
        link = self.demo("--listen", "::1", "--port", "0").link()

        self.assertEqual(link["host"], "[::1]")
        self.assertEqual(view(link).pixel(*RED_BAR), RED)

    def test_listening_everywhere_gives_a_link_that_opens_here_and_a_warning(self) -> None:
        demo = self.demo("--listen", "0.0.0.0", "--port", "0")
        link = demo.link()

        self.assertEqual(link["host"], "127.0.0.1")
        self.assertEqual(view(link).pixel(*RED_BAR), RED)
        demo.wait_for_line("Anybody who has a link")


@cache
def guest() -> Guest:
    """Start a guest for all tests; the daemon ends it with itself."""
    return Guest(private_libvirtd(), "show", password="s3cret").start()


class RealMachineTests(TestCase):
    """A QEMU guest with a VNC password, once as a target and once found through libvirt."""

    def setUp(self) -> None:
        guest()  # a demonstration lists running machines only once

    def demo(self, *arguments: str) -> Demo:
        self.patch(os, "environ", {**os.environ, "LIBVIRT_DEFAULT_URI": private_libvirtd().uri})
        demo = Demo("--port", "0", *arguments)
        self.addCleanup(demo.clean_up)
        return demo

    def see(self, link: re.Match[str]) -> None:
        """Request the guest's screen until it has booted."""
        viewer = view(link)
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(START_COLOUR)

    def test_a_target_is_shown_instead_of_the_test_card(self) -> None:
        port = guest().graphics()["port"]

        demo = self.demo("--target", f"127.0.0.1:{port},s3cret")
        self.see(demo.link())
        self.assertEqual(demo.end(signal.SIGTERM)[1], "")

    def test_a_wrong_password_is_told(self) -> None:
        demo = self.demo("--target", f"127.0.0.1:{guest().graphics()['port']},wrong")

        demo.link()

        assert demo.process.stderr is not None
        line = demo.process.stderr.readline()
        self.assertIn("the console cannot be shown now: ", line)
        self.assertIn("password", line)
        self.assertNotIn("wrong,", line)

    def test_running_machines_of_a_local_libvirt_are_offered_beside_the_test_card(self) -> None:
        demo = self.demo()
        self.assertEqual(view(demo.link()).pixel(*RED_BAR), RED)

        self.see(demo.link(f"vm {guest().name}: "))

        self.assertEqual(sum(line.startswith("console:") for line in demo.lines), 1)

    def test_a_machine_that_is_shut_off_is_not_offered(self) -> None:
        off = Guest(private_libvirtd(), "aaa-off").start()
        self.addCleanup(off.destroy)
        off.power_off()

        demo = self.demo()
        demo.link(f"vm {guest().name}: ")

        self.assertFalse([line for line in demo.lines if off.name in line])
