"""Many sessions at the same time: load that blasts, clients that come and go, and idle ones."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import select
import time
from multiprocessing.connection import Connection
from typing import Any

from .client import Door, command, enter
from .measure import Apart, say
from .peers import Peer
from .stream import Stream

SESSIONS = 20
CLIENTS = 2

_fork = multiprocessing.get_context("fork")


class Load:
    """Twenty sessions that take what a server blasts, in two processes.

    When it is made, all of them are under way.
    """

    def __init__(self, peer: Peer) -> None:
        doors, policy = peer.doors("load", SESSIONS), peer.world.policy("load")
        self._counts = [_fork.RawValue("Q") for _ in range(CLIENTS)]
        self._clients = [
            Apart(_blasted, doors[at::CLIENTS], count, policy=policy)
            for at, count in enumerate(self._counts)
        ]
        for client in self._clients:
            client.hear(30)
        time.sleep(0.3)

    def taken(self) -> int:
        """Return how many bytes of payload all have got so far."""
        return sum(count.value for count in self._counts)

    def stop(self) -> None:
        """End all sessions."""
        for client in self._clients:
            client.stop()
        time.sleep(0.1)


def _blasted(pipe: Connection, doors: list[Door], count: Any) -> None:
    streams: dict[int, Stream] = {}
    poll = select.epoll()
    for door in doors:
        stream = enter(door)
        streams[stream.socket.fileno()] = stream
        command(stream, "blast")
        poll.register(stream.socket, select.EPOLLIN)
    say(pipe, "ready")
    while True:
        for fd, _ in poll.poll():
            count.value += streams[fd].count()


def come_and_go(pipe: Connection, doors: list[Door]) -> None:
    """Open sessions one after the other, and close each."""
    for door in doors:
        enter(door).close()


def stay(pipe: Connection, doors: list[Door], word: str) -> None:
    """Open sessions and keep them, until this process is ended."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    streams = []
    for door in doors:
        stream = enter(door)
        command(stream, word)
        streams.append(stream)
    say(pipe, len(streams))
    time.sleep(3600)
