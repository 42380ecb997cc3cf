"""SIGHUP and the programs that a reload is asked from."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from tests.components.ports import free_port
from tests.components.process_case import LIMIT
from tests.components.reload_case import ReloadCase, program, until
from tests.components.viewer import read


class ProgramsTests(ReloadCase):
    """The same under each program that can run the proxy."""

    def setUp(self) -> None:
        super().setUp()
        self.port = free_port()
        self.log, self.audit = self.folder / "log", self.folder / "audit"
        self.config = self.folder / "vncproxy.toml"
        self.config.write_text(
            f'[listen]\nweb = ["tcp:{self.port}:interface=127.0.0.1"]\nxvp = []\napi = []\n'
            f'[log]\naudit = "{self.audit}"\n{self.lab}'
        )

    def start(self, *command: str, **more: Any) -> subprocess.Popen[bytes]:
        script, *arguments = command
        process = subprocess.Popen(
            [program(script), *arguments, "vncproxy", "--config", "vncproxy.toml"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            **more,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=LIMIT):
                return True
        except OSError:
            return False

    def refuse_one(self) -> None:
        """Have a line written to the audit file."""
        with socket.create_connection(("127.0.0.1", self.port), LIMIT) as connection:
            connection.sendall(b"CONNECT /?token=0123456789abcdef HTTP/1.0\r\n\r\n")
            read(connection, 13)

    def assert_files_are_opened_again(self, pid: int) -> None:
        until(self.answers, "start")
        moved = self.folder / "moved"
        self.log.rename(moved)
        self.audit.rename(self.folder / "audit.1")

        os.kill(pid, signal.SIGHUP)

        until(lambda: self.log.exists() and "reloaded" in self.log.read_text(), "a new log")
        self.assertNotIn("reloaded", moved.read_text())
        self.refuse_one()
        self.assertEqual(len(self.audit.read_text().splitlines()), 1)
        self.assertEqual((self.folder / "audit.1").read_text(), "")

    def test_twistd_in_the_foreground(self) -> None:
        process = self.start("twistd", "-n", "--pidfile=", "--logfile=log")

        self.assert_files_are_opened_again(process.pid)

    def test_twistd_in_the_background(self) -> None:
        started = self.start("twistd", "--pidfile=pid", "--logfile=log")
        self.assertEqual(started.wait(LIMIT), 0)
        pid = int((self.folder / "pid").read_text())
        self.addCleanup(os.kill, pid, signal.SIGTERM)

        self.assert_files_are_opened_again(pid)

    def test_twist(self) -> None:
        process = self.start("twist", "--log-file=log")

        self.assert_files_are_opened_again(process.pid)

    def test_a_signal_while_it_starts_does_not_end_it(self) -> None:
        process = self.start("twistd", "-n", "--pidfile=", "--logfile=log")
        until(lambda: _catches_hangup(process.pid), "the handler")

        os.kill(process.pid, signal.SIGHUP)

        until(lambda: "reloaded" in self.log.read_text(), "reload")
        self.assertTrue(self.answers())

    def test_a_terminal_that_goes_away_ends_it(self) -> None:
        """Closing the terminal ends what ran in it."""
        pid, terminal = pty.fork()
        if not pid:
            os.chdir(self.folder)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored where the suite runs under nohup
            twistd = [program("twistd"), "-n", "--pidfile=", "--logfile=log"]
            os.execv(twistd[0], [*twistd, "vncproxy", "--config", "vncproxy.toml"])
        until(self.answers, "start")

        os.close(terminal)

        try:
            until(lambda: os.waitpid(pid, os.WNOHANG)[0], "the end")
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self.assertIn("Server Shut Down", self.log.read_text())

    def test_the_demonstration_ends(self) -> None:
        """It has nothing to reload, and leaves no directory behind."""
        process = subprocess.Popen(
            [program("vncproxy"), "demo", "--port", str(self.port)],
            stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(self.folder)},
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        self.addCleanup(process.stdout.close)
        process.stdout.readline()

        process.send_signal(signal.SIGHUP)

        self.assertEqual(process.wait(LIMIT), 0)
        self.assertEqual(list(self.folder.glob("vncproxy-demo-*")), [])


def _catches_hangup(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGHUP - 1))
