"""Two proxies with live sessions and users who open consoles all the time, behind sentinels."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable

from .gateway import Gateway
from .many_viewers import ManyTypists
from .openings import Opening, Openings
from .redis_sentinels import WatchedRedis
from .viewer import Viewer

AGAIN = "The console service is not available at the moment. Try again in a minute."
VM = "lab/web-01"
LIMIT = 60.0
"""Seconds for anything to happen on a slow machine."""

CONFIG = """
[backends.lab]
type = "static"
[backends.lab.consoles.web-01]
address = "{address}"
[tokens]
store = "redis"
[limits]
sessions_per_address = 1000
sessions_per_vm = 1000
[redis]
{sentinels}
{more}
"""


class FailoverWorld:
    """All of it, until `close`.

    Args:
        sessions: number of live sessions.
        rate: openings a second.
        more: further keys for ``[redis]``.

    Attributes:
        redis: the servers and sentinels.
        proxies: two of them.
        consoles: what the live sessions are connected to.
        viewers: the users of the live sessions.
        openings: those of other users.
    """

    def __init__(self, sessions: int, rate: float, more: str = "") -> None:
        self._ends = contextlib.ExitStack()
        try:
            self.redis = WatchedRedis()
            self._ends.callback(self.redis.remove)
            self.redis.start()
            self.consoles = ManyTypists()
            self._ends.callback(self.consoles.close)
            config = CONFIG.format(
                address=self.consoles.address, sentinels=self.redis.table(), more=more
            )
            self.proxies = [self._proxy(config) for _ in range(2)]
            self.viewers = [self._view(self.proxies[turn % 2]) for turn in range(sessions)]
            self.openings = Openings(self.proxies, VM, rate).start()
            self._ends.callback(self.openings.stop)
        except BaseException:
            self._ends.close()
            raise

    def close(self) -> None:
        """End everything."""
        self._ends.close()

    def recovery(self, since: float) -> tuple[float, list[Opening]]:
        """Wait until consoles open again.

        Returns:
            The seconds since a moment that it took, and the openings that were refused meanwhile.
        """
        wait(lambda: self.openings.recovered_at(since) is not None, "no console opens")
        recovered = self.openings.recovered_at(since)
        assert recovered is not None
        refused = [each for each in self.openings.since(since) if each.refused]
        return recovered - since, refused

    def type_everywhere(self) -> None:
        """Type in every live session, and wait until it has arrived."""
        before = dict(self.consoles.received)
        for viewer in self.viewers:
            viewer.key(ord("a"))
        wait(
            lambda: self._more_than(before) >= len(self.viewers),
            "what live sessions type does not arrive",
        )

    def wait_for_replicas(self, number: int) -> None:
        """Wait until the primary has replicas that could take its place."""
        wait(
            lambda: self.redis.primary().cli("info", "replication").count("online") >= number,
            "there are too few replicas",
        )

    def _more_than(self, before: dict[socket.socket, int]) -> int:
        now = list(self.consoles.received.items())
        return sum(count > before.get(viewer, count) for viewer, count in now)

    def _proxy(self, config: str) -> Gateway:
        gateway = Gateway(config)
        gateway.start()
        self._ends.callback(gateway.stop)
        return gateway

    def _view(self, proxy: Gateway) -> Viewer:
        viewer = Viewer.connect(proxy.xvp_port, proxy.issue(VM, type="xvpvnc")["token"])
        self._ends.callback(viewer.close)
        return viewer


def wait(done: Callable[[], object], what: str) -> None:
    """Wait, without a reactor, until something is the case."""
    give_up = time.monotonic() + LIMIT
    while not done():
        if time.monotonic() > give_up:
            raise AssertionError(what)
        time.sleep(0.05)


def is_lost(opening: Opening) -> bool:
    """Return whether a new token was unknown: issued just before its primary was replaced."""
    return "This console link is not valid any more" in opening.refused


def is_outage(opening: Opening) -> bool:
    """Return whether a user or issuer was refused for the lack of a store.

    After its greeting a viewer that is no browser cannot be told anything any more.
    """
    return AGAIN in opening.refused or opening.refused == "EOFError: closed after 0 of 4 bytes"
