"""Commands against the real API in memory."""

from __future__ import annotations

import os
from typing import Any

from click.testing import CliRunner, Result
from twisted.internet.defer import Deferred

from tests.doubles.api import ApiTestCase
from vncproxy.cli import main
from vncproxy.cli.connection import Call, fetch

URL = "http://127.0.0.1:6082"


class MemoryApi:
    def __init__(self, case: CommandTestCase, url: str, key: str) -> None:
        self._case, self._url, self._key = case, url, key

    def ask(self, call: Call) -> Any:
        case = self._case
        case.calls.append(call)
        answer = Deferred.fromCoroutine(fetch(case.treq, self._url, self._key, call, case.clock))
        case.treq.flush()
        results: list[Any] = []
        answer.addBoth(results.append)
        if hasattr(results[0], "raiseException"):
            results[0].raiseException()
        return results[0]


class CommandTestCase(ApiTestCase):
    """``run`` has the administrator's key in the environment."""

    def setUp(self) -> None:
        super().setUp()
        self.calls: list[Call] = []

    def run_command(self, *arguments: str, **environment: str | None) -> Result:
        clean = {name: None for name in os.environ if name.startswith("VNCPROXY_")}
        return CliRunner().invoke(
            main,
            arguments,
            obj=lambda url, key: MemoryApi(self, url, key),
            env={**clean, "VNCPROXY_API_KEY": self.key, **environment},
        )

    def output(self, *arguments: str) -> str:
        result = self.run_command(*arguments)
        self.assertEqual((result.exit_code, result.stderr), (0, ""), result.output)
        return result.stdout

    def assertFails(self, result: Result, status: int, *words: str) -> None:
        self.assertEqual((result.exit_code, result.stdout), (status, ""), result.output)
        self.assertNotIn("Traceback", result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
