"""Schemathesis, which makes requests of ``/v1/openapi.json``, against a real ``twistd``."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from urllib.request import Request, urlopen

from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.viewer import Viewer
from vncproxy.api.v1.operations import DRAIN_PROXY, OPERATIONS

from .test_cli import SERVE

NOT_CHECKED = "positive_data_acceptance"
"""A request may be as described and yet be refused: for a backend that is not configured."""

ONLY_REFUSED = {"issueZoneToken", "checkForZone", "tellZone"}
"""No zone is configured."""


class ConformanceTests(SynchronousTestCase):
    timeout = 280

    def setUp(self) -> None:
        console = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
        self.addCleanup(console.wait)
        self.addCleanup(console.terminate)
        assert console.stdout is not None
        self.addCleanup(console.stdout.close)
        port = int(console.stdout.readline())
        self.gateway = Gateway(f"""
[backends.kvm]
type = "static"
[backends.kvm.consoles]
web-01 = {{ address = "127.0.0.1:{port}" }}
card = {{ address = "127.0.0.1:{port}" }}
""")
        text = self.gateway.config.read_text()
        self.gateway.config.write_text(text.replace('"admin"', '"admin", "keys"'))
        self.gateway.start()
        self.addCleanup(self.gateway.stop)

    def test_every_answer_is_as_it_is_described(self) -> None:
        issued = self.gateway.issue("kvm/card", user="dora")
        viewer = Viewer.connect(self.gateway.xvp_port, issued["token"])
        self.addCleanup(viewer.close)
        before = self.served()

        done = self.schemathesis("--exclude-operation-id", DRAIN_PROXY.name)

        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("Unhandled", self.gateway.log())
        served = self.served() - before
        for each in OPERATIONS:
            if each.name not in {*ONLY_REFUSED, DRAIN_PROXY.name}:
                self.assertGreater(served[each.rule, each.method], 0, each.name)

    def schemathesis(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the command with requests that are the same every time."""
        folder = tempfile.mkdtemp(dir=self.gateway.folder)
        options = (
            *options,
            *("--header", f"Authorization: Bearer {self.gateway.key}"),
            "--generation-deterministic",
            *("--max-examples", "6", "--exclude-checks", NOT_CHECKED, "--no-color"),
        )
        command = str(Path(sys.executable).with_name("schemathesis"))
        url = f"http://127.0.0.1:{self.gateway.api_port}/v1/openapi.json"
        return subprocess.run(
            [command, "run", url, *options],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def served(self) -> Counter[tuple[str, str]]:
        """Return how often each route and method was answered with success."""
        url = f"http://127.0.0.1:{self.gateway.api_port}/metrics"
        headers = {"Authorization": f"Bearer {self.gateway.key}"}
        with urlopen(Request(url, headers=headers), timeout=60) as answer:
            text = answer.read().decode()
        line = r'^vncproxy_api_requests_total{method="(\w+)",route="([^"]+)",status="2xx"} (\d+)'
        found = re.findall(line, text, re.MULTILINE)
        return Counter({(route, method): int(count) for method, route, count in found})
