"""What filters cost: ``python -m bench.parsers``.

First the walker alone, over updates of each encoding in pieces of 64 KiB. Then a relay of this
process between two others on loopback, with the stages of several policies: bulk from the console,
and single events of a viewer that each wait for the console's answer.
"""

from __future__ import annotations

import argparse
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import Process
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory

from vncproxy.errors import ClientGone, ConsoleEnded
from vncproxy.filters import stages_for
from vncproxy.filters.rules import rules_for
from vncproxy.filters.to_client import ServerFilter
from vncproxy.interfaces import IStage
from vncproxy.model import Clipboard, Mode, Policy
from vncproxy.relay import fast
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_init import ServerInit
from vncproxy.rfb.server_messages import FormatChanges

PIECE = 1 << 16
WARM = 3
INIT = ServerInit(1920, 1080, PixelFormat(), "bench").pack()
REQUEST = struct.pack(">BBHHHH", 3, 1, 0, 0, 1920, 1080)
BELL = b"\2"
POLICIES = {
    "fast path": Policy(),
    "view-only": Policy(mode=Mode.VIEW_ONLY),
    "clipboard none": Policy(clipboard=Clipboard.NONE),
}


def rectangle(encoding: int, data: bytes, width: int = 64, height: int = 64) -> bytes:
    """Return a rectangle of an update."""
    return struct.pack(">HHHHi", 0, 0, width, height, encoding) + data


def update(*rectangles: bytes) -> bytes:
    """Return an update."""
    return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)


def tight(size: int, control: bytes = b"\0") -> bytes:
    """Return a rectangle in Tight whose compressed part has so many bytes."""
    length = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
    return rectangle(7, control + length + bytes(size))


STREAMS = {
    "Tight of 300 bytes": update(*[tight(300)] * 40),
    "Tight of 1.5 KB, with a palette": update(*[tight(1500, b"\x40\1\x0f" + bytes(48))] * 40),
    "Tight JPEG of 8 KB": update(*[tight(8000, b"\x90")] * 40),
    "ZRLE of 1.5 KB": update(*[rectangle(16, struct.pack(">I", 1500) + bytes(1500))] * 40),
    "ZRLE of 32 KB": update(*[rectangle(16, struct.pack(">I", 32000) + bytes(32000))] * 4),
    "Hextile, two subrectangles a tile": update(
        *[rectangle(5, (b"\x0e" + bytes(8) + b"\2" + bytes(4)) * 16)] * 40
    ),
    "Raw": update(rectangle(0, bytes(1024 * 768 * 4), 1024, 768)),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.parsers", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=512, help="of each bulk measurement")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    print("the walker alone, MB/s")
    for name, stream in STREAMS.items():
        print(f"  {name:34} {walker_speed(stream, options.repetitions):8.0f}", flush=True)
    for name, stream in STREAMS.items():
        print(f"through a relay, {name}: MB/s, s of CPU per GB")
        for policy in POLICIES:
            moved = [bulk(policy, stream, options.megabytes) for _ in range(options.repetitions)]
            speed, cost = (sorted(each)[len(each) // 2] for each in zip(*moved, strict=True))
            print(f"  {policy:34} {speed:8.0f} {cost:8.3f}", flush=True)
    print("events of a viewer, microseconds of CPU for each with its answer")
    for policy in (*POLICIES, "checked"):
        costs = sorted(events(policy, options.events) for _ in range(options.repetitions))
        print(f"  {policy:34} {costs[len(costs) // 2]:8.1f}", flush=True)


def walker_speed(stream: bytes, repetitions: int) -> float:
    """Return how many MB of a stream are walked in a second."""
    data = stream * max(1, (8 << 20) // len(stream))
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    rules = rules_for(POLICIES["clipboard none"])
    best = float("inf")
    for _ in range(repetitions + WARM):
        stage = ServerFilter(rules, FormatChanges(PixelFormat()))
        started = time.perf_counter()
        for piece in pieces:
            stage.process(piece)
        best = min(best, time.perf_counter() - started)
    return len(data) / best / 1e6


def bulk(policy: str, stream: bytes, megabytes: int) -> tuple[float, float]:
    """Return MB/s and seconds of CPU per GB of a stream from the console to a viewer."""
    count = max(1, (megabytes << 20) // len(stream))
    size = count * len(stream)
    wall, cpu = relay(_stages(policy), (_send, stream, count), (_receive, size))
    return size / wall / 1e6, cpu / size * 1e9


def events(policy: str, count: int) -> float:
    """Return microseconds of CPU for a viewer's message and the console's answer to it."""
    _, cpu = relay(_stages(policy), (_answer, count), (_ask, count))
    return cpu / count * 1e6


def _stages(policy: str) -> Sequence[IStage]:
    return stages_for(POLICIES.get(policy, Policy()), INIT, check=policy == "checked")


def relay(
    stages: Sequence[IStage], console: tuple[Any, ...], viewer: tuple[Any, ...]
) -> tuple[float, float]:
    """Relay between two processes until the viewer leaves; returns seconds and those of CPU.

    Args:
        console, viewer: what each does with its connection, and further arguments.
    """
    reactor = EPollReactor()
    legs: dict[str, Leg] = {}

    def accepted(name: str, leg: Leg) -> None:
        legs[name] = leg
        if len(legs) == 2:
            over = fast.join(legs["viewer"], legs["console"], stages, reactor=reactor)
            over.addCallback(lambda _: reactor.stop())

    workers = []
    for name, closed, work in (
        ("console", ConsoleEnded, console),
        ("viewer", ClientGone, viewer),
    ):
        factory = Accepting(name, partial(Leg, RawFraming(), reactor, closed), accepted)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port
        workers.append(Process(target=_connect, args=(port, *work)))
    for worker in workers:
        worker.start()
    started, before = time.perf_counter(), time.process_time()
    reactor.run(installSignalHandlers=False)
    spent = time.perf_counter() - started, time.process_time() - before
    for leg in legs.values():
        if leg.transport is not None:
            leg.transport.abortConnection()
    for worker in workers:
        worker.join()
    return spent


class Accepting(ServerFactory):
    """Makes a leg of a connection."""

    noisy = False

    def __init__(
        self, name: str, make: Callable[[], Leg], accepted: Callable[[str, Leg], None]
    ) -> None:
        self._name = name
        self._make = make
        self._accepted = accepted

    def buildProtocol(self, addr: IAddress | None) -> Leg:
        leg = self._make()
        made = leg.connectionMade

        def connectionMade() -> None:
            made()
            self._accepted(self._name, leg)

        leg.connectionMade = connectionMade  # type: ignore[method-assign]
        return leg


def _connect(port: int, work: Callable[..., None], *arguments: Any) -> None:
    connection = socket.create_connection(("127.0.0.1", port))
    with connection, suppress(ConnectionResetError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        work(connection, *arguments)


def _send(connection: socket.socket, stream: bytes, count: int) -> None:
    for _ in range(count):
        connection.sendall(stream)
    connection.recv(1)


def _receive(connection: socket.socket, size: int) -> None:
    space = bytearray(1 << 20)
    while size > 0:
        size -= connection.recv_into(space)


def _ask(connection: socket.socket, count: int) -> None:
    for _ in range(count):
        connection.sendall(REQUEST)
        connection.recv(1)


def _answer(connection: socket.socket, count: int) -> None:
    for _ in range(count):
        connection.recv(len(REQUEST))
        connection.sendall(BELL)
    connection.recv(1)


if __name__ == "__main__":
    main()
