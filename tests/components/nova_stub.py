"""As much of Keystone and Nova as validates a console's token, for the real SDK to talk to.

It is strict where the real ones are: a log-in is needed, and microversion 2.31.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USER, PROJECT, REGION = "vncproxy", "service", "R1"


class NovaStub:
    """A cloud with one account, on one port of 127.0.0.1, which survives a restart.

    Args:
        password: of the account.

    Attributes:
        consoles: what Nova answers, by token.
        allowed: whether the account may look tokens up.
        newest: the highest microversion.
        asked: the requests so far, without queries.
        delay: called before Nova answers.
    """

    def __init__(self, password: str) -> None:
        self.password = password
        self.consoles: dict[str, dict[str, Any]] = {}
        self.logins: set[str] = set()
        self.allowed = True
        self.newest = "2.96"
        self.asked: list[str] = []
        self.delay: Callable[[], object] = lambda: None
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def auth_url(self) -> str:
        """Keystone's URL."""
        return f"http://127.0.0.1:{self.port}/identity/v3"

    @property
    def compute_url(self) -> str:
        """Nova's URL, as it stands in the catalog."""
        return f"http://127.0.0.1:{self.port}/compute/v2.1"

    def start(self) -> NovaStub:
        """Serve; again on the same port after a stop."""
        stub = self

        class Handler(_Handler):
            cloud = stub

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening; to be called again harmlessly."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def issue(self, port: int, *, host: str = "compute1", path: str | None = None) -> str:
        """Issue a token for a console, as ``nova get-vnc-console`` would; returns it.

        Nova does so for stopped machines, too, with port -1.
        """
        token = str(uuid.uuid4())
        self.consoles[token] = {
            "instance_uuid": str(uuid.uuid4()),
            "host": host,
            "port": port,
            "internal_access_path": path,
        }
        return token


class _Handler(BaseHTTPRequestHandler):
    cloud: NovaStub

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.cloud.asked.append(f"GET {path}")
        if path.rstrip("/") == "/identity/v3":
            self.answer(200, {"version": self.version("v3.14", "stable", self.cloud.auth_url)})
        elif path.rstrip("/") == "/compute/v2.1":
            numbers = {"version": self.cloud.newest, "min_version": "2.1"}
            version = self.version("v2.1", "CURRENT", self.cloud.compute_url)
            self.answer(200, {"version": {**version, **numbers}})
        elif path.startswith("/compute/v2.1/os-console-auth-tokens/"):
            self.cloud.delay()
            self.look_up(path.rpartition("/")[2])
        else:
            self.answer(404, {"itemNotFound": {"code": 404, "message": "no such resource"}})

    def do_POST(self) -> None:
        self.cloud.asked.append(f"POST {self.path}")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        user = body["auth"]["identity"]["password"]["user"]
        if (user["name"], user["password"]) != (USER, self.cloud.password):
            message = "The request you have made requires authentication."
            error = {"code": 401, "title": "Unauthorized", "message": message}
            self.answer(401, {"error": error})
            return
        login = secrets.token_hex(16)
        self.cloud.logins.add(login)
        self.answer(201, {"token": self.login()}, {"X-Subject-Token": login})

    def look_up(self, token: str) -> None:
        version = self.headers.get("OpenStack-API-Version", "compute 2.1").split()[1]
        if self.headers.get("X-Auth-Token") not in self.cloud.logins:
            self.answer(401, {"error": {"code": 401, "message": "log in", "title": "x"}})
        elif not self.cloud.allowed:
            self.answer(403, {"forbidden": {"code": 403, "message": "Policy doesn't allow it"}})
        elif tuple(map(int, version.split("."))) < (2, 31):
            self.answer(400, {"badRequest": {"code": 400, "message": "microversion"}})
        elif console := self.cloud.consoles.get(token):
            self.answer(200, {"console": console})
        else:
            self.answer(404, {"itemNotFound": {"code": 404, "message": "Token not found"}})

    def version(self, name: str, status: str, url: str) -> dict[str, Any]:
        links = [{"rel": "self", "href": f"{url}/"}]
        return {"id": name, "status": status, "links": links, "media-types": []}

    def login(self) -> dict[str, Any]:
        domain = {"id": "default", "name": "Default"}
        endpoint = {"id": "e", "interface": "public", "region": REGION, "region_id": REGION}
        endpoints = [{**endpoint, "url": self.cloud.compute_url}]
        return {
            "methods": ["password"],
            "user": {"id": "u", "name": USER, "domain": domain, "password_expires_at": None},
            "audit_ids": ["a"],
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2020-01-01T00:00:00.000000Z",
            "project": {"id": "p", "name": PROJECT, "domain": domain},
            "is_domain": False,
            "roles": [{"id": "r", "name": "admin"}],
            "catalog": [{"type": "compute", "name": "nova", "id": "c", "endpoints": endpoints}],
        }

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with suppress(OSError):  # the client has closed the connection
            self.wfile.write(data)


class ConnectDoor:
    """A host whose console is behind one path of ``CONNECT``.

    Args:
        path: what to ask for.
        console: port of the console behind it, on 127.0.0.1.

    Attributes:
        port: where it listens, on 127.0.0.1.
        hosts: the ``Host`` headers that were sent.
    """

    def __init__(self, path: str, console: int) -> None:
        self._path, self._console = path, console
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.hosts: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                threading.Thread(target=self._let_in, args=(visitor,), daemon=True).start()

    def _let_in(self, visitor: socket.socket) -> None:
        header = b""
        while b"\r\n\r\n" not in header:
            header += visitor.recv(1024)
        first, *lines = header.decode().split("\r\n")
        self.hosts += [line.partition(": ")[2] for line in lines if line.startswith("Host:")]
        if first != f"CONNECT {self._path} HTTP/1.1":
            visitor.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            visitor.close()
            return
        console = socket.create_connection(("127.0.0.1", self._console))
        visitor.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=_carry, args=(console, visitor), daemon=True).start()
        _carry(visitor, console)


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
