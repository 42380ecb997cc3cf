"""Audit lines of real proxies whose disk is full, or which are killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.components.gateway import Gateway
from tests.components.process_case import LIMIT, SILENT, ProcessTestCase
from tests.components.viewer import Refused, Viewer, read

DISK = 64 * 1024
"""Bytes of the disk that is full."""


def until(what: Callable[[], bool]) -> None:
    give_up = time.monotonic() + LIMIT
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def of_sessions(audit: Path) -> list[dict[str, Any]]:
    """Return the lines of sessions, without those of API callers."""
    found = [json.loads(line) for line in audit.read_text().splitlines() if line]
    return [line for line in found if not line["event"].startswith("api-")]


class AuditTestCase(ProcessTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        self.audit = self.disk / "audit.json"

    def proxy(self, log: str = "") -> Gateway:
        config = SILENT.format(address=self.console.address)
        gateway = Gateway(f'{config}[log]\naudit = "{self.audit}"\n{log}')
        self.addCleanup(gateway.stop)
        return gateway.start()

    def lines(self) -> list[dict[str, Any]]:
        return of_sessions(self.audit)

    def refuse_one(self, gateway: Gateway) -> str:
        """Request a console with an unknown token; returns the id of the refusal."""
        with self.assertRaises(Refused) as caught:
            Viewer.connect(gateway.xvp_port, "0123456789abcdef")
        return str(caught.exception.id)

    def view(self, gateway: Gateway) -> Viewer:
        issued = gateway.issue("lab/web-01", type="xvpvnc")
        asking = socket.create_connection(("127.0.0.1", gateway.xvp_port), LIMIT)
        asking.sendall(f"CONNECT /console?token={issued['token']} HTTP/1.0\r\n\r\n".encode())
        with self.console.viewed() as hypervisor:
            self.hypervisor = hypervisor.dup()
        self.addCleanup(self.hypervisor.close)
        self.assertEqual(read(asking, 19), b"HTTP/1.1 200 OK\r\n\r\n")
        viewer = Viewer(asking)
        self.addCleanup(viewer.close)
        viewer.greet()
        return viewer

    def metric(self, gateway: Gateway, name: str) -> float:
        request = urllib.request.Request(
            f"http://127.0.0.1:{gateway.api_port}/metrics",
            headers={"Authorization": f"Bearer {gateway.key}"},
        )
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            lines = answer.read().decode().splitlines()
        (value,) = [line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} ")]
        return float(value)


class FullDiskTests(AuditTestCase):
    def setUp(self) -> None:
        super().setUp()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "audit-test", str(self.disk)]
        subprocess.run(mount, check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=True)
        self.filler = self.disk / "filler"

    def fill(self) -> None:
        """Leave no room on the disk, whatever was there."""
        with self.filler.open("ab", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue
        # the last page of the audit file has room yet
        with self.audit.open("ab", buffering=0) as audit:
            audit.write(b"\n" * (-self.audit.stat().st_size % 4096))

    def lines(self) -> list[dict[str, Any]]:
        return of_sessions(self.audit)

    def test_no_line_is_lost_when_there_is_room_again(self) -> None:
        gateway = self.proxy()
        refused = [self.refuse_one(gateway)]
        self.fill()

        refused += [self.refuse_one(gateway) for _ in range(40)]
        self.assertGreater(self.metric(gateway, "vncproxy_audit_lines_waiting"), 0)
        self.assertEqual(gateway.call("GET", "/readyz")[0], 200)
        self.filler.unlink()
        until(lambda: self.metric(gateway, "vncproxy_audit_lines_waiting") == 0)

        self.assertEqual([line["session"] for line in self.lines()], refused)
        self.assertEqual(self.metric(gateway, "vncproxy_audit_lines_lost_total"), 0)
        self.assertIn("audit lines cannot be written and wait: No space left", gateway.log())
        self.assertNotIn("Traceback", gateway.log())

    def test_where_lines_are_required_no_session_begins(self) -> None:
        gateway = self.proxy("audit_required = true\n")
        self.refuse_one(gateway)
        self.assertEqual(gateway.call("GET", "/readyz")[0], 200)
        self.fill()
        self.refuse_one(gateway)

        status, answer = gateway.call("GET", "/readyz")
        self.assertEqual((status, answer["parts"]["sessions"]), (503, "audit-unavailable"))
        with self.assertRaises(Refused) as caught:
            Viewer.connect(gateway.xvp_port, gateway.issue("lab/web-01", type="xvpvnc")["token"])
        self.assertIn("503 The console service is not available", str(caught.exception))
        self.filler.unlink()
        until(lambda: gateway.call("GET", "/readyz")[0] == 200)

        self.view(gateway)


class KilledTests(AuditTestCase):
    def test_sessions_of_a_proxy_that_was_killed_are_closed_by_the_next(self) -> None:
        gateway = self.proxy()
        first, second = self.view(gateway), self.view(gateway)
        first.close()
        until(lambda: [line["event"] for line in self.lines()].count("close") == 1)

        os.kill(gateway.pid, signal.SIGKILL)
        second.close()
        gateway.terminate()
        gateway.start()

        opened, closed = [
            {line["session"]: line for line in self.lines() if line["event"] == event}
            for event in ("open", "close")
        ]
        self.assertEqual(set(opened), set(closed))
        self.assertEqual(len(self.lines()), 4)
        (lost,) = [line for line in closed.values() if line["reason"] == "lost"]
        known = (lost["vm"], lost["host"], lost["user"])
        self.assertEqual(known, ("lab/web-01", "127.0.0.1", "alice"))

        self.assertEqual(gateway.terminate(), -signal.SIGTERM)
        gateway.start()
        self.assertEqual(len(self.lines()), 4)

    def test_bytes_are_seen_while_they_flow(self) -> None:
        gateway = self.proxy()
        self.view(gateway)
        before = gateway.call("GET", "/v1/sessions")[1]["sessions"][0]["bytes_down"]

        self.hypervisor.sendall(bytes(100_000))
        until(
            lambda: (
                gateway.call("GET", "/v1/sessions")[1]["sessions"][0]["bytes_down"]
                == before + 100_000
            )
        )

        down = self.metric(gateway, 'vncproxy_bytes_total{direction="down"}')
        self.assertEqual(down, before + 100_000)

    def test_two_processes_that_write_to_one_file_leave_each_others_sessions_alone(self) -> None:
        one = self.proxy()
        self.view(one)
        other = self.proxy()
        self.assertEqual([line["event"] for line in self.lines()], ["open"])

        one.terminate()

        self.assertEqual([line["event"] for line in self.lines()], ["open", "close"])
        self.assertEqual(self.lines()[1]["reason"], "proxy-stopping")
        self.refuse_one(other)
        self.assertEqual(len(self.lines()), 3)
