"""View-only, the clipboard and checks, through ``twistd`` to a real QEMU and a real Xtigervnc.

A recorder before each server has what arrives there.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.recorder import Recorder, Recording, message_types, messages
from tests.components.viewer import Viewer
from tests.components.vnc_servers import RED, Identity, QemuMachine, XServer, typing_sector
from tests.doubles.viewer_messages import (
    CONTROLLING,
    KEY,
    REQUEST_UPDATE,
    cut_text,
    pixel_format,
    set_encodings,
)

WEB_SOCKET = """
    const [url, done] = arguments, socket = new WebSocket(url, ["binary"]), said = [];
    socket.binaryType = "arraybuffer";
    const answers = [[...new TextEncoder().encode("RFB 003.008\\n")], [1], [1]];
    socket.onmessage = ({ data }) => {
        if (typeof data === "string") {
            said.push(data);
        } else if (answers.length) {
            socket.send(new Uint8Array(answers.shift()));
        } else {
            const bytes = (text) => text.split(" ").map((each) => parseInt(each, 16));
            for (let n = 0; n < 50; n++) {
                socket.send(new Uint8Array(bytes("4 1 0 0 0 0 0 41 5 1 0 10 0 20")));
            }
            socket.send(new Uint8Array(bytes("3 1 0 0 0 0 3 20 2 58")));
            setTimeout(() => done(said), 300);
            socket.onmessage = null;
        }
    };
"""
"""A viewer that types and clicks fifty times, then requests an update."""


class World:
    """A QEMU whose guest prints what is typed, an Xtigervnc, and a proxy before both."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="restricted-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.qemu = QemuMachine(self.folder, "qemu", sector=typing_sector()).start()
        atexit.register(self.qemu.stop)
        authority = Authority(self.folder)
        identity = Identity(self.folder / "pki", authority, "localhost")
        self.display = XServer(self.folder, "None", identity, "unused").start()
        atexit.register(self.display.stop)
        self.recorders = {
            "qemu": Recorder(self.qemu.port),
            "xtigervnc": Recorder(self.display.port),
        }
        machines = "\n".join(
            f'{name} = {{ address = "127.0.0.1:{recorder.port}" }}'
            for name, recorder in self.recorders.items()
        )
        config = f'[backends.here]\ntype = "static"\n[backends.here.consoles]\n{machines}\n'
        self.gateway = Gateway(config).start()
        atexit.register(self.gateway.stop)


@cache
def world() -> World:
    return World()


class RestrictionTests(SynchronousTestCase):
    timeout = 300

    def open(self, machine: str, **policy: Any) -> tuple[Viewer, Recording]:
        """Open a console, and return its viewer and what its server sees of it."""
        gateway, recorder = world().gateway, world().recorders[machine]
        before = len(recorder.recordings)
        issued = gateway.issue(f"here/{machine}", type="xvpvnc", policy=policy)
        self.token = str(issued["token"])
        viewer = Viewer.connect(gateway.xvp_port, self.token)
        self.addCleanup(viewer.close)
        return viewer, recorder.recordings[before]

    def kinds(self, recording: Recording) -> set[int]:
        return message_types(bytes(recording.to_server))

    def test_a_guest_receives_no_key_of_a_viewer_that_only_watches(self) -> None:
        watching, watched = self.open("qemu", mode="view-only")
        controlling, _ = self.open("qemu", mode="control")

        watching.key(ord("w"))
        watching.send(b"".join(CONTROLLING) + cut_text(b"text" * 1000))
        watching.pixel()
        controlling.key(ord("c"))

        until_true(lambda: "c" in world().qemu.typed())
        self.assertNotIn("w", world().qemu.typed())
        self.assertEqual(self.kinds(watched), {0, 2, 3})
        self.assertTrue(watching.name.endswith(" (view only)"), watching.name)
        self.assertNotIn("view only", controlling.name)

    def test_the_page_of_a_link_for_watching_says_so(self) -> None:
        gateway = world().gateway
        page, view_only = Page(), "return document.body.hasAttribute('data-view-only')"
        self.addCleanup(page.leave)
        for mode in ("view-only", "control"):
            url = gateway.issue("here/qemu", policy={"mode": mode})["url"]
            page.open(str(url))
            page.wait_for_state("connected")
            self.assertEqual(page.driver.execute_script(view_only), mode == "view-only")
            self.assertNotIn("(view only)", page.driver.title)
            page.type("v" if mode == "view-only" else "d")

        until_true(lambda: "d" in world().qemu.typed())
        self.assertNotIn("v", world().qemu.typed())

    def test_a_program_that_claims_to_be_the_page_is_filtered_too(self) -> None:
        gateway, recorder = world().gateway, world().recorders["xtigervnc"]
        page, before = Page(), len(recorder.recordings)
        self.addCleanup(page.leave)
        page.open(f"http://127.0.0.1:{gateway.web_port}/healthz")
        token = gateway.issue("here/xtigervnc", policy={"mode": "view-only"})["token"]

        said = page.driver.execute_async_script(
            WEB_SOCKET, f"ws://127.0.0.1:{gateway.web_port}/websockify?moves=1&token={token}"
        )

        self.assertEqual(said, ["vncproxy:view-only"])
        until_true(lambda: REQUEST_UPDATE in bytes(recorder.recordings[before].to_server))
        self.assertEqual(self.kinds(recorder.recordings[before]), {3})

    def test_what_is_forbidden_does_not_arrive_and_the_picture_does(self) -> None:
        for machine in ("qemu", "xtigervnc"):
            viewer, recording = self.open(machine, mode="view-only", clipboard="none")

            viewer.send(b"".join(CONTROLLING) + cut_text(b"x" * 100_000))
            viewer.send(set_encodings(0, -223, -258, -309, -316, 0xC0A1E5CE - (1 << 32)))
            viewer.pixel()

            self.assertEqual(self.kinds(recording), {0, 2, 3}, machine)
            self.assertIn(set_encodings(0, -223), messages(bytes(recording.to_server)))
        viewer.wait_for_pixel(RED)

    def test_a_text_arrives_where_it_may(self) -> None:
        for policy, arrives in (
            ({"clipboard": "to-guest"}, True),
            ({"clipboard": "from-guest"}, False),
            ({"clipboard_limit": 4}, True),
            ({"clipboard_limit": 3}, False),
        ):
            viewer, recording = self.open("xtigervnc", **policy)
            viewer.send(cut_text(b"text"))
            viewer.pixel()

            sent = messages(bytes(recording.to_server))
            self.assertEqual(cut_text(b"text") in sent, arrives, policy)

    def test_a_harmful_message_ends_the_session_and_does_not_arrive(self) -> None:
        viewer, recording = self.open("qemu", mode="view-only")
        viewer.pixel()
        before = bytes(recording.to_server)

        viewer.send(pixel_format(bits=7) + REQUEST_UPDATE + KEY)
        viewer.wait_for_end()

        closed = world().gateway.audit_of("close", token=self.token)
        self.assertEqual(closed["reason"], "viewer-message-refused")
        self.assertEqual(bytes(recording.to_server), before)


def until_true(condition: Any, limit: float = 60.0) -> None:
    """Wait until something holds."""
    give_up = time.monotonic() + limit
    while not condition():
        if time.monotonic() > give_up:
            raise AssertionError("it does not come to hold")
        time.sleep(0.05)
