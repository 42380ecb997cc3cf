"""Two proxies with two workers each, HAProxy, Redis with sentinels, three VNC servers."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.components.balancers import Certificate
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.ports import free_port
from tests.components.redis_sentinels import WatchedRedis
from tests.components.vnc_servers import end, listens
from tests.components.workers import Process, processes

from .browsers import Browser
from .user import User

ETC = Path(__file__).resolve().parents[2] / "etc"
LIMIT = 60.0
DRAIN_TIMEOUT = 20

_CONFIG = """
[proxy]
name = "{name}"
workers = 2
drain_timeout = {drain_timeout}
[tokens]
store = "redis"
[redis]
{redis}wait_replicas = 1
[limits]
sessions_per_vm = 1000
sessions_per_address = 1000
connections_per_address = 1000
[log]
audit = "{audit}"
[backends.lab]
type = "static"
{consoles}"""


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
                    *("Xtigervnc", "-displayfd", "1", "-rfbport", str(self.port)),
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

    def kill(self) -> None:
        """Kill the supervisor; its workers have to end by themselves."""
        workers = self.workers()
        os.kill(self.gateway.pid, signal.SIGKILL)
        self.gateway.terminate()
        until(lambda: not any(_lives(each.pid) for each in workers), "workers without a supervisor")

    def audit(self) -> list[dict[str, Any]]:
        if not self.audit_file.exists():
            return []
        whole, _, _ = self.audit_file.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def users_of(self, worker: int) -> set[str]:
        """Return the users whose consoles a worker has open, by the journal that it has locked."""
        found: dict[str, str] = {}
        for path in _open_files(worker):
            if not path.startswith(f"{self.audit_file}.open"):
                continue
            for line in Path(path).read_text().splitlines():
                entry = json.loads(line)
                if "open" in entry:
                    found[entry["open"]["session"]] = entry["open"]["user"]
                else:
                    found.pop(entry["close"], None)
        return set(found.values())

    def users(self) -> set[str]:
        """Return the users whose consoles this proxy has open."""
        return {user for each in self.workers() for user in self.users_of(each.pid)}


class World:
    """All parts, and the users.

    Args:
        seed: of everything that is random.
        users: their number.
        pause: seconds between two keystrokes of one of them.

    Attributes:
        leaving: users whose old workers end their sessions by themselves, until when.
    """

    def __init__(self, reactor: Any, seed: int, users: int, pause: float) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        self.random = random.Random(seed)
        self.reactor = reactor
        self.servers = [VNCServer(self.folder, f"vm{number}") for number in (1, 2, 3)]
        self.balancer = Balancer(self.folder)
        self.redis = WatchedRedis()
        base_url = f"https://localhost:{self.balancer.web}/"
        self.proxies = [
            Proxy(name, group, self.folder, self._config(name), base_url)
            for name, group in (("p1", 20001), ("p2", 20002))
        ]
        self.users: list[User] = []
        self.browsers: list[Browser] = []
        self.leaving: dict[str, float] = {}
        self._count, self._pause = users, pause

    def _config(self, name: str) -> str:
        consoles = "".join(
            f'[backends.lab.consoles.{each.name}]\naddress = "127.0.0.1:{each.port}"\n'
            for each in self.servers
        )
        return _CONFIG.format(
            name=name,
            drain_timeout=DRAIN_TIMEOUT,
            redis=self.redis.table(),
            audit=self.folder / f"{name}.audit",
            consoles=consoles,
        )

    def start(self) -> None:
        """Start all parts, and issue a link for each user."""
        with ThreadPoolExecutor() as at_once:
            starts: list[Callable[[], object]] = [each.start for each in self.servers]
            for begun in [at_once.submit(start) for start in (*starts, self.redis.start)]:
                begun.result()
            starts = [each.gateway.start for each in self.proxies]
            for begun in [at_once.submit(start) for start in starts]:
                begun.result()
        self.balancer.start(self.proxies)
        self.wait(lambda: all(each.serves() for each in self.proxies), "the proxies to serve")
        for number in range(self._count):
            vm = self.servers[number % 3].name
            issued = self.proxies[number % 2].gateway.issue(f"lab/{vm}", user=f"u{number}")
            self.users.append(
                User(
                    self.reactor,
                    self.balancer.web,
                    f"u{number}",
                    f"127.0.{1 + number // 250}.{1 + number % 250}",
                    issued["token"],
                    vm,
                    random.Random(self.random.random()),
                    self._pause,
                )
            )

    def everybody(self) -> list[User | Browser]:
        """Return all users, with real browsers and without."""
        return [*self.users, *self.browsers]

    def open_browsers(self, count: int) -> None:
        """Let some real browsers come, too."""
        for number in range(count):
            vm = self.servers[number % 3].name
            issued = self.proxies[number % 2].gateway.issue(f"lab/{vm}", user=f"b{number}")
            self.browsers.append(Browser(f"b{number}", vm, issued["url"]))
        for each in self.browsers:
            each.wait_until_connected()
            each.count_ends()

    def stop(self) -> None:
        """End all processes that are left, and remove all files."""
        for proxy in self.proxies:
            try:
                proxy.gateway.stop()
            except Exception as e:  # noqa: BLE001 the others have to be stopped, too
                print(f"{proxy.name} did not stop: {e}")
        self.balancer.kill()
        for server in self.servers:
            server.stop()
        self.redis.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep_logs(self, folder: Path) -> None:
        """Copy the logs and audits of all parts."""
        shutil.copytree(self.folder, folder)
        for proxy in self.proxies:
            (folder / f"{proxy.name}.log").write_text(proxy.gateway.log())

    def wait(self, true: Callable[[], object], what: str, limit: float = LIMIT) -> float:
        """Wait until something is true; returns the seconds.

        Raises:
            AssertionError: it is not in time.
        """
        began = time.monotonic()
        while not true():
            if time.monotonic() > began + limit:
                raise AssertionError(f"not within {limit:g} s: {what}")
            time.sleep(0.05)
        return time.monotonic() - began

    def away(self, since: float) -> list[User]:
        """Return the users who have not seen an answer since a moment."""
        return [each for each in self.users if not each.connected or each.seen_at < since]

    def audit(self) -> list[dict[str, Any]]:
        """Return all audit lines so far."""
        return [line for proxy in self.proxies for line in proxy.audit()]


def _open_files(pid: int) -> Iterator[str]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield str(link.readlink())
        except OSError:
            continue


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
