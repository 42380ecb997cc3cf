"""Alerts and dashboard over a real Prometheus, which scrapes a proxy that has had users."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.components.gateway import Gateway
from tests.components.ports import free_port
from tests.components.process_case import SILENT, ProcessTestCase
from tests.components.prometheus import Prometheus
from tests.components.redis_server import RedisServer
from tests.components.viewer import Refused, Viewer

ETC = Path(__file__).resolve().parents[2] / "etc"
LIMIT = 60.0

_SELECTOR = re.compile(r"\b((?:vncproxy|process)_\w+|up)(\{[^}]*\})?")
_LABEL = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUP = re.compile(r"\b(?:by|on|without)\s*\(([^)]*)\)")

UNUSUAL = {"vncproxy_backend_errors_total", "vncproxy_refusals_total"}
"""Metrics without a series for each reason until it happens."""


def queries_of_dashboard() -> Iterator[str]:
    """Yield the dashboard's queries as Grafana would send them for all proxies."""
    dashboard = json.loads((ETC / "grafana.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            name, label = re.findall(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])[0]
            yield f"count by ({label}) ({name})"


class PrometheusTests(ProcessTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.redis = RedisServer().start()
        self.addCleanup(self.redis.remove)
        config = (
            "[proxy]\nworkers = 2\n"
            + SILENT.format(address=self.console.address)
            + f'[backends.lab.consoles.web-02]\naddress = "127.0.0.1:{free_port()}"\n'
            + f'[tokens]\nstore = "redis"\n[redis]\nport = {self.redis.port}\n'
            + f'[recording.s3]\nbucket = "recordings"\nspool = "{self.spool()}"\n'
        )
        self.gateway_ = Gateway(config)
        self.addCleanup(self.gateway_.stop)
        self.gateway_.start()
        address = f"127.0.0.1:{self.gateway_.api_port}"
        self.prometheus = Prometheus({address: self.gateway_.key}, str(ETC / "alerts.yml")).start()
        self.addCleanup(self.prometheus.stop)

    def spool(self) -> Path:
        """Return a folder in which no recording waits."""
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        return folder

    def use(self) -> None:
        """Let users come: one who sees a console, and three who are refused."""
        proxy = self.gateway_
        self.view(proxy).close()
        self.hypervisor.close()
        dead = proxy.issue("lab/web-02", type="xvpvnc")["token"]
        late = proxy.issue("lab/web-01", type="xvpvnc")["token"]
        self.refuse("0123456789abcdef" * 2)
        self.refuse(dead)
        proxy.call("GET", "/nothing/here")
        self.redis.kill()
        self.refuse(late)
        self.redis.start()

    def refuse(self, token: str) -> None:
        with self.assertRaises(Refused):
            Viewer.connect(self.gateway_.xvp_port, token)

    def wait_for_scrapes(self, more: int = 3) -> None:
        """Wait until Prometheus has scraped so many times more; it begins after five seconds."""
        wanted = self.scrapes() + more
        give_up = time.monotonic() + LIMIT
        while self.scrapes() < wanted:
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.2)

    def scrapes(self) -> float:
        found = self.prometheus.query('count_over_time(up{job="vncproxy"}[10m])')
        return sum(float(series["value"][1]) for series in found)

    def labels_of(self, metric: str) -> set[str]:
        found = self.prometheus.query(metric)
        self.assertTrue(found, f"{metric} is not there")
        return {label for series in found for label in series["metric"]}

    def check_names(self, expression: str) -> None:
        """Fail when an expression names a metric, label or value that is not there."""
        known: set[str] = set()
        for metric, matchers in _SELECTOR.findall(expression):
            labels = self.labels_of(metric)
            known |= labels
            for label, how, _ in _LABEL.findall(matchers):
                self.assertIn(label, labels, f"{metric} in {expression}")
                if how.startswith("=") and not (metric in UNUSUAL and label == "reason"):
                    self.assertTrue(self.prometheus.query(f"{metric}{matchers}"), expression)
        grouped = {each.strip() for text in _GROUP.findall(expression) for each in text.split(",")}
        self.assertEqual(grouped - known, set(), expression)
        self.assertTrue(known, expression)

    def test_every_query_of_dashboard_and_alerts_names_what_is_there(self) -> None:
        self.wait_for_scrapes(1)
        self.use()
        self.wait_for_scrapes()
        for query in queries_of_dashboard():
            self.check_names(query)
            self.assertTrue(self.prometheus.query(query), query)

        self.check_alerts(self.prometheus.rules())
        self.check_that_a_wrong_name_is_found()

    def check_alerts(self, rules: list[Any]) -> None:
        self.assertGreater(len(rules), 15)
        for rule in rules:
            self.check_names(rule["query"])
            self.prometheus.query(rule["query"])
            self.assertEqual((rule["name"], rule["health"]), (rule["name"], "ok"))

    def check_that_a_wrong_name_is_found(self) -> None:
        for wrong in (
            "vncproxy_session_open",
            'vncproxy_bytes_total{way="down"}',
            'vncproxy_bytes_total{direction="in"}',
            "sum by (backend) (vncproxy_bytes_total)",
        ):
            with self.assertRaises(self.failureException):
                self.check_names(wrong)
