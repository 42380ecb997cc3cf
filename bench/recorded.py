"""What it costs to record a session: ``python -m bench.recorded``.

Two gateways of this commit take the same streams in turn; one of them records all of its sessions.
Before anything is measured, a recording has to hold every byte that its viewer got.
"""

from __future__ import annotations

import argparse
import hashlib
import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.components.gateway import Gateway
from vncproxy.recording.events import Source
from vncproxy.recording.reading import RecordingReader

from . import crowd
from .client import Door, command, enter
from .cores import pinned
from .measure import Apart, Tree, apart, pss, say
from .peers import Ours
from .server import SERVER_INIT, messages
from .stream import Stream
from .world import World

PATTERN = 16 << 20
MOVE, BUTTON, KEY = b"\5\0\0\x10\0\x10", b"\5\1\0\x10\0\x10", b"\4\1\0\0\0\0\0\x61"
Figures = dict[str, float]


class Recorded(Ours):
    """The whole product, which records every session."""

    relay = '[recording]\ndirectory = "{folder}"\nvms = ["bench/*"]'

    def start(self) -> None:
        self.folder = self.world.folder / "recordings"
        self.folder.mkdir(exist_ok=True)
        self.relay = Recorded.relay.format(folder=self.folder)
        super().start()

    def forget(self) -> None:
        """Delete what was recorded."""
        for file in self.folder.rglob("*.vncr"):
            file.unlink()

    @property
    def gateway(self) -> Gateway:
        """The running proxy."""
        return self._gateway


def updates(pipe: Connection, door: Door, pid: int, size: int, count: int, pause: int) -> Figures:
    """Take updates that come one by one."""
    stream, tree = enter(door), Tree(pid)
    left = size * count
    before = _spent(tree)
    command(stream, "paced", size, count, pause)
    while left > 0:
        left -= stream.count()
    found = _since(tree, before, count)
    stream.close()
    return found


def asked(pipe: Connection, door: Door, pid: int, size: int, count: int) -> Figures:
    """Ask for updates, each when the one before has come, as viewers do."""
    stream, tree = enter(door), Tree(pid)
    request = stream.encode(REQUEST)
    before = _spent(tree)
    command(stream, "answer", len(REQUEST), size, count)
    for _ in range(count):
        stream.socket.sendall(request)
        left = size
        while left > 0:
            left -= stream.count()
        time.sleep(300e-6)
    found = _since(tree, before, count)
    stream.close()
    return found


def events(pipe: Connection, door: Door, pid: int, message: bytes, count: int) -> Figures:
    """Send messages of a viewer one by one."""
    stream, tree = enter(door), Tree(pid)
    event = stream.encode(message)
    before = _spent(tree)
    command(stream, "sink", count * len(message))
    for _ in range(count):
        stream.socket.sendall(event)
        time.sleep(300e-6)
    stream.receive(4)
    found = _since(tree, before, count)
    stream.close()
    return found


REQUEST = b"\3\1\0\0\0\0\4\0\3\0"

STREAMS: dict[str, tuple[Callable[..., Figures], tuple[Any, ...]]] = {
    "1.5 KB, asked for": (asked, (1500, 4000)),
    "8 KB, asked for": (asked, (8192, 4000)),
    "32 KB, asked for": (asked, (32768, 4000)),
    "a video: 64 KB, 20 a second": (updates, (65536, 200, 50_000)),
    "updates of 1.5 KB": (updates, (1500, 5000, 300)),
    "updates of 32 KB": (updates, (32768, 4000, 300)),
    "updates of 1 MiB": (updates, (1 << 20, 400, 5000)),
    "pointer moves": (events, (MOVE, 5000)),
    "pointer with a button": (events, (BUTTON, 5000)),
    "keys": (events, (KEY, 5000)),
}


SESSIONS = 50

CROWDS = {
    "in which nothing happens": "park",
    "with 8 KB twenty times a second": "paced 8192 1000000 50000",
    "with 64 KB twenty times a second": "paced 65536 1000000 50000",
}


def _spent(tree: Tree) -> tuple[float, float]:
    """Return seconds of CPU of the proxy's process, and those of its reactor's thread.

    The processes that make playable copies of sessions before are not part of it.
    """
    assert tree.pid is not None
    thread = Path(f"/proc/{tree.pid}/task/{tree.pid}/schedstat").read_text().split()
    return time.clock_gettime(~tree.pid << 3 | 2), int(thread[0]) / 1e9


def _since(tree: Tree, before: tuple[float, float], count: int) -> Figures:
    """Return microseconds for each message, once what waits for the disk is written."""
    time.sleep(1.2)
    spent = [(now - then) / count * 1e6 for now, then in zip(_spent(tree), before, strict=True)]
    return dict(zip(("all", "reactor"), spent, strict=True))


def check(peer: Recorded) -> None:
    """Raise where a recording differs from what its viewer got."""
    apart(_take_pattern, peer.doors("probe", 1)[0])
    line = peer.gateway.audit_of("recording")
    with (peer.folder / line["file"]).open("rb") as file:
        reader = RecordingReader(file)
        found = list(reader.events())
    sent = SERVER_INIT + b"".join(messages(1, PATTERN))
    if b"".join(each.data for each in found if each.source is Source.SERVER) != sent:
        raise RuntimeError("the recording has other bytes than were sent")
    if not reader.is_ended or reader.hash != line["hash"]:
        raise RuntimeError("the recording is not whole")


def _take_pattern(pipe: Connection, door: Door) -> None:
    stream = enter(door)
    command(stream, "pattern", 1, PATTERN)
    right = hashlib.sha256(b"".join(messages(1, PATTERN))).digest()
    if hashlib.sha256(stream.receive(PATTERN)).digest() != right:
        raise ValueError("bytes to the viewer differ")
    stream.close()


def memory(peer: Ours, words: str) -> float:
    """Return by how many MiB the process of a new proxy grows with fifty sessions."""
    apart(crowd.come_and_go, peer.doors("load", 3))
    peer.tree.settle()
    pid = peer.tree.pid
    assert pid is not None
    empty, most = pss(pid), 0
    crowded = Apart(_watch, peer.doors("load", SESSIONS), words)
    try:
        crowded.hear(60)
        for _ in range(40):
            time.sleep(0.25)
            most = max(most, pss(pid))
    finally:
        crowded.stop()
    return (most - empty) / 1024


def _watch(pipe: Connection, doors: list[Door], words: str) -> None:
    """Take what sessions get, until this process is ended."""
    streams, poll = dict[int, Stream](), select.epoll()
    for door in doors:
        stream = enter(door)
        streams[stream.socket.fileno()] = stream
        command(stream, words)
        poll.register(stream.socket, select.EPOLLIN)
    say(pipe, "ready")
    while True:
        for fd, _ in poll.poll():
            streams[fd].count()


def measure(world: World, repetitions: int, names: list[str]) -> None:
    """Print what a message of each stream costs; the least of all repetitions counts."""
    peers = Ours(world, "ws"), Recorded(world, "ws")
    with ExitStack() as running:
        for peer in peers:
            running.enter_context(_started(peer))
        check(peers[1])
        print(
            "| | not recorded | recorded | ratio | of the reactor's thread |\n|---|---|---|---|---|"
        )
        for name in names:
            pairs = [[_once(peer, name) for peer in peers] for _ in range(repetitions)]
            print(_row(name, pairs), flush=True)


def measure_memory(world: World) -> None:
    """Print what fifty sessions take."""
    print("| fifty sessions | not recorded | recorded |\n|---|---|---|")
    for name, words in CROWDS.items():
        found = []
        for make in (Ours, Recorded):
            with _started(make(world, "ws")) as peer:
                found.append(memory(peer, words))
        print(f"| {name} | {found[0]:.1f} MiB | {found[1]:.1f} MiB |", flush=True)


@contextmanager
def _started(peer: Ours) -> Iterator[Ours]:
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()
        if isinstance(peer, Recorded):
            peer.forget()


def _once(peer: Ours, name: str) -> Figures:
    function, arguments = STREAMS[name]
    with pinned(peer):
        found: Figures = apart(function, peer.doors("probe", 1)[0], peer.tree.pid, *arguments)
    if isinstance(peer, Recorded):
        peer.forget()
    return found


def _row(name: str, pairs: list[list[Figures]]) -> str:
    """Return the least of each: what else the machine does can only add to it."""
    least = [{key: min(pair[at][key] for pair in pairs) for key in pairs[0][0]} for at in (0, 1)]
    plain, recorded = least[0]["all"], least[1]["all"]
    reactor = least[1]["reactor"] / least[0]["reactor"]
    return f"| {name} | {plain:.1f} | {recorded:.1f} | {recorded / plain:.2f} | {reactor:.2f} |"


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m bench.recorded", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--streams", nargs="*", choices=STREAMS, default=list(STREAMS))
    parser.add_argument("--no-memory", action="store_true")
    options = parser.parse_args()
    world = World(scheduling=False)
    try:
        measure(world, options.repetitions, options.streams)
        if not options.no_memory:
            measure_memory(world)
    finally:
        world.stop()


if __name__ == "__main__":
    main()
