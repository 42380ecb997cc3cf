"""OpenStack's real Keystone in a process of its own, with users, and requests to it."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.components.openstack_clients import PYTHON
from tests.components.ports import free_port

PROGRAM = Path(__file__).with_name("keystone_program.py")
DOMAIN = {"id": "default"}


class KeystoneServer:
    """Keystone on a port of 127.0.0.1; its users and tokens survive a restart.

    Attributes:
        projects: ids by name.
        users: ids by name; each has its name as password.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="keystone-"))
        self.port = free_port()
        self.projects: dict[str, str] = {}
        self.users: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        atexit.register(self.stop)

    @property
    def auth_url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}/v3"

    def start(self) -> KeystoneServer:
        """Serve, and wait until it does."""
        if not PYTHON.exists():
            raise FileNotFoundError(f"{PYTHON}: make test installs Keystone there")
        with (self.folder / "output").open("ab") as errors:
            self._process = subprocess.Popen(
                [str(PYTHON), "-P", str(PROGRAM), str(self.folder), str(self.port)],
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError((self.folder / "output").read_text())
        ids = json.loads(line)
        self.projects, self.users = ids["projects"], ids["users"]
        return self

    def stop(self) -> None:
        """End it; to be called again harmlessly."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(30)
            assert process.stdout is not None
            process.stdout.close()

    @property
    def runs(self) -> bool:
        """Whether it was started, and not stopped."""
        return self._process is not None

    def log_in(self, user: str, project: str = "") -> str:
        """Return a token of a user; without a project one for none."""
        known = {"name": user, "domain": DOMAIN, "password": user}
        auth: dict[str, Any] = {
            "identity": {"methods": ["password"], "password": {"user": known}},
            "scope": {"project": {"name": project, "domain": DOMAIN}} if project else "unscoped",
        }
        return str(self.ask("POST", "/auth/tokens", {"auth": auth})["X-Subject-Token"])

    def revoke(self, token: str) -> None:
        """Revoke a token by itself."""
        self.ask("DELETE", "/auth/tokens", token=token, subject=token)

    def log_out(self, user: str) -> None:
        """Revoke all tokens of a user: it is disabled and enabled again."""
        token = self.log_in("admin", "admin")
        for enabled in (False, True):
            body = {"user": {"enabled": enabled}}
            self.ask("PATCH", f"/users/{self.users[user]}", body, token=token)

    def ask(
        self, method: str, path: str, body: object = None, token: str = "", subject: str = ""
    ) -> Any:
        """Send a request; returns the headers of the answer."""
        headers = {"Content-Type": "application/json", "X-Auth-Token": token}
        if subject:
            headers["X-Subject-Token"] = subject
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.auth_url + path, data, headers, method=method)
        with urlopen(request, timeout=60) as answer:
            return answer.headers
