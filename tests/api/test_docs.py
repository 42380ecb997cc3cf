"""Every example of ``docs/api.md`` is sent, in order, and its answer compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.internet.task import Clock

from tests import __file__ as tests_file
from tests.doubles.api import NOW, ApiTestCase, Listing, broken, session
from vncproxy.api import Scope
from vncproxy.api.v1.routes import Api
from vncproxy.metrics import Registry
from vncproxy.model import Announcement, Identity, VMAddress
from vncproxy.service.figures import ProxyMetrics

PAGE = Path(tests_file).parent.parent / "docs" / "api.md"
EXAMPLE = re.compile(
    r"^```http request\n([A-Z]+) (\S+)\n(?:\n(.*?))?```\n"
    r"^```http response\n(\d+)\n\n(.*?)```$",
    re.MULTILINE | re.DOTALL,
)


class ExampleTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.page = PAGE.read_text()
        self.key = self.add_key("portal", Scope.ADMIN, Scope.KEYS)
        esx = Listing("esx", {})
        esx.failure = broken()
        self.backends = {"kvm": self.kvm, "esx": esx}
        self.sessions.add(session("7f3a0000c44be902"))
        self.sessions.add(session("7f3a0001c44be902", vm=VMAddress("kvm", "db-01"), user="bob"))
        self.proxies.found = [
            Announcement(
                Identity("c0ffee0000000001", "c0ffee0000000002", "proxy-1"),
                version="0.1.0",
                base_url="https://console.example.com/",
                xvp_url="http://console.example.com:6081/console",
                hosts=("console.example.com",),
                backends={"kvm": "5f2b0c1d9e8a7b64"},
                digest="0a1b2c3d4e5f6071",
                sessions=2,
                most_sessions=1000,
                started_at=NOW,
                refusals={"token-used": 3},
            )
        ]
        self.serve()

    def test_examples_are_true(self) -> None:
        secrets: dict[str, str] = {}
        for method, path, body, status, expected in self.examples():
            answer = self.call(method, _replaced(path, secrets), json.loads(body or "null"))
            for name in ("id", "token", "key"):
                if answer.status == 201:
                    told = json.loads(expected)
                    secrets |= {told[name]: answer.body[name]} if name in told else {}

            self.assertEqual((answer.status, method, path), (int(status), method, path))
            self.assertEqual(answer.body, json.loads(_replaced(expected, secrets)))

    def examples(self) -> Iterator[tuple[str, ...]]:
        found = EXAMPLE.findall(self.page)
        self.assertEqual(len(found), self.page.count("```http request"))
        self.assertGreater(len(found), 10)
        yield from found

    def test_every_route_and_every_metric_is_described(self) -> None:
        for rule in Api.app.url_map.iter_rules():
            path = re.sub(r"<\w+?_?id>", "{id}", rule.rule)
            for method in (rule.methods or set()) - {"HEAD"}:
                self.assertIn(f"{method} {path}", self.page)
        registry = Registry()
        metrics = ProxyMetrics(registry, Clock())
        metrics.sessions.count_connections(lambda: (0, 0, 0))
        metrics.sessions.count_audit(lambda: (0, 0, 0))
        for family in registry.collect():
            if family.name.startswith("process_"):  # of Prometheus' library
                continue
            self.assertIn(f"`{family.name}", self.page)


def _replaced(text: str, secrets: dict[str, str]) -> str:
    for written, real in secrets.items():
        text = text.replace(written, real)
    return text
