"""The measurements: each drives one peer once and returns named figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from . import crowd, integrity
from .client import Door, command, enter
from .frames import KEY, frame
from .measure import Apart, Tree, apart, percentile
from .peers import Peer
from .stream import Stream

Figures = dict[str, float]

SECONDS = 1.0
UPDATES = 3000
PAUSE = 300
"""Microseconds between paced messages."""
EVENT = 6
"""Bytes of a pointer event."""
TRIPS = 3000
TRIPS_LIMIT = 3.0
UPLOAD = 512 << 20
SESSIONS = 400
ENTRANCES = 4
"""How many clients open sessions at the same time."""


def bulk(pipe: Connection, door: Door, pid: int | None) -> Figures:
    """Take what the server blasts for a second."""
    stream, tree = enter(door), Tree(pid)
    command(stream, "blast")
    _take(stream, 0.2)
    cpu, start = tree.cpu(), time.perf_counter()
    size = _take(stream, SECONDS)
    seconds, cpu = time.perf_counter() - start, tree.cpu() - cpu
    stream.socket.close()
    return {"cpu_s_per_gb": cpu / size * 1e9, "mb_per_s": size / seconds / 1e6}


def _take(stream: Stream, seconds: float) -> int:
    size, give_up = 0, time.perf_counter() + seconds
    while time.perf_counter() < give_up:
        size += stream.count()
    return size


def updates(pipe: Connection, door: Door, pid: int | None, size: int) -> Figures:
    """Take screen updates that come one by one."""
    stream, tree = enter(door), Tree(pid)
    left = UPDATES * size
    cpu, reads = tree.cpu(), stream.reads
    command(stream, "paced", size, UPDATES, PAUSE)
    while left > 0:
        left -= stream.count()
    cpu, reads = tree.cpu() - cpu, stream.reads - reads
    stream.close()
    return {"cpu_us": cpu / UPDATES * 1e6, "reads": reads / UPDATES}


def events(pipe: Connection, door: Door, pid: int | None) -> Figures:
    """Send pointer events one by one."""
    stream, tree = enter(door), Tree(pid)
    event = stream.encode(b"\x05pointr"[:EVENT])
    cpu = tree.cpu()
    command(stream, "sink", UPDATES * EVENT)
    for _ in range(UPDATES):
        stream.socket.sendall(event)
        time.sleep(PAUSE / 1e6)
    reads = int.from_bytes(stream.receive(4), "big")
    cpu = tree.cpu() - cpu
    stream.close()
    return {"cpu_us": cpu / UPDATES * 1e6, "reads": reads / UPDATES}


def upload(pipe: Connection, door: Door, pid: int | None) -> Figures:
    """Send 32 KiB messages as fast as possible, as for a large paste."""
    stream, tree = enter(door), Tree(pid)
    message = frame(bytes(32768), key=KEY)
    cpu, start = tree.cpu(), time.perf_counter()
    command(stream, "sink", UPLOAD)
    for _ in range(UPLOAD // 32768):
        stream.socket.sendall(message)
    stream.receive(4)
    seconds, cpu = time.perf_counter() - start, tree.cpu() - cpu
    stream.close()
    return {"cpu_s_per_gb": cpu / UPLOAD * 1e9, "mb_per_s": UPLOAD / seconds / 1e6}


def trips(
    pipe: Connection, door: Door, pid: int | None, count: int = 0, pause: float = 0
) -> Figures:
    """Send an event and wait for the answer, again and again, for some seconds at most."""
    stream, tree = enter(door), Tree(pid)
    command(stream, "echo", EVENT)
    event, answer = stream.encode(bytes(EVENT)), stream.incoming_size(EVENT)
    for _ in range(5):
        _trip(stream, event, answer)
    found: list[float] = []
    cpu, give_up = tree.cpu(), time.monotonic() + TRIPS_LIMIT
    while len(found) < (count or TRIPS) and time.monotonic() < give_up:
        found.append(_trip(stream, event, answer))
        time.sleep(pause)
    cpu = tree.cpu() - cpu
    stream.socket.close()
    found.sort()
    middle, worst = percentile(found, 0.5), percentile(found, 0.99)
    return {"p50_us": middle * 1e6, "p99_us": worst * 1e6, "cpu_us": cpu / len(found) * 1e6}


def _trip(stream: Stream, event: bytes, answer: int) -> float:
    start = time.perf_counter()
    stream.socket.sendall(event)
    while answer > 0:
        answer -= len(stream.socket.recv(256))
    return time.perf_counter() - start


def typist(peer: Peer) -> Figures:
    """Measure round trips beside twenty sessions that blast."""
    load = crowd.Load(peer)
    try:
        cpu, size, start = peer.tree.cpu(), load.taken(), time.perf_counter()
        door, policy = peer.doors("probe", 1)[0], peer.world.policy("probe")
        figures: Figures = apart(trips, door, None, 600, 0.002, policy=policy)
        size, seconds = load.taken() - size, time.perf_counter() - start
        figures["load_cpu_s_per_gb"] = (peer.tree.cpu() - cpu) / size * 1e9
        figures["load_mb_per_s"] = size / seconds / 1e6
    finally:
        load.stop()
    del figures["cpu_us"]
    return figures


def opened(peer: Peer) -> Figures:
    """Open sessions up to ServerInit and leave, several clients at the same time."""
    doors = peer.doors("probe", SESSIONS)
    cpu, start = peer.tree.settle(), time.perf_counter()
    clients = [Apart(crowd.come_and_go, doors[at::ENTRANCES]) for at in range(ENTRANCES)]
    for client in clients:
        client.result()
    seconds = time.perf_counter() - start
    return {
        "cpu_us": (peer.tree.settle() - cpu) / SESSIONS * 1e6,
        "per_s": SESSIONS / seconds,
    }


def idle(peer: Peer, sessions: int) -> Figures:
    """Measure the memory of sessions in which nothing happens; needs a fresh process."""
    count = min(sessions, peer.most_idle)
    apart(crowd.come_and_go, peer.doors("probe", 3))
    peer.tree.settle()
    empty = peer.tree.pss()
    crowded = Apart(crowd.stay, peer.doors("probe", count), "park")
    try:
        crowded.hear(300)
        peer.tree.settle()
        full = peer.tree.pss()
    finally:
        crowded.stop()
    return {"kib": (full - empty) / count, "empty_mib": empty / 1024, "sessions": count}


def stuck(peer: Peer, sessions: int) -> Figures:
    """Measure the most memory while clients take nothing of an endless flood."""
    count = min(sessions, peer.most_stuck)
    peer.tree.settle()
    empty, most = peer.tree.pss(), 0
    crowded = Apart(crowd.stay, peer.doors("load", count), "flood")
    try:
        give_up = time.monotonic() + 300
        while not crowded.pipe.poll(0.2) and time.monotonic() < give_up:
            most = max(most, peer.tree.pss())
        crowded.hear(1)
        for _ in range(15):
            most = max(most, peer.tree.pss())
            time.sleep(0.2)
    finally:
        crowded.stop()
    return {"kib": (most - empty) / count, "peak_mib": most / 1024, "sessions": count}


def verify(peer: Peer) -> str:
    """Return what is wrong with a peer, or nothing."""
    try:
        apart(integrity.verify, peer.doors("probe", integrity.SESSIONS))
    except RuntimeError as e:
        return str(e).splitlines()[0]
    return ""


@dataclass(frozen=True)
class Metric:
    """One row of the results.

    Attributes:
        kind: of doors, ``ws``, ``wss`` or ``xvp``.
        pinned: whether the proxy gets a core of its own: with single messages, whether a wake-up
            crosses cores costs more than what the proxy does.
        fresh: whether each measurement needs processes that have done nothing yet.
        full: whether it belongs to the long run only.
        most: repetitions at most.
        without: peers for which it has no meaning.
    """

    measure: Callable[[Peer], Figures]
    kind: str = "ws"
    pinned: bool = False
    fresh: bool = False
    full: bool = False
    most: int = 100
    without: tuple[str, ...] = ()


def _one(function: Callable[..., Figures], *more: object) -> Callable[[Peer], Figures]:
    """Return a measurement that one client makes, which reads the peer's clock itself."""
    return lambda peer: apart(function, peer.doors("probe", 1)[0], peer.tree.pid, *more)


METRICS: dict[str, Metric] = {
    "bulk": Metric(_one(bulk)),
    "updates1500": Metric(_one(updates, 1500), pinned=True),
    "updates32k": Metric(_one(updates, 32768), pinned=True),
    "events": Metric(_one(events), pinned=True),
    "upload": Metric(_one(upload)),
    "rtt": Metric(_one(trips), pinned=True),
    "typist": Metric(typist),
    "opened": Metric(opened),
    "wss": Metric(_one(bulk), kind="wss"),
    "xvp": Metric(_one(bulk), kind="xvp"),
    "idle": Metric(
        lambda peer: idle(peer, 1000), fresh=True, most=3, without=("direct", "haproxy-1m")
    ),
    "idle-wss": Metric(lambda peer: idle(peer, 1000), kind="wss", fresh=True, full=True, most=1),
    "idle9000": Metric(
        lambda peer: idle(peer, 9000),
        fresh=True,
        full=True,
        most=1,
        without=("direct", "haproxy-1m", "websockify"),
    ),
    "stuck": Metric(
        lambda peer: stuck(peer, 1000), fresh=True, full=True, most=1, without=("direct",)
    ),
}
