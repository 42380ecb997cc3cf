"""What it costs to record a session: ``python -m bench.recorded``.

Two gateways of this commit take the same streams in turn; one of them records all of its sessions.
Before anything is measured, a recording has to hold every byte that its viewer got.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.components.gateway import Gateway
from vncproxy.recording.events import Source
from vncproxy.recording.reading import RecordingReader

from .client import Door, command, enter
from .cores import pinned
from .measure import Tree, apart
from .peers import Ours
from .server import SERVER_INIT, messages
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


STREAMS: dict[str, tuple[Callable[..., Figures], tuple[Any, ...]]] = {
    "updates of 1.5 KB": (updates, (1500, 5000, 300)),
    "updates of 32 KB": (updates, (32768, 4000, 300)),
    "updates of 1 MiB": (updates, (1 << 20, 400, 5000)),
    "pointer moves": (events, (MOVE, 5000)),
    "pointer with a button": (events, (BUTTON, 5000)),
    "keys": (events, (KEY, 5000)),
}


def _spent(tree: Tree) -> tuple[float, float, float]:
    """Return seconds of CPU: all, those in user mode, and those of the reactor's thread."""
    fields = Path(f"/proc/{tree.pid}/stat").read_text().rpartition(")")[2].split()
    thread = Path(f"/proc/{tree.pid}/task/{tree.pid}/schedstat").read_text().split()
    return tree.cpu(), int(fields[11]) / 100, int(thread[0]) / 1e9


def _since(tree: Tree, before: tuple[float, float, float], count: int) -> Figures:
    """Return microseconds for each message, once what waits for the disk is written."""
    time.sleep(1.2)
    spent = [(now - then) / count * 1e6 for now, then in zip(_spent(tree), before, strict=True)]
    return dict(zip(("all", "user", "reactor"), spent, strict=True))


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


def measure(world: World, repetitions: int, names: list[str]) -> None:
    """Print the median cost of each stream, and the median of the ratios of each repetition."""
    peers = Ours(world, "ws"), Recorded(world, "ws")
    for peer in peers:
        peer.start()
    try:
        check(peers[1])
        print("| | not recorded | recorded | ratio | user | reactor's thread |")
        print("|---|---|---|---|---|---|")
        for name in names:
            pairs = [[_once(peer, name) for peer in peers] for _ in range(repetitions)]
            print(_row(name, pairs), flush=True)
    finally:
        for peer in peers:
            peer.stop()


def _once(peer: Ours, name: str) -> Figures:
    function, arguments = STREAMS[name]
    with pinned(peer):
        found: Figures = apart(function, peer.doors("probe", 1)[0], peer.tree.pid, *arguments)
    if isinstance(peer, Recorded):
        for file in peer.folder.rglob("*.vncr"):
            file.unlink()
    return found


def _row(name: str, pairs: list[list[Figures]]) -> str:
    plain, recorded = (statistics.median(pair[at]["all"] for pair in pairs) for at in (0, 1))
    ratios = [
        statistics.median(pair[1][key] / max(pair[0][key], 0.01) for pair in pairs)
        for key in ("all", "user", "reactor")
    ]
    return (
        f"| {name} | {plain:.1f} | {recorded:.1f} | "
        + " | ".join(f"{r:.2f}" for r in ratios)
        + " |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.recorded", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--streams", nargs="*", default=list(STREAMS))
    options = parser.parse_args()
    world = World(scheduling=False)
    try:
        measure(world, options.repetitions, options.streams)
    finally:
        world.stop()


if __name__ == "__main__":
    main()
