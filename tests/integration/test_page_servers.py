"""The page at servers that do what QEMU does not: displays and clipboards of Xtigervnc, H.264."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from selenium.webdriver.common.by import By
from twisted.trial.unittest import SynchronousTestCase

from tests.components.accessibility import findings
from tests.components.certificates import Authority
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.h264_server import H264, RAW, H264Server
from tests.components.libvirt_host import until
from tests.components.viewer import Viewer
from tests.components.vnc_servers import Identity, XServer

FRAMES = [(220, 10, 10)] * 4 + [(10, 10, 220)] * 8
"""Chromium shows a frame some frames later."""
STRONGEST = """
    const canvas = document.querySelector("#screen canvas");
    if (!canvas?.width) return "";
    const pixel = canvas.getContext("2d").getImageData(arguments[0], 5, 1, 1).data;
    return ["red", "green", "blue"][[0, 1, 2].find((n) => pixel[n] > 150) ?? -1] ?? "";
"""
TEXT = "return document.querySelector('{}')?.textContent ?? ''"
TABS = "return [...document.querySelectorAll('#displays button')].map((tab) => tab.textContent)"


class World:
    """Xtigervnc with two displays, a server of H.264, and a gateway that can record."""

    def __init__(self) -> None:
        self.folder = folder = Path(tempfile.mkdtemp(prefix="page-servers-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        (folder / "recordings").mkdir()
        identity = Identity(folder / "pki", Authority(folder), "localhost")
        self.display = XServer(folder, "None", identity, "unused").start()
        atexit.register(self.display.stop)
        self.video = H264Server(*FRAMES)
        atexit.register(self.video.stop)
        self.gateway = Gateway(f"""
[recording]
directory = "{folder / "recordings"}"
[backends.here]
type = "static"
[backends.here.consoles]
display = {{ address = "127.0.0.1:{self.display.port}" }}
video = {{ address = "127.0.0.1:{self.video.port}" }}
""").start()
        atexit.register(self.gateway.stop)
        self.page = Page()

    def arrange(self, *displays: tuple[int, int, int, int]) -> None:
        """Ask Xtigervnc for this layout, as viewers with several monitors do."""
        width = max(x + width for x, _, width, _ in displays)
        height = max(y + height for _, y, _, height in displays)
        viewer = Viewer(socket.create_connection(("127.0.0.1", self.display.port)))
        viewer.greet()
        viewer.send(struct.pack(">BxHi", 2, 1, -308))
        viewer.send(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
        screens = [struct.pack(">I4HI", n, *each, 0) for n, each in enumerate(displays, 1)]
        head = struct.pack(">BxHHBx", 251, width, height, len(screens))
        viewer.send(head + b"".join(screens))
        until(lambda: f"current {width} x {height}" in self.run("xrandr"), "the new layout")
        viewer.close()

    def run(self, *words: str) -> str:
        """Run a program of the guest's; returns what it prints."""
        return subprocess.run(
            words, stdout=subprocess.PIPE, env=self.environment, check=True, timeout=30
        ).stdout.decode()

    def copy(self, text: str) -> None:
        """Copy a text in the guest; the program stays, for those who paste it."""
        words = ["xclip", "-selection", "clipboard", "-i"]
        nowhere = subprocess.DEVNULL
        subprocess.run(
            words, input=text.encode(), env=self.environment, check=True, stdout=nowhere, timeout=30
        )

    @property
    def environment(self) -> dict[str, str]:
        """That of the guest's programs."""
        return {**os.environ, "DISPLAY": f":{self.display.display}"}


@cache
def world() -> World:
    return World()


class ServerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = world()
        self.page = self.world.page

    def tearDown(self) -> None:
        self.page.leave()

    def open(self, machine: str, **policy: Any) -> None:
        self.page.open(self.world.gateway.issue(f"here/{machine}", policy=policy)["url"])
        self.page.wait_for_state("connected")

    def js(self, script: str, *words: Any) -> Any:
        return self.page.driver.execute_script(script, *words)

    def wait_for(self, expected: Any, script: str, *words: Any) -> None:
        self.page._until(lambda: self.js(script, *words), expected)

    def click(self, selector: str) -> None:
        self.page.driver.find_element(By.CSS_SELECTOR, selector).click()


class DisplayTests(ServerTests):
    """A guest with two displays."""

    def test_each_has_a_tab_and_gets_what_is_pressed_in_it(self) -> None:
        self.world.arrange((0, 0, 640, 480), (640, 0, 800, 480))
        painter = subprocess.Popen(
            ["xterm", "-bg", "#0000ff", "-geometry", "200x60+640+0", "-e", "cat"],
            env=self.world.environment,
        )
        self.addCleanup(painter.wait)
        self.addCleanup(painter.terminate)
        self.open("display")
        self.wait_for(["All displays", "Display 1", "Display 2"], TABS)
        self.assertEqual(findings(self.page.driver), [])
        self.wait_for("red", STRONGEST, 5)
        self.wait_for("blue", STRONGEST, 1200)
        self.click("#displays [data-display='2']")
        self.wait_for("blue", STRONGEST, 5)
        self.assertEqual(self.js("return document.querySelector('canvas').width"), 800)
        self.assertEqual(self.js("return document.activeElement.tagName"), "CANVAS")
        self.click("#screen canvas")
        # its middle
        place = self.world.run("xdotool", "getmouselocation")
        self.assertRegex(place, "^x:10(39|40) y:(239|240) ")

        self.world.arrange((0, 0, 640, 480))
        self.wait_for(640, "return document.querySelector('canvas').width")
        self.assertFalse(self.js("return document.querySelector('#displays').checkVisibility()"))


class ClipboardTests(ServerTests):
    """Xtigervnc speaks the extended clipboard, with characters of all languages."""

    def test_texts_of_all_languages_go_both_ways(self) -> None:
        self.open("display", clipboard_limit=100)
        self.world.copy("grün 漢字 €")
        self.wait_for("The machine copied 9 characters.", TEXT.format(".notice .text"))
        self.click("#open-clipboard")
        field = self.page.driver.find_element(By.ID, "clipboard-text")
        self.assertEqual(field.get_property("value"), "grün 漢字 €")
        field.send_keys("zum Gast: Ж\nline")
        self.click("#clipboard-send")
        self.wait_for("Sent 16 characters to the machine.", TEXT.format(".notice .text"))
        pasted = ["xclip", "-selection", "clipboard", "-o"]
        until(lambda: self.world.run(*pasted) == "zum Gast: Ж\nline", "the text")


class VideoTests(ServerTests):
    """H.264, where browser and server both have it."""

    def shown(self, **policy: Any) -> list[int]:
        """Return the encodings in which a viewer with this policy was sent its screen."""
        self.world.video.sent.clear()
        self.open("video", **policy)
        self.wait_for("blue", STRONGEST, 5)
        return list(self.world.video.sent)

    def test_it_is_shown_also_where_messages_are_parsed(self) -> None:
        self.assertEqual(set(self.shown()), {H264})
        self.click("#about")
        self.wait_for("H.264", TEXT.format("#about-encoding"))
        self.assertEqual(set(self.shown(clipboard="none")), {H264})

    def test_it_is_not_offered_where_the_session_is_recorded(self) -> None:
        self.assertEqual(set(self.shown(record=True)), {RAW})
        self.assertNotIn(H264, self.world.video.encodings[-1])
