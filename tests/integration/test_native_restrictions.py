"""View-only and the clipboard with real native viewers, before a real QEMU and a real Xtigervnc.

TigerVNC comes by the listener, the Java viewer by a bridge. A recorder before each server has what
arrives there; a viewer's keys and clicks are made by its display.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.ports import free_port
from tests.components.recorder import Recorder, Recording, message_types
from tests.components.vnc_servers import Identity, QemuMachine, XServer, end, typing_sector
from tests.components.x_viewers import (
    Clipboard,
    Display,
    ViewerProgram,
    java_viewer,
    tigervnc,
    until,
)

VNCPROXY = Path(sys.executable).with_name("vncproxy")
KEYS, POINTER, CUT_TEXT, DESKTOP_SIZE, QEMU = 4, 5, 6, 251, 255
FIRST_UPDATE = bytes([3, 0, 0, 0, 0, 0])
CONTROL = {KEYS, POINTER, CUT_TEXT, DESKTOP_SIZE, QEMU}
TITLES = {"qemu": "QEMU", "xtigervnc": "x11|[Tt]iger|:[0-9]"}
MOMENT = 0.3
"""Seconds in which a viewer without a log of its own reacts to keys and clicks."""


class World:
    """Two machines with recorders, a proxy before them, and a display for viewers."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="restricted-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        authority = Authority(self.folder)
        self.ca_file = authority.ca_file
        identity = Identity(self.folder / "pki", authority, "localhost")
        self.qemu = QemuMachine(self.folder, "qemu", sector=typing_sector()).start()
        atexit.register(self.qemu.stop)
        self.xtigervnc = XServer(self.folder, "None", identity, "unused").start()
        atexit.register(self.xtigervnc.stop)
        self.recorders = {
            "qemu": Recorder(self.qemu.port),
            "xtigervnc": Recorder(self.xtigervnc.port),
        }
        self.display = Display(self.folder / "home")
        atexit.register(self.display.stop)
        self.port = free_port()
        machines = "\n".join(
            f'{name} = {{ address = "127.0.0.1:{recorder.port}" }}'
            for name, recorder in self.recorders.items()
        )
        self.gateway = Gateway(
            f'[backends.here]\ntype = "static"\n[backends.here.consoles]\n{machines}\n',
            tables={
                "listen": f"""
rfb = ["tcp:{self.port}:interface=127.0.0.1"]
rfb_certificate = "{identity.certificate}"
rfb_key = "{identity.key}"
"""
            },
        ).start()
        atexit.register(self.gateway.stop)


@cache
def world() -> World:
    return World()


class Session:
    """One viewer and what its server sees of it."""

    def __init__(self, machine: str, kind: str, **policy: object) -> None:
        here = self._world = world()
        recordings = here.recorders[machine].recordings
        before = len(recordings)
        issued = here.gateway.issue(f"here/{machine}", type="xvpvnc", policy=policy)
        self._token = str(issued["token"])
        self._bridge: subprocess.Popen[bytes] | None = None
        self.viewer = self._start(kind, str(issued["url"]))
        self._id = here.gateway.audit_of("open", token=self._token)["session"]
        self.recording: Recording = recordings[before]
        until(lambda: FIRST_UPDATE in self.recording.to_server, "its first request of an update")
        self._has_log = kind == "tigervnc"
        self._title = TITLES[machine]

    def _start(self, kind: str, url: str) -> ViewerProgram:
        here = self._world
        if kind == "tigervnc":
            log = "-Log=*:stderr:100"
            return tigervnc(here.display, here.port, self._token, here.ca_file, log)
        bridge = [str(VNCPROXY), "bridge", "--port", "0", url]
        self._bridge = subprocess.Popen(bridge, stdout=subprocess.PIPE)
        assert self._bridge.stdout is not None
        with self._bridge.stdout as told:
            port = int(told.readline().strip().rpartition(b":")[2])
        return java_viewer(here.display, port)

    def control(self, text: str) -> None:
        """Click into the viewer's window, and type a text."""
        self._world.display.focus(self._title)
        self._world.display.click(150, 150)
        self._world.display.type(text)
        if self._has_log:
            self.viewer.until_said("Key pressed")
        time.sleep(MOMENT)

    def change(self, mode: str) -> None:
        """Change what the user may do, as an administrator does."""
        path = f"/v1/sessions/{self._id}"
        status, answer = self._world.gateway.call("PATCH", path, {"mode": mode})
        assert status == 200, answer

    def types(self) -> set[int]:
        """Return the types of all messages that have come to the server by now."""
        return message_types(bytes(self.recording.to_server))

    def end(self) -> set[int]:
        """End the viewer; returns the types of all messages that have come to the server."""
        self.viewer.stop()
        end(self._bridge)
        self._world.gateway.audit_of("close", token=self._token)
        return self.types()


TRIES, LONGEST_USE = 3, 15.0
"""Viewers that are started until one is used, and seconds for which each is."""


class ViewOnlyTests(SynchronousTestCase):
    timeout = 300

    def test_what_a_user_does_arrives_once_it_may(self) -> None:
        for machine in ("qemu", "xtigervnc"):
            for kind in ("tigervnc", "java"):
                tries = (self._is_used(machine, kind) for _ in range(TRIES))
                self.assertTrue(any(tries), (machine, kind, world().display.windows()))
        until(lambda: world().qemu.typed().count("c") >= 2, "what both viewers have typed")
        self.assertNotIn("w", world().qemu.typed())

    def _is_used(self, machine: str, kind: str) -> bool:
        """Use a viewer that may not control the machine, then may; returns whether the latter came.

        A viewer whose window is drawn on a busy machine may miss clicks and keys for good.
        """
        session = Session(machine, kind, mode="view-only")
        until(lambda: "(view only)" in " ".join(world().display.windows()), "its title")
        session.control("w")
        self.assertEqual(session.types() & CONTROL, set(), (machine, kind))

        session.change("control")
        give_up = time.monotonic() + LONGEST_USE
        while not self._have_come(session.types()) and time.monotonic() < give_up:
            session.control("c")
        return self._have_come(session.end())

    def _have_come(self, types: set[int]) -> bool:
        return POINTER in types and bool(types & {KEYS, QEMU})


class ClipboardTests(SynchronousTestCase):
    timeout = 300

    def test_texts_pass_where_the_policy_lets_them(self) -> None:
        here = world()
        user = Clipboard(here.display.environment["DISPLAY"].lstrip(":"))
        guest = Clipboard(here.xtigervnc.display)
        for number, (policy, to_guest, from_guest) in enumerate(
            (
                ("none", False, False),
                ("to-guest", True, False),
                ("from-guest", False, True),
                ("both", True, True),
            )
        ):
            session = Session("xtigervnc", "tigervnc", clipboard=policy)
            session.control("t")
            there, back = f"there {number}", f"back {number}"
            user.copy(there)
            self.arrives(guest, there, to_guest, policy)
            guest.copy(back)
            self.arrives(user, back, from_guest, policy)
            found = session.end()
            if policy == "none":
                self.assertNotIn(CUT_TEXT, found)
            user.close()
            guest.close()

    def arrives(self, clipboard: Clipboard, text: str, expected: bool, policy: str) -> None:
        """Make sure that a text comes to a clipboard, or does not."""
        if expected:
            until(lambda: clipboard.paste() == text, f"{text!r} with {policy}")
        else:
            time.sleep(MOMENT)
            self.assertNotEqual(clipboard.paste(), text, policy)
