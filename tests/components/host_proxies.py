"""A proxy on each of two hypervisor hosts, for the machines of that host alone."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .gateway import Gateway
from .two_hosts import NetworkedHost

WEB, XVP, API, PEER_API = 6080, 6081, 6082, 6443


_PAGE = (Path(__file__).parents[2] / "docs" / "zones.md").read_text()
OF_HOST, OF_ISSUER, OF_PEER = re.findall(
    r"```toml\n(.*?)```", _PAGE.partition("\n## A proxy on each hypervisor\n")[2], re.DOTALL
)
"""The configurations in the documentation."""


def with_redis(config: str, address: str, port: int) -> str:
    """Return one of them with the address of a test's Redis."""
    redis = f'host = "{address}"\nport = {port}\n'
    return config.replace('host = "10.1.0.9"\nport = 6379\n', redis)


class HostProxy(Gateway):
    """The proxy of one host by the configuration in the documentation, with an API for the test.

    Args:
        host: where it runs.
        public: the address that users reach it by, which is translated to the host's own.
        config: that of the documentation, with the address of Redis.
    """

    def __init__(self, host: NetworkedHost, public: str, config: str) -> None:
        super().__init__()
        text = config.replace("eth1", "eth0").replace("203.0.113.2", public)
        text = text.replace(f"tcp:{API}:interface=127.0.0.1", f"tcp:{API}")
        self.config.write_text(f"{text}\n{api_key(self)}")
        self.host, self.web_port, self.xvp_port, self.api_port = host.address, WEB, XVP, API
        self.launcher = host.program()


class SetUpProxy(Gateway):
    """The proxy of one host as ``vncproxy setup kvm`` sets it up, without a common Redis.

    Args:
        host: where it runs.
        public: the address that users reach it by, which is translated to the host's own.
        options: further ones of the command.

    Attributes:
        printed: what the command has printed.
        table: what it has printed for the issuer, with files that exist.
    """

    def __init__(self, host: NetworkedHost, public: str, options: Sequence[str]) -> None:
        super().__init__()
        self.config = self.folder / "etc" / "vncproxy.toml"
        self.launcher = host.program()
        self.printed = self.set_up("--interface", "eth0", "--public", public, *options)
        found = re.search(r"shown only now:\n(\S+)\n", self.printed)
        assert found is not None, self.printed
        self.key = found[1]
        (self.folder / "key").write_text(self.key)
        table = self.printed[self.printed.index("[peers.") :].split("\n\n")[0]
        table = table.replace(f"/etc/vncproxy/{host.name}.key", str(self.folder / "key"))
        self.table = table.replace(f"/etc/vncproxy/{host.name}.pem", str(self.certificate))
        self.host, self.web_port, self.xvp_port, self.api_port = public, WEB, XVP, PEER_API

    @property
    def certificate(self) -> Path:
        """The certificate of its API."""
        return self.config.with_name("api.pem")

    def set_up(self, *options: str, status: int = 0) -> str:
        """Run the command; returns what it has printed."""
        program = Path(sys.executable).with_name("vncproxy")
        done = subprocess.run(
            [*self.launcher, str(program), "setup", "kvm", "--config", str(self.config), *options],
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode != status:
            raise AssertionError(f"status {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the API as the issuer does."""
        status, answer = self.fetch(path, method, body)
        return status, json.loads(answer or b"null")

    def fetch(self, path: str, method: str = "GET", body: Any = None) -> tuple[int, bytes]:
        """The same for an answer that may be no JSON."""
        request = urllib.request.Request(
            f"https://{self.host}:{self.api_port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        trust = ssl.create_default_context(cafile=str(self.certificate))
        try:
            with urllib.request.urlopen(request, timeout=60, context=trust) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()


def api_key(gateway: Gateway) -> str:
    """Return the table of a gateway's key, which may do everything."""
    digest = hashlib.sha256(gateway.key.encode()).hexdigest()
    return f'[api.keys.test]\nhash = "sha256:{digest}"\nscopes = ["admin"]\n'
