"""OpenStack's real Ironic in a process of its own, with nodes whose consoles are a VNC server."""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tests.components.openstack_clients import PYTHON
from tests.components.ports import free_port

PROGRAM = Path(__file__).with_name("ironic_program.py")
LIMIT = 90.0
VERSION = "1.95"
"""Of the release 2025.1."""


class IronicServer:
    """Ironic on a port of 127.0.0.1, with the account ``vncproxy``, password ``vncproxy``.

    Args:
        port: of the VNC server on 127.0.0.1 that stands for every console's container.
    """

    def __init__(self, port: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ironic-"))
        self.port = free_port()
        self._console = port
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        atexit.register(self.stop)

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> IronicServer:
        """Serve, and wait until it does."""
        if not PYTHON.exists():
            raise FileNotFoundError(f"{PYTHON}: make test installs Ironic there")
        arguments = (str(self.folder), str(self.port), "127.0.0.1", str(self._console))
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [str(PYTHON), "-P", str(PROGRAM), *arguments],
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        end = time.monotonic() + LIMIT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError((self.folder / "output").read_text())
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """End it with its processes; to be called again harmlessly."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)

    def node(self, name: str, interface: str = "fake-graphical", owner: str = "") -> str:
        """Enrol a node; returns its UUID."""
        node = {"name": name, "driver": "fake-hardware", "console_interface": interface}
        uuid = str(self.ask("POST", "/v1/nodes", node)["uuid"])
        if owner:
            change = [{"op": "add", "path": "/owner", "value": owner}]
            self.ask("PATCH", f"/v1/nodes/{uuid}", change)
        return uuid

    def console_runs(self, uuid: str) -> bool:
        """Tell whether a node's console was started."""
        return bool(self.ask("GET", f"/v1/nodes/{uuid}/states/console")["console_enabled"])

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send a request; returns the JSON of the answer."""
        login = base64.b64encode(b"vncproxy:vncproxy").decode()
        headers = {
            "Authorization": f"Basic {login}",
            "Content-Type": "application/json",
            "X-OpenStack-Ironic-API-Version": VERSION,
        }
        data = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(self.url + path, data, headers, method=method), timeout=60) as a:
                return json.loads(a.read() or b"null")
        except HTTPError as e:
            raise AssertionError(e.read()) from e

    def _answers(self) -> bool:
        try:
            urlopen(self.url, timeout=5).close()
        except (URLError, OSError):
            return False
        return True
