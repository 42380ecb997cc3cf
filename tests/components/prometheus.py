"""A real Prometheus for a test, which scrapes proxies every second."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .ports import free_port

LIMIT = 60.0


class Prometheus:
    """One ``prometheus`` process on loopback.

    Args:
        targets: host and port of each proxy's API, with its key.
        rules: a file of alerts; none if empty.
    """

    def __init__(self, targets: Mapping[str, str], rules: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="prometheus-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        jobs = [
            {
                "job_name": f"target-{number}",
                "authorization": {"credentials": key},
                "static_configs": [{"targets": [target]}],
                "relabel_configs": [{"target_label": "job", "replacement": "vncproxy"}],
            }
            for number, (target, key) in enumerate(targets.items())
        ]
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [rules] if rules else [],
            "scrape_configs": jobs,
        }
        # JSON is YAML, too
        (self.folder / "prometheus.yml").write_text(json.dumps(configuration))

    def start(self) -> Prometheus:
        """Start it, and return when it answers."""
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self.folder}/prometheus.yml",
                    f"--storage.tsdb.path={self.folder}/data",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + LIMIT
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """End it; its data goes with it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(LIMIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def query(self, expression: str) -> Sequence[Mapping[str, Any]]:
        """Evaluate an expression now; returns the vector.

        Raises:
            ValueError: Prometheus refuses it, with its reason.
        """
        found: Sequence[Mapping[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def rules(self) -> list[Mapping[str, Any]]:
        """Return all rules, with ``name``, ``query``, ``labels``, ``annotations``, ``health``."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}"
        try:
            with urllib.request.urlopen(url, timeout=LIMIT) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as e:
            raise ValueError(json.load(e)["error"]) from None

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5):
                return True
        except OSError:
            return False
