"""Opens and closes sessions without end, and looks what is left of them in the proxy.

    python -m bench.soak [--sessions 100000] [--tls]

Sessions differ in kind and in how they end: with a farewell, without a word, with a reset, in the
middle of a flood, by the console. The proxy is the whole product with real Redis.
"""

from __future__ import annotations

import argparse
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from . import ours
from .client import Door, command, enter
from .measure import Apart, Tree
from .stream import Stream
from .world import World

CLIENTS = 4
BLOCK = 2000
"""Sessions between two looks."""
MOST_GROWTH = 0.01
SETTLED_WITHIN = 20.0
"""Seconds for the last sessions of a block to be over."""


@dataclass(frozen=True)
class Sample:
    """What the proxy had after so many sessions: descriptors, and KiB of memory of its own."""

    sessions: int
    descriptors: int
    memory: int

    def __str__(self) -> str:
        return f"{self.sessions:7} sessions: {self.descriptors} descriptors, {self.memory} KiB"


@dataclass(frozen=True)
class Outcome:
    """What a soak has found; the first sample is that of the proxy when it was warm."""

    samples: list[Sample]
    seconds: float

    @property
    def growth(self) -> float:
        """Return by which share memory grew, from the median of the first fifth to the last's."""
        fifth = max(1, len(self.samples) // 5)
        return _median(self.samples[-fifth:]) / _median(self.samples[:fifth]) - 1

    @property
    def leaked_descriptors(self) -> int:
        """Return how many more descriptors are open than at first."""
        return self.samples[-1].descriptors - self.samples[0].descriptors

    def __str__(self) -> str:
        return (
            f"{self.samples[-1].sessions} sessions in {self.seconds:.0f} s: "
            f"{self.leaked_descriptors:+} descriptors, {self.growth:+.2%} memory"
        )


def _median(samples: list[Sample]) -> float:
    return sorted(sample.memory for sample in samples)[len(samples) // 2]


def say_goodbye(stream: Stream) -> None:
    """Close with a close frame, or half-close, and wait."""
    stream.close()


def vanish(stream: Stream) -> None:
    """Close without a word."""
    stream.socket.close()


def reset(stream: Stream) -> None:
    """Break the connection."""
    linger = struct.pack("ii", 1, 0)
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    stream.socket.close()


def be_closed(stream: Stream) -> None:
    """Let the console end the session."""
    stream.send(b"!")
    with suppress(OSError, EOFError):
        stream.count()  # the farewell, where there is one; it is answered
    stream.close()


ENDS: tuple[Callable[[Stream], None], ...] = (say_goodbye, vanish, reset, be_closed)


def visit(door: Door, number: int) -> None:
    """Have one session: some bytes there and back, then an end."""
    stream = enter(door)
    if number % 10 == 0:
        command(stream, "blast")
        stream.count()
        ENDS[number // 10 % 3](stream)
        return
    message = bytes(number % 3000 + 1)
    command(stream, "copy", len(message))
    stream.send(message)
    if stream.receive(len(message)) != message:
        raise RuntimeError("other bytes came back")
    ENDS[number % len(ENDS)](stream)


def _visits(pipe: Connection, doors: list[Door]) -> None:
    for number, door in enumerate(doors):
        visit(door, number)


def soak(
    world: World,
    sessions: int,
    tell: Callable[[str], object],
    *,
    block: int = BLOCK,
    tls: bool = False,
    reactor: str = "",
) -> Outcome:
    """Run so many sessions through a fresh proxy.

    Args:
        tell: gets each sample in words.
        block: sessions between two samples.
        tls: whether browsers come with TLS; TCP viewers do not come then.
        reactor: the name of the proxy's reactor; empty for the default.
    """
    kind = "wss" if tls else "ws"
    targets = {name: fake.raw for name, fake in world.fakes.items()}
    gateway = ours.gateway(world.redis, kind, targets, "")
    gateway.reactor = reactor
    gateway.start()
    started = time.monotonic()
    try:
        tree = Tree(gateway.pid)
        doors = [(gateway.web_port, kind, "novnc")]
        if not tls:
            doors.append((gateway.xvp_port, "connect", "xvpvnc"))
        samples = []
        for done in range(0, sessions, block):
            _block(world, doors, min(block, sessions - done))
            samples.append(_look(tree, done + block))
            tell(str(samples[-1]))
        warm = max(1, len(samples) // 10)
        return Outcome(samples[warm:], time.monotonic() - started)
    finally:
        gateway.stop()


def _block(world: World, doors: list[tuple[int, str, str]], count: int) -> None:
    entrances = []
    for port, kind, viewer in doors:
        tokens = ours.issue(world.redis, "load", viewer, count // len(doors))
        entrances += [Door(port, kind, token) for token in tokens]
    clients = [Apart(_visits, entrances[at::CLIENTS]) for at in range(CLIENTS)]
    for client in clients:
        client.result(300)


def _look(tree: Tree, sessions: int) -> Sample:
    """Wait until no session is left, as far as descriptors tell, and take a sample."""
    give_up = time.monotonic() + SETTLED_WITHIN
    least = _descriptors(tree)
    while time.monotonic() < give_up:
        tree.settle()
        now = _descriptors(tree)
        if now >= least:
            break
        least = now
    return Sample(sessions, least, _private_memory(tree))


def _descriptors(tree: Tree) -> int:
    return len(list(Path(f"/proc/{tree.pid}/fd").iterdir()))


def _private_memory(tree: Tree) -> int:
    """Return the KiB that no other process shares and that no file is behind."""
    text = Path(f"/proc/{tree.pid}/smaps_rollup").read_text()
    return int(text.partition("\nAnonymous:")[2].split(maxsplit=1)[0])


def main() -> None:
    """Soak, print what was found, and fail where something was left."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--tls", action="store_true", help="browsers come with TLS, no others")
    arguments = parser.parse_args()
    world = World(scheduling=False)
    try:
        outcome = soak(
            world, arguments.sessions, lambda line: print(line, flush=True), tls=arguments.tls
        )
    finally:
        world.stop()
    print(outcome)
    if outcome.leaked_descriptors or outcome.growth > MOST_GROWTH:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
