"""The log of real processes: text, JSON, systemd's journal; what an operator finds in it."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.components.gateway import Gateway
from tests.components.ports import free_port
from tests.components.process_case import LIMIT, SILENT, ProcessTestCase
from tests.components.redis_server import RedisServer
from tests.components.viewer import Refused, Viewer

GONE = '[backends.lab.consoles.web-02]\naddress = "127.0.0.1:{port}"\n'


def until(what: Callable[[], Any]) -> None:
    give_up = time.monotonic() + LIMIT
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.05)


class LogCase(ProcessTestCase):
    def proxy(self, log: str, more: str = "") -> Gateway:
        config = SILENT.format(address=self.console.address) + GONE.format(port=free_port())
        gateway = Gateway(f"{config}{more}[log]\n{log}\n")
        self.addCleanup(gateway.stop)
        return gateway

    def refuse(self, gateway: Gateway, vm: str = "lab/web-02") -> str:
        """Open a console that cannot be reached; returns the id that the user was shown."""
        token = gateway.issue(vm, type="xvpvnc")["token"]
        with self.assertRaises(Refused) as caught:
            Viewer.connect(gateway.xvp_port, token)
        return str(caught.exception.id)


class JSONTests(LogCase):
    def lines(self, gateway: Gateway) -> list[dict[str, Any]]:
        return [json.loads(line) for line in gateway.log().splitlines()]

    def test_each_line_is_an_object_from_the_first_to_the_last(self) -> None:
        gateway = self.proxy('format = "json"').start()
        shown = self.refuse(gateway)
        gateway.terminate()

        lines = self.lines(gateway)

        for line in lines:
            self.assertLessEqual({"time", "level", "logger", "message"}, set(line))
        audit = [line["audit"] for line in lines if "audit" in line]
        (refusal,) = [line for line in audit if line["event"] == "refuse"]
        self.assertEqual((refusal["session"], refusal["vm"]), (shown, "lab/web-02"))
        self.assertIn("Server Shut Down.", [line["message"] for line in lines])
        first = next(line["message"] for line in lines if line["message"].startswith("vncproxy "))
        self.assertTrue(re.fullmatch(r"vncproxy \S+ starts as \S+, configuration \w{12}", first))

    def test_a_reload_changes_format_and_level(self) -> None:
        gateway = self.proxy('format = "json"').start()
        written = gateway.config.read_text()
        gateway.config.write_text(written.replace('format = "json"', 'level = "warn"'))
        os.kill(gateway.pid, signal.SIGHUP)
        digest = r"configuration reloaded: .*; configuration \w{12} is in force"
        until(lambda: re.search(digest, gateway.log()))
        before = len(gateway.log())
        gateway.call("GET", "/v1/sessions")
        self.refuse(gateway)

        lines = gateway.log()[before:].splitlines()  # and no line of the API

        self.assertEqual([line for line in lines if "AuditLog#info] {" not in line], [])
        self.assertEqual(sum('"event": "refuse"' in line for line in lines), 1)


class JournalTests(LogCase):
    def test_each_line_has_its_priority(self) -> None:
        gateway = self.proxy('level = "debug"')
        log = Path(gateway.folder, "log")
        log.touch()
        status = log.stat()
        gateway.environment["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
        gateway.start()
        gateway.config.write_text("[nonsense]\n")
        os.kill(gateway.pid, signal.SIGHUP)
        until(lambda: "[nonsense]" in gateway.log())

        lines = gateway.log().splitlines()

        for line in lines:
            self.assertRegex(line, r"^<[2-7]>[\[\t]")
        (refused,) = [line for line in lines if "configuration not reloaded" in line]
        self.assertTrue(refused.startswith("<3>["), refused)


class OutageTests(LogCase):
    def test_an_outage_of_redis_is_a_line_for_each_cause_and_one_for_its_end(self) -> None:
        redis = RedisServer().start()
        self.addCleanup(redis.remove)
        store = f'[tokens]\nstore = "redis"\n[redis]\nport = {redis.port}\n'
        gateway = self.proxy("", store).start()
        tokens = [gateway.issue("lab/web-01", type="xvpvnc")["token"] for _ in range(3)]
        redis.kill()
        for token in tokens:
            with self.assertRaises(Refused):
                Viewer.connect(gateway.xvp_port, token)
        redis.start()
        until(lambda: gateway.call("GET", "/readyz")[0] == 200)

        told = [line for line in gateway.log().splitlines() if "OutageLog" in line]

        *causes, end = [line.partition("OutageLog#")[2] for line in told]
        possible = {
            f"warn] redis at 127.0.0.1:{redis.port} {why}"
            for why in ("closed the connection", "cannot be reached: connection refused")
        }
        self.assertLessEqual(set(causes), possible, gateway.log())
        self.assertEqual(len(causes), len(set(causes)), gateway.log())
        self.assertGreater(len(causes), 0, gateway.log())
        self.assertRegex(end, r"^info\] .* answers again, after \d+ s$")
