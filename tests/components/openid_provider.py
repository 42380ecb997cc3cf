"""npm's oidc-provider, a certified OpenID provider, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.components.npm_packages import install_package
from tests.components.ports import free_port

HERE = Path(__file__).with_name("openid")
INSTALLED = Path(sys.prefix) / "openid-provider"
START_LIMIT = 60

CLIENT = "vncproxy"


def install(target: Path = INSTALLED) -> Path:
    """Install the pinned provider, unless it is installed already; returns its folder."""
    return install_package(HERE, target, ["provider.mjs"])


class OpenIDProvider:
    """The provider, with users whose password is anything.

    Args:
        redirect: where the client's users come back to.
        users: their claims by what they log in as.
    """

    def __init__(self, redirect: str, users: dict[str, Any]) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.secret = "the client's secret, + and %"
        self._options = {
            "port": self.port,
            "client": CLIENT,
            "secret": self.secret,
            "redirect": redirect,
            "users": users,
        }
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> OpenIDProvider:
        folder = install()
        self._process = subprocess.Popen(
            ["node", "provider.mjs", json.dumps(self._options)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "NODE_ENV": "test", "NODE_NO_WARNINGS": "1"},
        )
        assert self._process.stdout is not None
        while "ready" not in (line := self._process.stdout.readline()):
            if not line:
                raise RuntimeError("oidc-provider did not start")
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


if __name__ == "__main__":
    install()
