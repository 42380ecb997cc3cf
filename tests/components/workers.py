"""A proxy with workers for a test: its processes, and which of them has a session."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.components.gateway import Gateway
from tests.components.process_case import SILENT, Console
from tests.components.redis_server import RedisServer
from tests.components.viewer import Viewer, read

LIMIT = 60.0

_AUDIT = re.compile(r"\[(worker [\d.]+), vncproxy\.session\.audit\.AuditLog#info\] (\{.*)")


def until(true: Callable[[], object], what: str, limit: float = LIMIT) -> None:
    """Wait for something that takes a moment."""
    give_up = time.monotonic() + limit
    while not true():
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {limit:g} s: {what}")
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Return whether a process exists and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@dataclass(frozen=True)
class Process:
    """A worker's process."""

    pid: int
    number: int
    generation: int


def processes(supervisor: int) -> list[Process]:
    """Return the workers of a supervisor, in their order."""
    found = []
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    for pid in map(int, children):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        named = dict(
            word[2:].split("=", 1) for word in words if word.startswith("--") and "=" in word
        )
        if "worker" in named and is_alive(pid):
            found.append(Process(pid, int(named["worker"]), int(named["generation"])))
    return sorted(found, key=lambda each: (each.generation, each.number))


class Session:
    """A viewer of a console, and the console's side of it."""

    def __init__(self, viewer: Viewer, hypervisor: socket.socket, worker: str, name: str) -> None:
        self.viewer = viewer
        self.hypervisor = hypervisor
        self.worker = worker
        self.id = name

    def types(self, key: int) -> bool:
        """Press a key; returns whether it arrives at the console."""
        self.viewer.key(key)
        wanted = bytes([4, 1, 0, 0]) + key.to_bytes(4, "big")
        found = b""
        while wanted not in found:
            data = self.hypervisor.recv(65536)
            if not data:
                return False
            found += data
        return True

    def has_ended(self) -> bool:
        """Wait until the proxy has closed the connection to the console."""
        while self.hypervisor.recv(65536):
            pass
        return True


class WorkersProxy:
    """A proxy with workers, its Redis and a console.

    Args:
        workers: their number.
        more: further tables of the configuration.
        of_proxy: further keys of ``[proxy]``.
    """

    def __init__(
        self, workers: int | str = 2, more: str = "", of_proxy: str = "", **options: Any
    ) -> None:
        self.redis = RedisServer().start()
        self.console = Console()
        self.sessions: list[Session] = []
        lab = SILENT.format(address=self.console.address)
        self.gateway = Gateway(
            f'[proxy]\nworkers = {workers}\n{of_proxy}\n[tokens]\nstore = "redis"\n'
            f"[redis]\nport = {self.redis.port}\n{lab}{more}[timeouts]\nlinger = 1\n",
            **options,
        )

    def start(self) -> WorkersProxy:
        """Start it, and wait until it answers."""
        self.gateway.start()
        return self

    def stop(self) -> None:
        """Stop everything; for a test's end."""
        for session in self.sessions:
            session.viewer.close()
            session.hypervisor.close()
        if self.gateway.started:
            self.gateway.stop()
        self.console.close()
        self.redis.remove()

    @property
    def workers(self) -> list[Process]:
        """The workers' processes."""
        return processes(self.gateway.pid)

    def worker(self, name: str) -> Process:
        """Return the process of a worker by its name in the log: ``worker 2``, ``worker 1.3``."""
        number, _, generation = name.removeprefix("worker ").partition(".")
        wanted = int(number), int(generation or 1)
        return next(p for p in self.workers if (p.number, p.generation) == wanted)

    def open(self) -> Session:
        """Open a console in some worker."""
        known = set(self.opened())
        viewer, hypervisor = self.view()
        until(lambda: set(self.opened()) - known, "the audit line of the session")
        ((name, worker),) = [(n, w) for n, w in self.opened().items() if n not in known]
        self.sessions.append(Session(viewer, hypervisor, worker, name))
        return self.sessions[-1]

    def view(self) -> tuple[Viewer, socket.socket]:
        """Open a console; returns both ends."""
        token = self.gateway.issue("lab/web-01", type="xvpvnc")["token"]
        asking = socket.create_connection(("127.0.0.1", self.gateway.xvp_port), LIMIT)
        asking.sendall(f"CONNECT /console?token={token} HTTP/1.0\r\n\r\n".encode())
        with self.console.viewed() as hypervisor:
            ours = hypervisor.dup()
        ours.settimeout(LIMIT)
        read(asking, 19)
        viewer = Viewer(asking)
        viewer.greet()
        return viewer, ours

    def open_in_each(self) -> dict[str, Session]:
        """Open consoles until each worker that serves has one; returns the last of each."""
        found: dict[str, Session] = {}
        newest = max(process.generation for process in self.workers)
        serving = sum(process.generation == newest for process in self.workers)
        for _ in range(64):
            session = self.open()
            found[session.worker] = session
            if len(found) == serving:
                return found
        raise AssertionError(f"64 sessions were all opened by {list(found)}")

    def opened(self) -> dict[str, str]:
        """Return the worker of each session that was opened, from the log."""
        whole, _, _ = self.gateway.log().rpartition("\n")
        lines = [(name, json.loads(text)) for name, text in _AUDIT.findall(whole)]
        return {line["session"]: name for name, line in lines if line["event"] == "open"}

    def signal(self, number: int, outcome: str) -> str:
        """Send a signal to the supervisor and wait for a line; returns what was logged since."""
        before = len(self.gateway.log())
        os.kill(self.gateway.pid, number)
        until(lambda: outcome in self.gateway.log()[before:], outcome)
        time.sleep(0.1)  # the lines that follow
        return self.gateway.log()[before:]
