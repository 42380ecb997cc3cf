"""A primary, its replicas, and the real sentinels that watch them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence

from .certificates import Authority
from .redis_server import RedisProcess, RedisServer

MASTER = "console"
"""The name that the sentinels know the primary by."""

FIND_LIMIT = 60.0
"""Seconds for the sentinels to find each other and the replicas, or to fail over."""

DOWN_AFTER = 1.0
"""Seconds without an answer after which a sentinel takes a server for down."""


class SentinelServer(RedisProcess):
    """One sentinel.

    Args:
        primary: the host and port to watch.
        quorum: sentinels that must take the primary for down.
        lines: further lines of its configuration file.
        tls: speaks only TLS on its port, with a certificate for ``localhost``.
    """

    def __init__(
        self,
        primary: tuple[str, int],
        quorum: int = 2,
        lines: Sequence[str] = (),
        *,
        tls: bool = False,
    ) -> None:
        super().__init__()
        self.tls = tls
        self.password = ""
        self.ca_file = str(self.folder / "ca.pem")
        host, port = primary
        config = [
            *(self._tls() if tls else (f"port {self.port}",)),
            "bind 127.0.0.1",
            f"dir {self.folder}",
            "sentinel resolve-hostnames yes",
            f"sentinel monitor {MASTER} {host} {port} {quorum}",
            f"sentinel down-after-milliseconds {MASTER} {int(DOWN_AFTER * 1000)}",
            f"sentinel failover-timeout {MASTER} 2000",
            *lines,
        ]
        path = self.folder / "sentinel.conf"
        path.write_text("\n".join(config) + "\n")
        self.options = [str(path), "--sentinel"]

    @property
    def address(self) -> str:
        """Host and port, as in the settings."""
        return f"127.0.0.1:{self.port}"

    def cli(self, *words: str) -> str:
        """Run ``redis-cli`` and return what it prints."""
        tls = ["--tls", "--cacert", self.ca_file] if self.tls else []
        where = ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *tls]
        account = ["-a", self.password, "--no-auth-warning"] if self.password else []
        done = subprocess.run(
            [*where, *account, *words], check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout.rstrip("\n")

    def facts(self) -> dict[str, str]:
        """Return what it knows about the primary."""
        words = self.cli("sentinel", "master", MASTER).splitlines()
        return dict(zip(words[::2], words[1::2], strict=True))

    def primary_port(self) -> int:
        """Return the port of the server that it names."""
        return int(self.cli("sentinel", "get-master-addr-by-name", MASTER).splitlines()[1])

    def _tls(self) -> list[str]:
        certificate, key = Authority(self.folder).issue("localhost", "127.0.0.1")
        return [
            "port 0",
            f"tls-port {self.port}",
            f"tls-cert-file {certificate}",
            f"tls-key-file {key}",
            f"tls-ca-cert-file {self.ca_file}",
            "tls-auth-clients no",
        ]

    def _answer(self) -> bytes:
        if not self.tls:
            return super()._answer()
        try:
            return b"+" + self.cli("ping").encode()
        except subprocess.CalledProcessError:
            return b""


class WatchedRedis:
    """A primary with replicas and sentinels, each a process on a free port.

    Args:
        replicas: number of replicas.
        sentinels: number of sentinels; more than half of them decide.
        options: further words of the command line of each server.
        lines: further lines of the configuration of each sentinel.
    """

    def __init__(
        self,
        replicas: int = 2,
        sentinels: int = 3,
        options: Sequence[str] = (),
        lines: Sequence[str] = (),
    ) -> None:
        options = ["--repl-diskless-sync-delay", "0", *options]
        first = RedisServer(options=options)
        self.servers = [first]
        for _ in range(replicas):
            of_first = ["--replicaof", "127.0.0.1", str(first.port)]
            self.servers.append(RedisServer(options=[*options, *of_first]))
        where = "127.0.0.1", first.port
        quorum = sentinels // 2 + 1
        self.sentinels = [SentinelServer(where, quorum, lines) for _ in range(sentinels)]

    def start(self) -> WatchedRedis:
        """Start all, and wait until the sentinels know each other and the replicas."""
        for each in (*self.servers, *self.sentinels):
            each.start()
        self.wait(self.complete, "the sentinels did not find each other")
        return self

    def remove(self) -> None:
        """End all processes and remove their folders."""
        for each in (*self.sentinels, *self.servers):
            each.remove()

    def primary(self) -> RedisServer:
        """Return the server that the first sentinel names."""
        port = self.sentinels[0].primary_port()
        (found,) = [server for server in self.servers if server.port == port]
        return found

    def replicas(self) -> list[RedisServer]:
        """Return the other servers."""
        primary = self.primary()
        return [server for server in self.servers if server is not primary]

    def addresses(self) -> list[str]:
        """Return the sentinels' addresses, as in the settings."""
        return [sentinel.address for sentinel in self.sentinels]

    def table(self) -> str:
        """Return keys for ``[redis]``."""
        listed = ", ".join(f'"{address}"' for address in self.addresses())
        return f'sentinels = [{listed}]\nmaster = "{MASTER}"\n'

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Wait, without a reactor, until something is the case."""
        give_up = time.monotonic() + FIND_LIMIT
        while not done():
            if time.monotonic() > give_up:
                raise AssertionError(what)
            time.sleep(0.05)

    def complete(self) -> bool:
        """Return whether the sentinels know each other, the replicas, and that all answer."""
        expected = {
            "num-other-sentinels": str(len(self.sentinels) - 1),
            "num-slaves": str(len(self.servers) - 1),
            "flags": "master",
        }
        return all(expected.items() <= each.facts().items() for each in self.sentinels)
