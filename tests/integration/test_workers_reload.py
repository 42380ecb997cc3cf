"""A proxy with workers reads its configuration again, and is replaced by another version."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time

import vncproxy
from tests.components.viewer import Refused, Viewer
from tests.components.workers import until
from tests.integration.test_workers import WorkersCase

HANGUP, UPGRADE = signal.SIGHUP, signal.SIGUSR2
REFUSED = "not reloaded, everything goes on as before"


class SlowUser(threading.Thread):
    """Connects again and again, and takes a moment until it asks for something."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._stopped = threading.Event()
        self.answers: list[bytes] = []
        self.start()

    def run(self) -> None:
        """Ask until told to stop; called by the thread."""
        while not self._stopped.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self._port), 60) as connection:
                    time.sleep(0.2)
                    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                    self.answers.append(connection.recv(15))
            except OSError as e:
                self.answers.append(repr(e).encode())

    def finish(self) -> None:
        time.sleep(0.05)
        self._stopped.set()
        self.join()


class ReloadTests(WorkersCase):
    def test_all_workers_apply_it_or_none(self) -> None:
        self.start()
        sessions = self.proxy.open_in_each()

        self.write("sessions = 80", "sessions = 60")
        told = self.proxy.signal(HANGUP, "configuration reloaded: ")
        self.assertIn("configuration reloaded: [limits] sessions", told)
        until(lambda: self.metrics()["vncproxy_sessions_limit"] == 60, "both have a part")
        self.assertEqual(self.metrics()["vncproxy_configuration_in_force"], 1)

        self.write("sessions = 60", "sessions = 'many'")
        told = self.proxy.signal(HANGUP, REFUSED)
        self.assertEqual(told.count("[limits] sessions: "), 1, told)
        until(lambda: self.metrics()["vncproxy_configuration_in_force"] == 0, "it is seen")
        self.assertEqual(self.metrics()["vncproxy_sessions_limit"], 60)

        os.kill(self.proxy.worker("worker 1").pid, signal.SIGKILL)
        until(lambda: self.gateway.log().count("worker 1 (process") == 2, "it is replaced")
        until(lambda: self.metrics()["vncproxy_sessions_limit"] == 60, "with what was in force")

        self.assertIn("not upgraded", self.proxy.signal(UPGRADE, "not upgraded"))
        self.write("sessions = 'many'", "sessions = 40")
        self.proxy.signal(HANGUP, "configuration reloaded: ")
        until(lambda: self.metrics()["vncproxy_sessions_limit"] == 40, "both have a part")
        until(lambda: self.metrics()["vncproxy_configuration_in_force"] == 1, "it is seen")
        self.assertTrue(sessions["worker 2"].types(0x61))
        self.assertEqual({process.generation for process in self.proxy.workers}, {1})

    def write(self, old: str, new: str) -> None:
        text = self.gateway.config.read_text()
        self.assertIn(old, text)
        self.gateway.config.write_text(text.replace(old, new))


class UpgradeTests(WorkersCase):
    def setUp(self) -> None:
        super().setUp()
        self.installed = self.gateway.folder / "installed"
        self.package = self.installed / "vncproxy"
        (source,) = vncproxy.__path__
        shutil.copytree(source, self.package, ignore=shutil.ignore_patterns("__pycache__"))
        self.gateway.environment["PYTHONPATH"] = str(self.installed)

    def install(self, version: str, more: str = "") -> None:
        """Install another version, which has the same code."""
        path = self.package / "__init__.py"
        lines = path.read_text().splitlines()
        lines = [line for line in lines if not line.startswith("__version__")]
        path.write_text("\n".join([*lines, f'__version__ = "{version}"', more, ""]))

    def test_a_reload_after_an_installation_replaces_the_workers(self) -> None:
        self.start()
        sessions = self.proxy.open_in_each()
        before = [process.pid for process in self.proxy.workers]

        self.install("9.1")
        slow = [SlowUser(self.gateway.web_port) for _ in range(10)]
        self.proxy.signal(HANGUP, "upgraded to 9.1")
        for user in slow:
            user.finish()
        self.assertEqual({answer for user in slow for answer in user.answers}, {b"HTTP/1.1 200 OK"})

        self.assertTrue(all(session.types(0x61) for session in sessions.values()))
        newer = self.proxy.open()
        self.assertIn(newer.worker, ("worker 1.2", "worker 2.2"))
        self.assertEqual(len(self.proxy.workers), 4)
        self.assertEqual(self.metrics()["vncproxy_workers"], 2)
        self.check_metrics()

        self.install("9.2", "this is no Python")
        told = self.proxy.signal(HANGUP, "not upgraded, the workers stay as they are")
        self.assertIn("SyntaxError", told)
        self.assertTrue(newer.types(0x62))
        self.assertIn(self.proxy.open().worker, ("worker 1.2", "worker 2.2"))

        for session in self.proxy.sessions:
            if "." not in session.worker:
                session.viewer.close()
                session.hypervisor.close()
        until(lambda: len(self.proxy.workers) == 2, "the old workers end with their sessions")
        self.assertFalse({process.pid for process in self.proxy.workers} & set(before))
        self.assertTrue(newer.types(0x63))
        self.check_metrics()
        self.assertEqual(self.ready(), 200)

    def check_metrics(self) -> None:
        """Sessions of both generations are counted, also of workers that have ended."""
        opened = len(self.proxy.opened())
        until(lambda: self.metrics()["vncproxy_open_seconds_count"] == opened, "all are counted")


class DrainTests(WorkersCase):
    def test_a_proxy_that_is_drained_and_upgraded_at_once_stays_drained(self) -> None:
        self.start()
        session = self.proxy.open()
        (proxy,) = self.gateway.call("GET", "/v1/proxies")[1]["proxies"]

        self.gateway.call("POST", f"/v1/proxies/{proxy['id']}/drain")
        self.proxy.signal(UPGRADE, "upgraded to")

        until(lambda: {self.ready() for _ in range(6)} == {503}, "no worker is ready")
        token = self.gateway.issue("lab/web-01", type="xvpvnc")["token"]
        with self.assertRaises(Refused):
            Viewer.connect(self.gateway.xvp_port, token)
        self.assertTrue(session.types(0x61))
        self.assertIs(self.gateway.call("GET", "/v1/proxies")[1]["proxies"][0]["draining"], True)


class SingleProcessTests(WorkersCase):
    def test_it_says_what_an_upgrade_needs(self) -> None:
        text = self.gateway.config.read_text()
        self.gateway.config.write_text(text.replace("workers = 2", "workers = 1"))
        self.start()

        told = self.proxy.signal(UPGRADE, "nothing is upgraded")

        self.assertIn("supervisor = true", told)
        self.assertEqual(self.proxy.workers, [])

    def test_one_worker_may_have_a_supervisor(self) -> None:
        text = self.gateway.config.read_text()
        self.gateway.config.write_text(text.replace("workers = 2", "supervisor = true"))
        self.start()
        session = self.proxy.open()

        self.proxy.signal(UPGRADE, "upgraded to")

        self.assertTrue(session.types(0x61))
        self.assertEqual(self.proxy.open().worker, "worker 1.2")
