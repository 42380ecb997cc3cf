"""One log for a proxy with workers, and one user: twistd in the background, twist, logrotate."""

from __future__ import annotations

import grp
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.components.syslog import Syslog
from tests.components.workers import is_alive, processes, until
from tests.integration.test_workers import WorkersCase


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def wrote(lines: Iterable[str]) -> set[str]:
    """Return the workers that say that they have issued a token."""
    issued = [line for line in lines if "api key test issued" in line]
    return {found[1] for line in issued if (found := re.search(r"\[(worker \d)", line))}


class LogsTests(WorkersCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = self.gateway.folder
        self.log = self.folder / "vncproxy.log"

    def run_in_background(self, *options: str, launcher: Sequence[str] = ()) -> int:
        """Run twistd in the background; returns the process's number."""
        pid = self.folder / "pid"
        words = [*launcher, program("twistd"), f"--pidfile={pid}", *options]
        done = subprocess.run(
            [*words, "vncproxy", "--config", str(self.gateway.config)],
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        number = int(pid.read_text())
        self.addCleanup(self.end, number)
        until(self.answers, "the API answers")
        return number

    def answers(self) -> bool:
        try:
            return self.gateway.call("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def end(self, number: int) -> None:
        if is_alive(number):
            os.kill(number, signal.SIGTERM)
            until(lambda: not is_alive(number), "the supervisor ends")

    def both_wrote(self) -> bool:
        """Issue a token; returns whether lines of both workers say that they have issued some."""
        self.gateway.issue("lab/web-01")
        return wrote(self.log.read_text().splitlines()) == {"worker 1", "worker 2"}

    def test_a_log_file_that_logrotate_renames(self) -> None:
        number = self.run_in_background(f"--logfile={self.log}")
        until(self.both_wrote, "lines of both workers")
        workers = processes(number)

        old = self.log.rename(self.folder / "vncproxy.log.1")
        os.kill(number, signal.SIGHUP)

        until(self.log.exists, "a new file")
        until(self.both_wrote, "lines of both workers in the new file")
        self.assertIn("configuration reloaded: nothing has changed", old.read_text())
        self.end(number)
        self.assertEqual([each for each in workers if is_alive(each.pid)], [])
        self.assertNotIn("Traceback", old.read_text() + self.log.read_text())

    def test_workers_have_the_user_and_group_that_twistd_takes(self) -> None:
        group = grp.getgrnam("nogroup").gr_gid
        number = self.run_in_background(
            f"--logfile={self.log}", f"--uid={os.getuid()}", f"--gid={group}"
        )

        workers = processes(number)
        self.assertEqual(len(workers), 2)
        groups = {Path(f"/proc/{each.pid}").stat().st_gid for each in workers}
        self.assertEqual(groups, {group})

    def test_syslog_has_the_lines_of_workers_too(self) -> None:
        syslog = Syslog(self.folder / "syslog")
        self.addCleanup(syslog.stop)
        syslog.start()
        number = self.run_in_background("--syslog", "--prefix=consoles", launcher=syslog.launcher)

        def both_wrote() -> bool:
            self.gateway.issue("lab/web-01")
            return wrote(syslog.lines) == {"worker 1", "worker 2"}

        until(both_wrote, "lines of both workers")
        os.kill(processes(number)[0].pid, signal.SIGKILL)
        until(lambda: any("ended by signal SIGKILL" in line for line in syslog.lines), "its end")
        line = next(line for line in syslog.lines if "ended by signal SIGKILL" in line)
        self.assertIn("consoles", line)
        self.assertTrue(all(re.match("<[0-9]+>", line) for line in syslog.lines))

    def test_twist_runs_them_too(self) -> None:
        with subprocess.Popen(
            [
                *(program("twist"), f"--log-file={self.log}", "vncproxy"),
                *("--config", str(self.gateway.config)),
            ],
            cwd=self.folder,
        ) as running:
            self.addCleanup(self.end, running.pid)
            until(self.answers, "the API answers")
            until(self.both_wrote, "lines of both workers")
            workers = processes(running.pid)
            running.send_signal(signal.SIGTERM)
            running.wait(60)
        self.assertEqual([each for each in workers if is_alive(each.pid)], [])
