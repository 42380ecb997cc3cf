"""Two proxies with two workers each, HAProxy, Redis with sentinels, three VNC servers."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.components.redis_sentinels import WatchedRedis

from .browsers import Browser
from .parts import Balancer, Proxy, VNCServer
from .user import User
from .viewer import USES, ViewerUser

LIMIT = 60.0
DRAIN_TIMEOUT = 20
TTL = 7200
"""Seconds for which links of TCP viewers are good: longer than any run."""

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


class World:
    """All parts, and the users.

    Args:
        seed: of everything that is random.
        users: their number.
        pause: seconds between two keystrokes of one of them.

    Attributes:
        retired: the sessions that an upgrade has left to workers that end, and its name.
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
        self.retired: dict[str, str] = {}
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
        self.users = [self._user(number) for number in range(self._count)]

    def _user(self, number: int) -> User:
        """Return a user; every fifth has a TCP viewer."""
        kind, port = (
            (ViewerUser, self.balancer.xvp) if number % 5 == 4 else (User, self.balancer.web)
        )
        name, vm = f"u{number}", self.servers[number % 3].name
        return kind(
            self.reactor,
            port,
            name,
            f"127.0.{1 + number // 250}.{1 + number % 250}",
            self.issue(kind, vm, name),
            vm,
            random.Random(self.random.random()),
            self._pause,
        )

    def issue(self, kind: type[User], vm: str, name: str) -> str:
        """Return a new link's token for a user, from any proxy that answers."""
        more: dict[str, Any] = {}
        if kind is ViewerUser:  # it has no cookie, and comes back by its link
            more = {"type": "xvpvnc", "policy": {"uses": USES}, "ttl": TTL}
        for proxy in self.random.sample(self.proxies, 2):
            with suppress(OSError, AssertionError):
                return str(proxy.gateway.issue(f"lab/{vm}", user=name, **more)["token"])
        raise AssertionError("no proxy issues a token")

    def order(self, method: str, path: str) -> int:
        """Call the API of any proxy that answers; returns the status, 0 where none does."""
        for proxy in self.random.sample(self.proxies, 2):
            with suppress(OSError):
                return proxy.gateway.call(method, path)[0]
        return 0

    def note_retired(self, proxy: Proxy, upgrade: str) -> None:
        """Note the sessions that an upgrade has left to the workers before it."""
        for session in proxy.sessions(retired=True):
            self.retired.setdefault(session, upgrade)

    @property
    def browsing(self) -> list[User]:
        """The users whose links were good once, and who come back by a cookie."""
        return [each for each in self.users if type(each) is User and each.used == each.token]

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
        """Copy the logs and audits of all parts; what fails is printed."""
        try:
            shutil.copytree(self.folder, folder)
            for proxy in self.proxies:
                (folder / f"{proxy.name}.log").write_text(proxy.gateway.log())
        except OSError as e:
            print(f"logs were not kept: {e}")

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
