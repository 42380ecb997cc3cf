"""Commands and clients against the real API in memory."""

from __future__ import annotations

import os

import httpx
from click.testing import CliRunner, Result

from tests.doubles.api import ApiTestCase
from vncproxy.cli import main
from vncproxy.client import Client

SENT = ("Authorization", "Idempotency-Key", "X-Request-Id")
"""Headers that the API of a test is given; the others are about the connection."""

URL = "http://127.0.0.1:6082"


class MemoryTransport(httpx.BaseTransport):
    """Gives requests to the API of a test.

    Attributes:
        requests: the methods and paths, as they were sent.
    """

    def __init__(self, case: ApiTestCase) -> None:
        self._case = case
        self.requests: list[tuple[str, str]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.requests.append((request.method, path))
        headers = {n: request.headers[n] for n in SENT if n in request.headers}
        answer = self._case.call(request.method, path, request.read() or None, headers=headers)
        return httpx.Response(answer.status, headers=answer.headers, text=answer.text)


class CommandTestCase(ApiTestCase):
    """``run`` has the administrator's key in the environment."""

    def setUp(self) -> None:
        super().setUp()
        self.transport = MemoryTransport(self)

    def run_command(self, *arguments: str, **environment: str | None) -> Result:
        clean = {name: None for name in os.environ if name.startswith("VNCPROXY_")}
        return CliRunner().invoke(
            main,
            arguments,
            obj=lambda url, key: Client(url, key, transport=self.transport),
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
