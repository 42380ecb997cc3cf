"""The proxies that are compared, each a process of its own behind doors of one kind."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.components.gateway import Gateway
from tests.components.ports import free_port

from . import haproxy, ours
from .client import Door
from .measure import Tree
from .world import World

START_LIMIT = 20.0
NODE = Path(__file__).parent / "node"


class Peer:
    """One proxy; here the one that is none: the client dials the fake server itself.

    Attributes:
        most_idle: how many idle sessions it is asked to hold at most.
        most_stuck: how many flooded ones.
    """

    most_idle = 100_000
    most_stuck = 100_000

    def __init__(self, world: World, kind: str) -> None:
        self.world = world
        self.kind = kind
        self.tree = Tree(None)

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""

    def stop(self) -> None:
        """Stop it by its process id."""

    def doors(self, vm: str, count: int) -> list[Door]:
        """Return ways in to a machine, each good for one session."""
        fake = self.world.fakes[vm]
        raw = self.kind == "xvp"
        return [Door(fake.raw if raw else fake.framed, "tcp" if raw else self.kind)] * count


class Ours(Peer):
    """The whole product, with a fresh single-use token for each door."""

    relay = ""

    def start(self) -> None:
        targets = {vm: fake.raw for vm, fake in self.world.fakes.items()}
        self._gateway: Gateway = ours.gateway(self.world.redis, self.kind, targets, self.relay)
        self._gateway.start()
        self.tree = Tree(self._gateway.pid)

    def stop(self) -> None:
        self._gateway.stop()

    def doors(self, vm: str, count: int) -> list[Door]:
        xvp = self.kind == "xvp"
        tokens = ours.issue(self.world.redis, vm, "xvpvnc" if xvp else "novnc", count)
        port = self._gateway.xvp_port if xvp else self._gateway.web_port
        return [Door(port, "connect" if xvp else self.kind, token) for token in tokens]


class Plain(Ours):
    """The same with the relay that does nothing clever."""

    relay = "[relay]\nfast = false"


class Command(Peer):
    """A peer that is one command."""

    def command(self) -> list[str]:
        """Return the command line."""
        raise NotImplementedError

    def start(self) -> None:
        self.port = free_port()
        log = (self.world.folder / f"{type(self).__name__}-{self.port}.log").open("wb")
        with log:
            self._process = subprocess.Popen(
                self.command(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.tree = Tree(self._process.pid)
        give_up = time.monotonic() + START_LIMIT
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"did not start: {Path(log.name).read_text()[-500:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


class Websockify(Command):
    """websockify from PyPI with numpy, tokens from a file, one process per session."""

    most_idle = 200
    most_stuck = 20  # its buffers have no limit

    def command(self) -> list[str]:
        tokens = self.world.folder / "tokens"
        fakes = self.world.fakes.items()
        tokens.write_text("".join(f"{vm}: 127.0.0.1:{fake.raw}\n" for vm, fake in fakes))
        tls = ["--cert", self.world.certificate, "--key", self.world.key, "--ssl-only"]
        return [
            str(Path(sys.executable).with_name("websockify")),
            *("--token-plugin", "TokenFile", "--token-source", str(tokens)),
            *(tls if self.kind == "wss" else []),
            f"127.0.0.1:{self.port}",
        ]

    def doors(self, vm: str, count: int) -> list[Door]:
        return [Door(self.port, self.kind, vm)] * count


class Node(Command):
    """Thirty lines of node with the package ws."""

    def command(self) -> list[str]:
        if not (NODE / "node_modules").exists():
            npm = shutil.which("npm") or "npm"
            subprocess.run([npm, "ci", "--silent"], cwd=NODE, check=True, timeout=120)
        fakes = self.world.fakes.items()
        targets = [f"{vm}=127.0.0.1:{fake.raw}" for vm, fake in fakes]
        return ["node", str(NODE / "proxy.js"), str(self.port), *targets]

    def doors(self, vm: str, count: int) -> list[Door]:
        return [Door(self.port, self.kind, vm)] * count


class HAProxy(Command):
    """HAProxy in TCP mode: it forwards the WebSocket stream to a server that speaks it."""

    options = haproxy.Options()

    def command(self) -> list[str]:
        self._ports = {"probe": self.port, "load": free_port()}
        raw = self.kind == "xvp"
        targets = {vm: fake.raw if raw else fake.framed for vm, fake in self.world.fakes.items()}
        file = self.world.folder / f"haproxy-{self.port}.cfg"
        file.write_text(haproxy.config(self._ports, targets, self.options))
        return ["haproxy", "-db", "-f", str(file)]

    def doors(self, vm: str, count: int) -> list[Door]:
        return [Door(self._ports[vm], "tcp" if self.kind == "xvp" else self.kind)] * count


class HAProxyLarge(HAProxy):
    """The same with buffers of 1 MiB."""

    options = haproxy.Options(buffer=1 << 20)


class HAProxySplice(HAProxy):
    """The same with buffers of 1 MiB and splice."""

    options = haproxy.Options(buffer=1 << 20, splice=True)


MakePeer = Callable[[World, str], Peer]
PEERS: dict[str, dict[str, MakePeer]] = {
    "ws": {
        "ours": Ours,
        "plain": Plain,
        "websockify": Websockify,
        "haproxy": HAProxy,
        "haproxy-1m": HAProxyLarge,
        "node": Node,
        "direct": Peer,
    },
    "wss": {"ours": Ours, "plain": Plain, "websockify": Websockify},
    "xvp": {
        "ours": Ours,
        "plain": Plain,
        "haproxy": HAProxy,
        "haproxy-splice": HAProxySplice,
        "direct": Peer,
    },
}
"""By kind of door: ``ws``, ``wss``, ``xvp`` (CONNECT for us, bare TCP for the others)."""
