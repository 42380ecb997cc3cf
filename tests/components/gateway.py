"""A real ``twistd vncproxy`` for a test: its own process, configuration, ports and log."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from vncproxy.session.audit import TOKEN_PREFIX

from .ports import free_port

START_LIMIT = 90.0
"""Seconds for the process to answer."""

LOG_LIMIT = 30.0
"""Seconds for a line of the log to be written."""

T = TypeVar("T")


class Gateway:
    """One proxy process on loopback, with an API key that may do everything.

    Args:
        config: TOML text with the tables that the test is about; listeners, public URLs and the
            API key are added.
        web: an endpoint string for browsers instead of plain TCP; ``{port}`` is filled in.
        xvp: the same for TCP viewers.
        scheme: of both public URLs.
        tables: further keys of tables which are written here already, by table name.
        base_url: the public URL, where that is a load balancer's.

    Attributes:
        reactor: the name of the reactor to start with; empty for the default.
        descriptors: file descriptors that the process may have; 0 for as many as the test has.
        host: the address of its API.
        launcher: words of the command line before the program, such as a program that starts it.
        environment: variables for the process, beside those of the test.
    """

    def __init__(
        self,
        config: str = "",
        *,
        web: str = "tcp:{port}:interface=127.0.0.1",
        xvp: str = "tcp:{port}:interface=127.0.0.1",
        scheme: str = "http",
        tables: dict[str, str] | None = None,
        base_url: str = "",
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-"))
        self.web_port, self.xvp_port, self.api_port = free_port(), free_port(), free_port()
        self.key = secrets.token_urlsafe(32)
        self.config = self.folder / "vncproxy.toml"
        self._log = self.folder / "log"
        self._log_begin = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.reactor = ""
        self.descriptors = 0
        self.host = "127.0.0.1"
        self.launcher: list[str] = []
        self.environment: dict[str, str] = {}
        digest = hashlib.sha256(self.key.encode()).hexdigest()
        more = tables or {}
        host = "127.0.0.1" if scheme == "http" else "localhost"
        self.config.write_text(f"""
[public]
base_url = "{base_url or f"{scheme}://{host}:{self.web_port}/"}"
xvp_url = "{scheme}://{host}:{self.xvp_port}/console"
{more.get("public", "")}
[listen]
web = ['{web.format(port=self.web_port)}']
xvp = ['{xvp.format(port=self.xvp_port)}']
api = ["tcp:{self.api_port}:interface=127.0.0.1"]
{more.get("listen", "")}
[api.keys.test]
hash = "sha256:{digest}"
scopes = ["admin", "approve"]
{config}
""")

    def start(self) -> Gateway:
        """Start the process and wait until its API answers."""
        command = [
            *(["prlimit", f"--nofile={self.descriptors}"] if self.descriptors else []),
            *self.launcher,
            str(Path(sys.executable).with_name("twistd")),
            *([f"--reactor={self.reactor}"] if self.reactor else []),
            *("-n", "--pidfile=", "vncproxy", "--config", str(self.config)),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
            )
        give_up = time.monotonic() + START_LIMIT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the gateway did not start:\n{self.log()}")
            time.sleep(0.05)
        return self

    def stop(self) -> int:
        """Stop without a drain and wait; returns the exit status. The folder goes with it."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.2)
        status = self.terminate()  # a second SIGTERM does not wait for sessions
        shutil.rmtree(self.folder, ignore_errors=True)
        return status

    def terminate(self, limit: float = 60.0) -> int:
        """Send SIGTERM and wait; returns the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(limit)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def kill(self) -> None:
        """Send SIGKILL and wait."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def signal_reload(self) -> None:
        """Send SIGHUP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    @property
    def started(self) -> bool:
        """Whether there is a process, or was."""
        return self._process is not None

    def wait(self, limit: float = 60.0) -> int:
        """Wait until the process has ended; returns the exit status."""
        assert self._process is not None
        return self._process.wait(limit)

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """Return all that the process has printed, since `begin_log` if that was called."""
        return self._log.read_bytes()[self._log_begin :].decode(errors="replace")

    def begin_log(self) -> None:
        """Let `log`, and audit lines in it, begin with what comes from now on."""
        self._log_begin = self._log.stat().st_size

    def audit(self, event: str = "") -> list[dict[str, Any]]:
        """Return the audit lines that are written by now, of one kind of event or all sessions."""
        marker = "vncproxy.session.audit.AuditLog#info] "
        whole, _, _ = self.log().rpartition("\n")
        lines = [line.partition(marker)[2] for line in whole.splitlines() if marker in line]
        events = [json.loads(line) for line in lines]
        if event:
            return [line for line in events if line["event"] == event]
        return [line for line in events if not line["event"].startswith("api-")]

    def audit_of(self, event: str, *, count: int = 1, **members: object) -> dict[str, Any]:
        """Return the newest of `count` audit lines of one kind of event, once they are written.

        The process writes a line a moment after a viewer sees what it is about, and sessions of
        other tests may write theirs in between: so say whose line it is.

        Args:
            event: ``open``, ``close`` or ``refuse``.
            count: how many such lines there have to be.
            members: what the lines have; ``token`` is the whole token.
        """
        if token := members.get("token"):
            members["token"] = hashlib.sha256(str(token).encode()).hexdigest()[:TOKEN_PREFIX]
        enough = partial(self._audit_with, event, members, count)
        return self._until(enough, f"{count} lines with {event} {members}")[-1]

    def _audit_with(
        self, event: str, members: dict[str, object], count: int
    ) -> list[dict[str, Any]]:
        lines = [line for line in self.audit(event) if members.items() <= line.items()]
        return lines if len(lines) >= count else []

    def until_logged(self, text: str, count: int = 1) -> str:
        """Wait until the log has a text so often; returns the log."""
        return self._until(
            lambda: log if (log := self.log()).count(text) >= count else "", repr(text)
        )

    def _until(self, find: Callable[[], T], what: str) -> T:
        """Return what is found, once something is."""
        give_up = time.monotonic() + LOG_LIMIT
        while not (found := find()):
            if time.monotonic() > give_up:
                raise AssertionError(f"not within {LOG_LIMIT:g} s: {what}\n{self.log()}")
            time.sleep(0.05)
        return found

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the API; returns the status and the JSON answer."""
        request = urllib.request.Request(
            f"http://{self.host}:{self.api_port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read() or b"null")

    def metric(self, name: str) -> float:
        """Return a figure of ``/metrics`` that has no labels."""
        request = urllib.request.Request(
            f"http://{self.host}:{self.api_port}/metrics",
            headers={"Authorization": f"Bearer {self.key}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            lines = [line.split() for line in answer.read().decode().splitlines()]
        return next(float(line[1]) for line in lines if line[0] == name)

    def issue(self, vm: str, **more: Any) -> dict[str, Any]:
        """Issue a token; returns the API's answer with ``token`` and ``url``."""
        status, answer = self.call("POST", "/v1/tokens", {"vm": vm, "user": "alice", **more})
        if status != 201:
            raise AssertionError(f"no token: {status} {answer}")
        issued: dict[str, Any] = answer
        return issued

    def _answers(self) -> bool:
        try:
            return self.call("GET", "/healthz")[0] == 200
        except OSError:
            return False
