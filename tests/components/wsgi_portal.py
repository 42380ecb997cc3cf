"""A portal of ``examples/``, served by a process of its own as a WSGI server would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

SERVE = """
import importlib, sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

class Handler(WSGIRequestHandler):
    def log_request(self, *_):
        pass

app = importlib.import_module(sys.argv[1]).app
server = make_server("127.0.0.1", 0, app, Server, Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


class WSGIPortal:
    """One of the examples on a free port of this machine.

    Args:
        name: of its module.
        variables: its environment, ``REMOTE_USER`` included: who is logged in.

    Attributes:
        origin: of its pages.
    """

    def __init__(self, name: str, **variables: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE, name],
            cwd=EXAMPLES,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"{name} did not start: status {self._process.wait()}")
        self.origin = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
