"""A proxy in a process of its own, with a console that the test drives."""

from __future__ import annotations

import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase

from tests.components.gateway import Gateway
from tests.components.viewer import Viewer, read

LIMIT = 60.0


ENDED = -signal.SIGTERM


"""What ``twistd`` makes of a clean stop: it ends by the signal that stopped it."""


SILENT = """
[backends.lab]
type = "static"
[backends.lab.consoles.web-01]
address = "{address}"
"""


class Console:
    """An RFB server on loopback for one viewer: it greets, then echoes nothing and waits."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(LIMIT)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"

    @contextmanager
    def viewed(self) -> Iterator[socket.socket]:
        """Greet one client; yields the connection once it is past ServerInit."""
        connection, _ = self.listener.accept()
        with connection:
            connection.settimeout(LIMIT)
            connection.sendall(b"RFB 003.008\n")
            read(connection, 12)
            connection.sendall(b"\x01\x01")
            read(connection, 1)
            connection.sendall(bytes(4))
            read(connection, 1)
            size = (640).to_bytes(2, "big") + (400).to_bytes(2, "big")
            pixel_format = bytes([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0])
            connection.sendall(size + pixel_format + (4).to_bytes(4, "big") + b"test")
            yield connection

    def close(self) -> None:
        self.listener.close()


class ProcessTestCase(TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="twistd-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.console = Console()
        self.addCleanup(self.console.close)

    def gateway(self, *, linger: int = 5, **more: Any) -> Gateway:
        """Start a proxy whose backend ``lab`` has the console as ``web-01``."""
        config = SILENT.format(address=self.console.address) + f"[timeouts]\nlinger = {linger}\n"
        gateway = Gateway(config, **more)
        self.addCleanup(gateway.stop)
        return gateway.start()

    def view(self, gateway: Gateway) -> Viewer:
        """Open the console through a proxy, in the steps of both sides."""
        token = gateway.issue("lab/web-01", type="xvpvnc")["token"]
        asking = socket.create_connection(("127.0.0.1", gateway.xvp_port), LIMIT)
        asking.sendall(f"CONNECT /console?token={token} HTTP/1.0\r\n\r\n".encode())
        with self.console.viewed() as hypervisor:
            self.hypervisor = hypervisor.dup()
        self.addCleanup(self.hypervisor.close)
        self.assertEqual(read(asking, 19), b"HTTP/1.1 200 OK\r\n\r\n")
        viewer = Viewer(asking)
        self.addCleanup(viewer.close)
        viewer.greet()
        return viewer
