"""A proxy with workers: one service, whichever process serves; none is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.workers import LIMIT, WorkersProxy, is_alive, until

LIMITS = "[limits]\nsessions = 80\nsessions_per_vm = 100\nsessions_per_address = 100\n"


def links_of(pid: int) -> list[str]:
    """Return what the descriptors of a process are."""
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.append(os.readlink(descriptor))
    return found


class WorkersCase(SynchronousTestCase):
    workers: int = 2
    more = LIMITS
    options: dict[str, Any] = {}

    def setUp(self) -> None:
        self.proxy = WorkersProxy(self.workers, self.more, **self.options)
        self.addCleanup(self.proxy.stop)
        self.gateway = self.proxy.gateway
        self.audit = self.gateway.folder / "audit"

    def start(self) -> None:
        self.proxy.start()

    def metrics(self) -> dict[str, float]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.gateway.api_port}/metrics",
            headers={"Authorization": f"Bearer {self.gateway.key}"},
        )
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            lines = answer.read().decode().splitlines()
        found = [line.rpartition(" ") for line in lines if not line.startswith("#")]
        return {name: float(value) for name, _, value in found}

    def ready(self) -> int:
        return self.gateway.call("GET", "/readyz")[0]


class OneServiceTests(WorkersCase):
    def test_workers_are_one_service(self) -> None:
        self.start()
        sessions = self.proxy.open_in_each()
        opened = len(self.proxy.opened())

        self.assertEqual(set(sessions), {"worker 1", "worker 2"})
        until(lambda: self.metrics()["vncproxy_sessions_open"] == opened, "all are counted")
        metrics = self.metrics()
        self.assertEqual(metrics["vncproxy_open_seconds_count"], opened)
        self.assertEqual(metrics["vncproxy_workers"], 2)
        self.assertEqual(metrics["vncproxy_sessions_limit"], 80)
        self.assertGreater(metrics["process_resident_memory_bytes"], 60e6)
        for _ in range(8):
            self.assertEqual(self.ready(), 200)
        self.check_processes()
        self.check_kill(sessions)
        self.check_restart_loop()
        self.check_drain()

    def check_processes(self) -> None:
        """What ``ps`` shows, and what a worker has inherited."""
        supervisor = self.gateway.pid
        folder = Path(f"/proc/{supervisor}/environ").read_bytes()
        self.assertNotIn(b"VNCPROXY_INHERITED", folder)
        for process in self.proxy.workers:
            command = Path(f"/proc/{process.pid}/cmdline").read_text()
            self.assertIn("--config", command)
            self.assertNotIn(self.gateway.key, command)
            self.assertEqual(
                Path(f"/proc/{process.pid}/comm").read_text(), f"vncproxy-{process.number}\n"
            )
            links = links_of(process.pid)
            self.assertEqual([link for link in links if "memfd" in link], [])
            of_supervisor = links_of(supervisor)
            shared = {link for link in links if link in of_supervisor and "socket" in link}
            self.assertEqual(len(shared), 3, "nothing but the listening sockets is shared")

    def check_kill(self, sessions: dict[str, Any]) -> None:
        """A worker that is killed takes its own sessions with it, and is replaced."""
        killed = self.proxy.worker("worker 1")
        os.kill(killed.pid, signal.SIGKILL)
        self.assertTrue(sessions["worker 1"].has_ended())
        self.assertTrue(sessions["worker 2"].types(0x61))
        until(lambda: len(self.proxy.workers) == 2, "a new worker")
        self.assertNotIn(killed.pid, [process.pid for process in self.proxy.workers])
        until(lambda: self.gateway.log().count("worker 1 (process") == 2, "it serves")
        self.gateway.until_logged("worker 1 ended by signal SIGKILL")
        # it was announced for fifteen seconds more, and would have had to confirm this order
        self.assertEqual(
            self.gateway.call("DELETE", "/v1/sessions?user=nobody"), (200, {"ended": 0})
        )
        until(lambda: self.metrics()["vncproxy_worker_restarts_total"] == 1, "counted")
        of_second = [name for name, worker in self.proxy.opened().items() if worker == "worker 2"]
        self.assertEqual(self.metrics()["vncproxy_sessions_open"], len(of_second))
        self.assertEqual(self.metrics()["vncproxy_open_seconds_count"], len(self.proxy.opened()))

    def check_restart_loop(self) -> None:
        """A worker that ends again and again is started after longer and longer pauses."""
        for _ in range(2):
            serving = self.gateway.log().count("serves")
            os.kill(self.proxy.worker("worker 1").pid, signal.SIGKILL)
            until(partial(self.served, serving + 1), "a new worker")
        pauses = re.findall(r"another one starts in ([\d.]+) s", self.gateway.log())
        self.assertEqual(pauses, ["0.2", "0.4", "0.8"])

    def check_drain(self) -> None:
        """A worker that is started again in a drained proxy takes no sessions either."""
        (proxy,) = self.gateway.call("GET", "/v1/proxies")[1]["proxies"]
        self.gateway.call("POST", f"/v1/proxies/{proxy['id']}/drain")
        until(lambda: self.drained() == 2, "both drain")

        os.kill(self.proxy.worker("worker 1").pid, signal.SIGKILL)

        until(lambda: self.drained() == 3, "the new one drains")
        until(lambda: {self.ready() for _ in range(6)} == {503}, "no worker is ready")

    def drained(self) -> int:
        return self.gateway.log().count("draining: no new sessions are taken")

    def served(self, times: int) -> bool:
        return self.gateway.log().count("serves") == times


class EndTests(WorkersCase):
    def test_sigterm_ends_all_with_their_reason_and_leaves_nothing(self) -> None:
        self.start()
        sessions = self.proxy.open_in_each()
        workers = [process.pid for process in self.proxy.workers]
        folder = self.metrics_folder()
        self.assertTrue(folder.is_dir())

        self.assertEqual(self.gateway.stop(), -signal.SIGTERM)

        for session in sessions.values():
            session.viewer.wait_for_end()
        self.assertEqual([pid for pid in workers if is_alive(pid)], [])
        self.assertFalse(folder.exists())

    def metrics_folder(self) -> Path:
        environment = Path(f"/proc/{self.proxy.workers[0].pid}/environ").read_text().split("\0")
        variables = dict(each.partition("=")[::2] for each in environment)
        return Path(variables["PROMETHEUS_MULTIPROC_DIR"])

    def test_workers_end_with_a_supervisor_that_is_killed(self) -> None:
        self.start()
        session = self.proxy.open()
        workers = [process.pid for process in self.proxy.workers]

        os.kill(self.gateway.pid, signal.SIGKILL)

        session.viewer.wait_for_end()
        until(lambda: not any(map(is_alive, workers)), "all workers have ended")

    def test_a_worker_that_hangs_is_replaced(self) -> None:
        self.gateway.environment |= {"WATCHDOG_USEC": "3000000"}
        self.start()
        stopped = self.proxy.worker("worker 2").pid
        os.kill(stopped, signal.SIGSTOP)

        until(lambda: "worker 2 does not answer" in self.gateway.log(), "it is noticed")

        until(lambda: self.gateway.log().count("worker 2 (process") == 2, "it is replaced")
        self.assertFalse(is_alive(stopped))

    def test_a_port_in_use_is_one_sentence(self) -> None:
        taken = f"tcp:{self.proxy.redis.port}:interface=127.0.0.1"
        text = self.gateway.config.read_text()
        mine = f"tcp:{self.gateway.xvp_port}:interface=127.0.0.1"
        self.gateway.config.write_text(text.replace(mine, taken))

        with self.assertRaises(RuntimeError):
            self.start()

        self.assertIn("vncproxy: Couldn't listen on", self.gateway.log())
        self.assertNotIn("Traceback", self.gateway.log())

    def test_a_key_that_cannot_be_read_is_told_at_once(self) -> None:
        text = self.gateway.config.read_text()
        mine = f"tcp:{self.gateway.web_port}:interface=127.0.0.1"
        ssl = f"ssl:{self.gateway.web_port}:privateKey=/nowhere/key.pem"
        self.gateway.config.write_text(text.replace(mine, ssl))

        with self.assertRaises(RuntimeError):
            self.start()

        self.assertIn("/nowhere/key.pem", self.gateway.log())
        self.assertNotIn("Traceback", self.gateway.log())


class AuditTests(WorkersCase):
    def test_sessions_of_a_killed_worker_are_closed_as_lost(self) -> None:
        text = self.gateway.config.read_text()
        self.gateway.config.write_text(f'{text}\n[log]\naudit = "{self.audit}"\n')
        self.start()
        viewer, _ = self.proxy.view()
        until(lambda: self.lines("open"), "the opening line")
        (opened,) = self.lines("open")
        for process in self.proxy.workers:
            os.kill(process.pid, signal.SIGKILL)
        with contextlib.suppress(ConnectionResetError):
            viewer.wait_for_end()
        until(lambda: self.lines("close"), "the closing line")

        (closed,) = self.lines("close")
        self.assertEqual((closed["session"], closed["reason"]), (opened["session"], "lost"))

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.audit.read_text().splitlines()]
        return [line for line in found if line["event"] == event]
