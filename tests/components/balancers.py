"""HAProxy and nginx, run by the files in ``etc/``, in front of two proxies."""

from __future__ import annotations

import atexit
import os
import re
import socket
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from .certificates import Authority
from .gateway import Gateway
from .libvirt_host import until
from .ports import free_port

ETC = Path(__file__).resolve().parents[2] / "etc"
ADAPTED = re.compile(
    r"(?<=# All that has to be adapted is between here …\n).*(?=    # … and here)", re.S
)


class Certificate:
    """A certificate for ``localhost``, in the forms in which balancers read it.

    Args:
        folder: where its files go.
    """

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        self.ca_file = authority.ca_file
        self.file, self.key = authority.issue("localhost")
        self.both = folder / "both.pem"
        self.both.write_text(Path(self.file).read_text() + Path(self.key).read_text())


class HAProxy:
    """HAProxy with ``etc/haproxy.cfg`` as it is: what is to be adapted is in the environment.

    Args:
        folder: where its log goes.
        more: further variables of the file.

    Attributes:
        web: the port for browsers.
        xvp: the port for TCP viewers.
        native: the port for native viewers.
    """

    def __init__(self, folder: Path, certificate: Certificate, **more: str) -> None:
        self.web, self.xvp, self.native = free_port(), free_port(), free_port()
        self._log = folder / "haproxy.log"
        self._variables = {
            "CERTIFICATE": str(certificate.both),
            "BROWSERS": f"127.0.0.1:{self.web}",
            "VIEWERS": f"127.0.0.1:{self.xvp}",
            "NATIVE_VIEWERS": f"127.0.0.1:{self.native}",
            "CONNECTIONS": "500",  # as many as a test's process may open files
            **more,
        }

    def start(self, proxies: Sequence[Gateway]) -> HAProxy:
        """Run it, and wait until it listens."""
        for number, proxy in enumerate(proxies, 1):
            self._variables[f"PROXY{number}_WEB"] = f"127.0.0.1:{proxy.web_port}"
            self._variables[f"PROXY{number}_XVP"] = f"127.0.0.1:{proxy.xvp_port}"
        command = ("haproxy", "-db", "-f", str(ETC / "haproxy.cfg"))
        _run(command, self._log, (self.web, self.xvp), self._variables)
        return self

    def log(self) -> str:
        """Return what it has logged."""
        return self._log.read_text()


class Nginx:
    """nginx with ``etc/nginx.conf``, in which the part that is to be adapted is.

    Args:
        folder: where its files go.
        listen: further words of the directive.
        servers: further servers.

    Attributes:
        port: where it listens.
    """

    def __init__(
        self, folder: Path, certificate: Certificate, *, listen: str = "", servers: str = ""
    ) -> None:
        self.port = free_port()
        self._folder = folder
        self._certificate = certificate
        self._listen = listen
        self._servers = servers

    def start(self, proxies: Sequence[Gateway]) -> Nginx:
        """Run it, and wait until it listens."""
        whole = self._folder / "whole.conf"
        # as root, nginx would drop to a user who cannot write here
        whole.write_text(
            f"user root; daemon off; pid {self._folder}/pid; error_log stderr crit;\n"
            f"events {{}}\nhttp {{ include {self._adapted(proxies)};\n{self._servers} }}\n"
        )
        command = ("nginx", "-p", str(self._folder), "-c", str(whole))
        _run(command, self._folder / "nginx.log", (self.port,), {})
        return self

    def log(self) -> str:
        """Return what it has logged."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("*.log")))

    def _adapted(self, proxies: Sequence[Gateway]) -> Path:
        first, second = proxies
        adapted = ADAPTED.search(text := (ETC / "nginx.conf").read_text())
        assert adapted is not None
        part = adapted[0]
        for old, new in {
            "192.0.2.11:6080": f"127.0.0.1:{first.web_port}",
            "192.0.2.12:6080": f"127.0.0.1:{second.web_port}",
            "    listen [::]:443 ssl;\n": "",
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl{self._listen}",
            "/etc/nginx/console.pem": self._certificate.file,
            "/etc/nginx/console.key": self._certificate.key,
            "/var/log/nginx/": f"{self._folder}/",
        }.items():
            assert old in part, old
            part = part.replace(old, new)
        copy = self._folder / "nginx.conf"
        copy.write_text(text[: adapted.start()] + part + text[adapted.end() :])
        return copy


def _run(
    command: Sequence[str], log: Path, ports: Sequence[int], variables: Mapping[str, str]
) -> None:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **variables}
        )
    atexit.register(process.wait)
    atexit.register(process.terminate)
    for port in ports:
        until(partial(_listens, port), f"{command[0]}: {log.read_text()}")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
