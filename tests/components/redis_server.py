"""A real redis-server for a test, on a free loopback port, in a folder that goes with it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from .certificates import Authority
from .ports import free_port

START_LIMIT = 60.0
"""Seconds for the process to answer."""


class RedisProcess:
    """One process of the program ``redis-server``, answering on a free port of 127.0.0.1.

    Attributes:
        options: words of the command line, for the next start.
        port: plain TCP port on 127.0.0.1.
    """

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise FileNotFoundError("redis-server is not installed; make test installs it")
        self.folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self.port = free_port()
        self.options: list[str] = []
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, loaded: bool = True) -> Self:
        """Start it, or start it again on the same port, and wait until it answers.

        Args:
            loaded: whether to wait until its data are loaded, too.
        """
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, *self.options], stdout=log, stderr=subprocess.STDOUT
            )
        good = (b"+PONG", b"-NOAUTH") if loaded else (b"+PONG", b"-NOAUTH", b"-LOADING")
        give_up = time.monotonic() + START_LIMIT
        while not self._answer().startswith(good):
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"redis-server did not start: {self.log()}")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Stop it in good order; to be called again harmlessly."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def pause(self) -> None:
        """Let it hang: connections stay, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on, with whatever has arrived meanwhile."""
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """Stop it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Return what it has written so far."""
        return (self.folder / "log").read_text()

    def _answer(self) -> bytes:
        """Return its answer to a PING, which may be an error such as NOAUTH."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64)
        except OSError:
            return b""

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(how)
        process.wait(60)

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None, "the server is not running"
        self._process.send_signal(which)


class RedisServer(RedisProcess):
    """One ``redis-server`` process, started and stopped by the test that made it.

    ``start`` and ``stop`` block until it is done. Nothing is saved to disk, so a restarted server
    is empty.

    Args:
        acl: lines of an ACL file (``user …``); empty leaves the default user without a password.
        password: of the default user.
        tls: a further port with a certificate for ``localhost``, made by the authority ``ca_file``.
        options: further words of the command line.

    Attributes:
        options: words of the command line, for the next start.
        port: plain TCP port on 127.0.0.1.
        tls_port: TLS port on 127.0.0.1, 0 when there is none.
        path: unix socket.
        ca_file: PEM of the authority.
    """

    def __init__(
        self,
        *,
        acl: Sequence[str] = (),
        password: str = "",
        tls: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.tls_port = free_port() if tls else 0
        self.path = str(self.folder / "redis.sock")
        self.ca_file = str(self.folder / "ca.pem")
        self.options = [*self._common(), *options]
        if password:
            self.options += ["--requirepass", password]
        if acl:
            (self.folder / "users.acl").write_text("\n".join(acl) + "\n")
            self.options += ["--aclfile", str(self.folder / "users.acl")]
        if tls:
            self.options += self._tls()

    def cli(self, *words: str) -> str:
        """Run ``redis-cli`` over the unix socket and return what it prints."""
        done = subprocess.run(
            ["redis-cli", "-s", self.path, *words],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout.rstrip("\n")

    def _common(self) -> list[str]:
        return [
            *("--bind", "127.0.0.1"),
            *("--port", str(self.port)),
            *("--unixsocket", self.path),
            *("--dir", str(self.folder)),
            *("--save", ""),
            *("--appendonly", "no"),
        ]

    def _tls(self) -> list[str]:
        authority = Authority(self.folder)
        certificate, key = authority.issue("localhost")
        return [
            *("--tls-port", str(self.tls_port)),
            *("--tls-cert-file", certificate),
            *("--tls-key-file", key),
            *("--tls-ca-cert-file", self.ca_file),
            *("--tls-auth-clients", "no"),
        ]
