"""Real servers whose screen has one viewer: QEMU opened exclusively, TigerVNC and x11vnc."""

from __future__ import annotations

import atexit
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR, until
from tests.components.ports import free_port
from tests.components.viewer import Refused, Viewer, read, tunnel
from tests.components.vnc_servers import RED, Identity, QemuMachine, XServer, end, listens

IN_USE = "503 Somebody else has this console open, and it admits one viewer. Try again later."


class World:
    """A QEMU and an x11vnc, and a proxy for both."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="one-viewer-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.qemu = QemuMachine(self.folder, "kiosk").start()
        atexit.register(self.qemu.stop)
        identity = Identity(self.folder / "identity", Authority(self.folder), "localhost")
        self.display = XServer(self.folder, "None", identity, "un-used").start()
        atexit.register(self.display.stop)
        alone = ("-AlwaysShared=0", "-NeverShared", "-DisconnectClients=0")
        self.tigervnc = XServer(self.folder, "VncAuth", identity, "s3cret", *alone).start()
        atexit.register(self.tigervnc.stop)
        self.x11vnc_port = free_port()
        self._start_x11vnc()
        self.gateway = Gateway(f"""
[timeouts]
linger = 2
[backends.lab]
type = "static"
[backends.lab.consoles]
qemu = {{ address = "127.0.0.1:{self.qemu.port}" }}
tigervnc = {{ address = "127.0.0.1:{self.tigervnc.port}", password = "s3cret" }}
x11vnc = {{ address = "127.0.0.1:{self.x11vnc_port}" }}
""").start()
        atexit.register(self.gateway.stop)

    def _start_x11vnc(self) -> None:
        command = ["x11vnc", "-display", f":{self.display.display}", "-localhost", "-nopw"]
        command += ["-rfbport", str(self.x11vnc_port), "-forever", "-quiet", "-noxdamage"]
        with (self.folder / "x11vnc.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        atexit.register(end, process)
        until(lambda: listens(self.x11vnc_port), "x11vnc")


world = cache(World)


class OneViewerTests(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.gateway = world().gateway
        until(
            lambda: not self.gateway.call("GET", "/v1/sessions")[1]["sessions"], "sessions to end"
        )

    def open(self, console: str) -> Viewer:
        token = self.gateway.issue(f"lab/{console}", type="xvpvnc")["token"]
        viewer = Viewer.connect(self.gateway.web_port, token)
        self.addCleanup(viewer.close)
        return viewer

    def ended(self, count: int) -> str:
        """Return why the newest of so many sessions was closed."""
        return str(self.gateway.audit_of("close", count=count)["reason"])

    def test_qemu_asked_exclusively_throws_a_session_out_and_admits_no_other(self) -> None:
        closed = len(self.gateway.audit("close"))
        viewer = self.open("qemu")
        viewer.wait_for_pixel(START_COLOUR)

        with exclusive(world().qemu.port):
            self.assertEqual(self.ended(closed + 1), "console-taken")
            viewer.wait_for_end()
            token = self.gateway.issue("lab/qemu", type="xvpvnc")["token"]
            with self.assertRaises(Refused) as caught:
                tunnel(self.gateway.web_port, f"/console?token={token}")
            self.assertEqual(str(caught.exception), IN_USE)
            refused = self.gateway.audit_of("refuse", token=token)
            self.assertEqual(refused["reason"], "console-in-use")
        self.open("qemu").wait_for_pixel(START_COLOUR)

    def test_tigervnc_that_never_shares_is_a_console_in_use(self) -> None:
        self.open("tigervnc").wait_for_pixel(RED)

        for _ in range(8):
            token = self.gateway.issue("lab/tigervnc", type="xvpvnc")["token"]
            with self.assertRaises(Refused) as caught:
                tunnel(self.gateway.web_port, f"/console?token={token}")
            self.assertEqual(str(caught.exception), IN_USE)

    def test_x11vnc_turns_a_second_viewer_away_after_its_first_message(self) -> None:
        first = self.open("x11vnc")
        first.wait_for_pixel(RED)

        # x11vnc has a second to answer, of which it needs a tenth unless the machine is busy
        for _ in range(5):
            closed = len(self.gateway.audit("close"))
            second = self.open("x11vnc")
            reason = self.ended(closed + 1)
            second.wait_for_end()
            if reason != "console-ended":
                break

        self.assertEqual(reason, "console-taken")
        # and finding that out has not thrown the first one out
        self.assertEqual(first.pixel(), RED)
        self.assertEqual(len(self.gateway.audit("close")), closed + 1)

    def test_a_machine_that_is_switched_off_was_not_taken(self) -> None:
        closed = len(self.gateway.audit("close"))
        viewer = self.open("qemu")
        viewer.wait_for_pixel(START_COLOUR)

        world().qemu.stop()
        self.addCleanup(world().qemu.start)

        self.assertEqual(self.ended(closed + 1), "console-ended")


def exclusive(port: int) -> socket.socket:
    """Open a console exclusively, as RFC 6143 section 7.3.1 offers it."""
    connection = socket.create_connection(("127.0.0.1", port), 60)
    read(connection, 12)
    connection.sendall(b"RFB 003.008\n")
    read(connection, read(connection, 1)[0])
    connection.sendall(b"\x01")
    read(connection, 4)
    connection.sendall(b"\0")
    read(connection, 24)
    return connection
