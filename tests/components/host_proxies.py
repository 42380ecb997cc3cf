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


class HostProxy(Gateway):
    """The proxy of one host, with the libvirt of that host.

    Args:
        host: where it runs.
        public: the address that users reach it by, which is translated to the host's own.
        config: further tables.
    """

    def __init__(self, host: NetworkedHost, public: str, config: str) -> None:
        super().__init__()
        self.config.write_text(f"""
[proxy]
name = "{host.name}"
serves = "auto"
[public]
base_url = "http://{{address:eth0}}:{WEB}/"
xvp_url = "http://{{address:eth0}}:{XVP}/console"
announced_url = "http://{public}:{WEB}/"
announced_xvp_url = "http://{public}:{XVP}/console"
[listen]
web = ["tcp:{WEB}"]
xvp = ["tcp:{XVP}"]
api = ["tcp:{API}"]
{api_key(self)}
[backends.kvm]
type = "libvirt"
{config}
""")
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
        found = re.search(r"holds the key\n(\S+)\n", self.printed)
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
        request = urllib.request.Request(
            f"https://{self.host}:{self.api_port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        trust = ssl.create_default_context(cafile=str(self.certificate))
        try:
            with urllib.request.urlopen(request, timeout=60, context=trust) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read() or b"null")


def api_key(gateway: Gateway, name: str = "test", scope: str = "admin") -> str:
    """Return the table of a gateway's key, which may do everything."""
    digest = hashlib.sha256(gateway.key.encode()).hexdigest()
    return f'[api.keys.{name}]\nhash = "sha256:{digest}"\nscopes = ["{scope}"]\n'
