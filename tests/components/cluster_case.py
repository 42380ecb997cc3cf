"""Real proxies that share a real Redis, with TCP viewers."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase

from .gateway import Gateway
from .many_viewers import ManyViewers
from .redis_case import documented
from .redis_server import RedisServer
from .viewer import Viewer

IN_TIME = 30.0
"""Seconds that a slow machine may take."""

CONFIG = """
[backends.lab]
type = "static"
[backends.lab.consoles.web-01]
address = "{address}"
[backends.lab.consoles.db-01]
address = "{address}"
[backends.other]
type = "static"
[backends.other.consoles.web-01]
address = "{address}"
[tokens]
store = "redis"
[redis]
port = {port}
username = "vncproxy"
password = "CHANGE-ME"
timeout = 1.5
[timeouts]
linger = 2
[proxy]
name = "{name}"
stop_timeout = 1
"""


class ClusterCase(TestCase):
    """Starts a Redis, consoles, and as many proxies as a test asks for.

    The proxies have the permissions of the documented ACL, and no more.
    """

    timeout = 300

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cluster-"))
        self.addCleanup(shutil.rmtree, self.folder)
        acl = documented("", "user vncproxy on").splitlines()
        self.redis = RedisServer(acl=[*acl, "user default on nopass ~* &* +@all"])
        self.addCleanup(self.redis.remove)
        self.redis.start()
        self.addCleanup(self.assert_permitted)
        self.consoles = ManyViewers()
        self.addCleanup(self.consoles.close)

    def assert_permitted(self) -> None:
        """Assert that the documented ACL has been enough for everything."""
        try:
            denied = self.redis.cli("acl", "log")
        except subprocess.CalledProcessError:
            return  # the test has left it stopped
        self.assertEqual(denied, "")

    def proxy(self, name: str, more: str = "", *, port: int = 0, **options: Any) -> Gateway:
        """Start a proxy, and wait until it is announced to others.

        Args:
            more: further tables of its configuration.
            port: where it reaches Redis; the server's own port unless given.
        """
        config = CONFIG.format(
            address=self.consoles.address, port=port or self.redis.port, name=name
        )
        gateway = Gateway(config + more, **options)
        self.addCleanup(gateway.stop)
        gateway.start()
        self.until(lambda: name in _names(gateway))
        return gateway

    def proxies_at_once(self, **configurations: str) -> list[Gateway]:
        """Start proxies at the same time: their names, and further tables of each."""
        with ThreadPoolExecutor() as threads:
            return list(threads.map(self.proxy, configurations, configurations.values()))

    def view(self, proxy: Gateway, token: str) -> Viewer:
        """Open a console by a token."""
        viewer = Viewer.connect(proxy.xvp_port, token)
        self.addCleanup(viewer.close)
        return viewer

    def open(
        self, proxy: Gateway, vm: str = "lab/web-01", user: str = "alice"
    ) -> tuple[str, Viewer]:
        """Open a console with a new token; returns the token's id and the viewer."""
        issued = proxy.issue(vm, user=user, type="xvpvnc")
        return issued["id"], self.view(proxy, issued["token"])

    def until(self, done: Callable[[], Any], limit: float = IN_TIME) -> Any:
        """Wait until something is true, and return it."""
        give_up = time.monotonic() + limit
        while not (value := done()):
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.05)
        return value

    def until_listed(self, proxy: Gateway, count: int, query: str = "") -> list[dict[str, Any]]:
        """Wait until a proxy lists so many sessions, and return them."""

        found: list[dict[str, Any]] = []

        def listed() -> bool:
            found[:] = proxy.call("GET", f"/v1/sessions{query}")[1]["sessions"]
            return len(found) == count

        self.until(listed)
        return found


class PairCase(ClusterCase):
    """Two proxies, ``north`` and ``south``, for all tests of a class, which leave them serving."""

    def setUp(self) -> None:
        kept = _kept(self.start_pair)
        self.redis, self.consoles = kept.redis, kept.consoles
        self.north, self.south = kept.north, kept.south
        self.addCleanup(self.assert_permitted)
        self.until_listed(self.north, 0)
        for each in (self.north, self.south):
            self.until(partial(_all_closed, each))
            each.begin_log()

    @classmethod
    def start_pair(cls, kept: ClusterCase) -> tuple[Gateway, Gateway]:
        """Start both proxies; called once for all tests."""
        north, south = kept.proxies_at_once(north="", south="")
        return north, south


class _Kept(ClusterCase):
    """Redis, consoles and two proxies, which end with the process."""

    north: Gateway
    south: Gateway

    def runTest(self) -> None:
        """Do nothing: only what is started is of use."""


@cache
def _kept(start_pair: Callable[[ClusterCase], tuple[Gateway, Gateway]]) -> _Kept:
    kept = _Kept()
    atexit.register(kept.doCleanups)
    kept.setUp()
    kept.north, kept.south = start_pair(kept)
    return kept


def _all_closed(gateway: Gateway) -> bool:
    return len(gateway.audit("open")) == len(gateway.audit("close"))


def _names(gateway: Gateway) -> list[str]:
    """Return the names of the proxies that one of them lists."""
    status, answer = gateway.call("GET", "/v1/proxies")
    return [each["name"] for each in answer["proxies"]] if status == 200 else []
