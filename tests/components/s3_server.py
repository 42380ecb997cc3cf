"""A real server that speaks S3 (moto's), in a process of its own, on a free loopback port."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from vncproxy.archive.bucket import Bucket, Place, open_bucket

from .ports import free_port

START_LIMIT = 60.0
"""Seconds for the process to answer."""

ACCESS_KEY, SECRET_KEY = "recorder", "s3cr3t-of-the-bucket"
BUCKET = "recordings"


class S3Server:
    """One server; what it keeps is gone with it.

    Args:
        tls: the files of a certificate and its key; plain without them.
        ca_file: of the authority that issued the certificate.

    Attributes:
        port: on 127.0.0.1.
    """

    def __init__(self, tls: tuple[str, str] | None = None, ca_file: str = "") -> None:
        self.port = free_port()
        self._tls = tls
        self.ca_file = ca_file
        self._client: Any = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def start(self) -> Self:
        """Start it, and wait until it listens."""
        program = Path(sys.executable).with_name("moto_server")
        words = [str(program), "-H", "127.0.0.1", "-p", str(self.port)]
        if self._tls:
            words += ["-s", "-c", self._tls[0], "-k", self._tls[1]]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(words, stdout=quiet, stderr=quiet)
        give_up = time.monotonic() + START_LIMIT
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("moto_server did not start")
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """End it; to be called again harmlessly."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Let it hang: connections are accepted, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def place(self, prefix: str = "", bucket: str = BUCKET, **more: str) -> Place:
        known = {"endpoint": self.endpoint, "region": "us-east-1", "ca_file": self.ca_file}
        members: dict[str, Any] = {**known, **more}
        return Place(bucket, prefix=prefix, access_key=ACCESS_KEY, secret_key=SECRET_KEY, **members)

    def bucket(self, prefix: str = "", **more: str) -> Bucket:
        """Return the bucket, which is there; all share one client, which is dear to make."""
        if self._client is None:
            self._client = open_bucket(self.place(prefix, **more))._client
            self._client.create_bucket(Bucket=BUCKET)
        return Bucket(self.place(prefix), self._client)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True
