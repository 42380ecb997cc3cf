"""The parts that are killed and started again: VNC servers, HAProxy, proxies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.components.balancers import Certificate
from tests.components.displays import new_display
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.ports import free_port
from tests.components.vnc_servers import end, listens
from tests.components.workers import Process, processes

ETC = Path(__file__).resolve().parents[2] / "etc"


class VNCServer:
    """An Xtigervnc at a port of its own, which it takes again after it was killed."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.port = free_port()
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> VNCServer:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("Xtigervnc", f":{new_display()}", "-displayfd", "1"),
                    *("-rfbport", str(self.port)),
                    *("-localhost", "yes", "-geometry", "64x64", "-depth", "24"),
                    *("-nolisten", "tcp", "-AlwaysShared", "-SecurityTypes", "None"),
                    *("-UseBlacklist", "0"),
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        until(lambda: listens(self.port), self.name)
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            end(self._process)


class Balancer:
    """HAProxy with the shipped file, which may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.web, self.xvp = free_port(), free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._certificate = Certificate(folder)

    def start(self, proxies: list[Proxy]) -> None:
        variables = {
            "CERTIFICATE": str(self._certificate.both),
            "BROWSERS": f"127.0.0.1:{self.web}",
            "VIEWERS": f"127.0.0.1:{self.xvp}",
            "CONNECTIONS": "2000",
        }
        for number, proxy in enumerate(proxies, 1):
            variables[f"PROXY{number}_WEB"] = f"127.0.0.1:{proxy.gateway.web_port}"
            variables[f"PROXY{number}_XVP"] = f"127.0.0.1:{proxy.gateway.xvp_port}"
        with (self._folder / "haproxy.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["haproxy", "-db", "-f", str(ETC / "haproxy.cfg")],
                stdout=log,
                stderr=log,
                env={**os.environ, **variables},
            )
        until(lambda: listens(self.web), "HAProxy")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class Proxy:
    """One proxy, whose process may be replaced by another one; its audit file stays.

    Attributes:
        group: the group that its processes run as, by which their packets are known.
    """

    def __init__(self, name: str, group: int, folder: Path, config: str, base_url: str) -> None:
        self.name = name
        self.group = group
        self.audit_file = folder / f"{name}.audit"
        self.gateway = Gateway(
            config,
            xvp="haproxy:tcp:{port}:interface=127.0.0.1",
            tables={"public": 'trusted_proxies = ["127.0.0.1/32"]'},
            base_url=base_url,
        )
        self.gateway.launcher = ["setpriv", f"--regid={group}", "--clear-groups"]

    def workers(self) -> list[Process]:
        return processes(self.gateway.pid)

    def serves(self) -> bool:
        """Return whether both workers are there and take sessions."""
        try:
            ready = self.gateway.call("GET", "/readyz")[0] == 200
        except OSError:
            return False
        newest = max((each.generation for each in self.workers()), default=0)
        return ready and sum(each.generation == newest for each in self.workers()) == 2

    def kill(self) -> set[str]:
        """Kill the supervisor; its workers have to end by themselves.

        Returns:
            The ids of the sessions that they had.
        """
        workers, before = self.workers(), self.sessions()
        os.kill(self.gateway.pid, signal.SIGKILL)
        found = before.union(*(self.sessions_of(each.pid) for each in workers))
        self.gateway.terminate()
        until(lambda: not any(_lives(each.pid) for each in workers), "workers without a supervisor")
        return found

    def upgrades(self) -> int:
        """Return how many upgrades have succeeded."""
        return self.gateway.log().count(": new sessions go to generation ")

    def audit(self) -> list[dict[str, Any]]:
        if not self.audit_file.exists():
            return []
        whole, _, _ = self.audit_file.read_text().rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines if not line["event"].startswith("api-")]

    def sessions_of(self, worker: int) -> set[str]:
        """Return the ids of a worker's open sessions, by the journal that it has locked."""
        found: set[str] = set()
        for path in _open_files(worker):
            if not path.startswith(f"{self.audit_file}.open"):
                continue
            for line in Path(path).read_text().splitlines():
                entry = json.loads(line)
                if "open" in entry:
                    found.add(entry["open"]["session"])
                else:
                    found.discard(entry["close"])
        return found

    def sessions(self, *, retired: bool = False) -> set[str]:
        """Return the ids of all open sessions, or of those that an upgrade has left behind."""
        workers = self.workers()
        newest = max((each.generation for each in workers), default=0)
        return set[str]().union(
            *(
                self.sessions_of(each.pid)
                for each in workers
                if each.generation < newest or not retired
            )
        )


def _open_files(pid: int) -> Iterator[str]:
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                yield str(link.readlink())
    except OSError:  # the process has ended
        return


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
