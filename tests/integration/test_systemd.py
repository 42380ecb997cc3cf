"""The proxy and systemd: what it tells, sockets that it is given, and the watchdog."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress as suppressing
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.ports import free_port
from tests.components.workers import WorkersProxy, is_alive, processes, until


class NotifySocket:
    """The socket on which systemd hears what a service tells it."""

    def __init__(self) -> None:
        self.name = f"@vncproxy-test-{os.getpid()}-{free_port()}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.name[1:])
        self._socket.setblocking(False)
        self.told: list[str] = []

    def lines(self) -> list[str]:
        """Return all lines that have been told."""
        with suppressing(BlockingIOError):
            while True:
                self.told += self._socket.recv(65536).decode().splitlines()
        return self.told

    def forget(self) -> None:
        self.lines()
        self.told.clear()

    def close(self) -> None:
        self._socket.close()


class NotifyCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.systemd = NotifySocket()
        self.addCleanup(self.systemd.close)

    def watch(self, gateway: Gateway) -> None:
        gateway.environment |= {"NOTIFY_SOCKET": self.systemd.name, "WATCHDOG_USEC": "6000000"}

    def until_told(self, line: str) -> None:
        until(lambda: line in self.systemd.lines(), line)

    def check_life(self, gateway: Gateway, status: str) -> None:
        """From the start to the end of a service."""
        self.until_told("READY=1")
        self.assertNotIn("RELOADING=1", self.systemd.lines())
        self.until_told("WATCHDOG=1")
        self.until_told(f"STATUS={status}")

        self.systemd.forget()
        os.kill(gateway.pid, signal.SIGHUP)
        self.until_told("READY=1")
        told = self.systemd.lines()
        self.assertLess(told.index("RELOADING=1"), told.index("READY=1"))
        self.assertTrue(told[told.index("RELOADING=1") + 1].startswith("MONOTONIC_USEC="))

        self.assertEqual(gateway.stop(), -signal.SIGTERM)
        self.until_told("STOPPING=1")


class SingleProcessTests(NotifyCase):
    def test_it_tells_how_it_is(self) -> None:
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        self.watch(gateway)
        gateway.start()

        self.check_life(gateway, "0 sessions")

    def test_one_that_hangs_does_not_say_that_it_lives(self) -> None:
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        self.watch(gateway)
        gateway.start()
        self.until_told("WATCHDOG=1")

        os.kill(gateway.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, gateway.pid, signal.SIGCONT)
        self.systemd.forget()

        with self.assertRaises(AssertionError):
            until(lambda: "WATCHDOG=1" in self.systemd.lines(), "a sign of life", 4)


class WorkersTests(NotifyCase):
    def test_the_supervisor_tells_how_it_is(self) -> None:
        proxy = WorkersProxy(2)
        self.addCleanup(proxy.stop)
        self.watch(proxy.gateway)
        proxy.start()

        self.check_life(proxy.gateway, "0 sessions, 2 workers serve")


class SocketTests(SynchronousTestCase):
    def start(self, gateway: Gateway) -> None:
        """Start a proxy on sockets of the real systemd-socket-activate."""
        web, api = gateway.web_port, gateway.api_port
        gateway.launcher = [
            *("systemd-socket-activate", "--fdname=web:api", "-E", "PYTHONUNBUFFERED"),
            *("-l", f"127.0.0.1:{web}", "-l", f"127.0.0.1:{api}"),
        ]
        text = gateway.config.read_text()
        text = text.replace(
            f'api = ["tcp:{api}:interface=127.0.0.1"]', 'api = ["systemd:domain=INET:name=api"]'
        )
        gateway.config.write_text(text)
        gateway.start()

    def check(self, gateway: Gateway) -> None:
        for port in (gateway.web_port, gateway.api_port):
            with socket.create_connection(("127.0.0.1", port), 60) as asking:
                asking.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                answer = b""
                while data := asking.recv(65536):
                    answer += data
                self.assertIn(b" 200 OK", answer)

    def test_a_single_process_takes_them(self) -> None:
        gateway = Gateway(web="systemd:domain=INET:name=web")
        self.addCleanup(gateway.stop)
        self.start(gateway)
        self.check(gateway)

    def test_workers_take_them_also_after_an_upgrade(self) -> None:
        options: dict[str, Any] = {"web": "systemd:domain=INET:name=web"}
        proxy = WorkersProxy(2, **options)
        self.addCleanup(proxy.stop)
        self.start(proxy.gateway)
        self.check(proxy.gateway)
        before = processes(proxy.gateway.pid)

        proxy.signal(signal.SIGUSR2, "upgraded to")
        until(lambda: not any(is_alive(each.pid) for each in before), "the old workers end")

        for _ in range(4):
            self.check(proxy.gateway)
