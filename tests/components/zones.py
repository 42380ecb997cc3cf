"""Zones on one machine: their proxies reach each other, and not each other's hypervisors.

Each zone has a network namespace for its proxy and one for its hypervisor, and a network that both
of them share. The proxies and this machine share another one. Needs root, and iproute2.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from vncproxy.zones.keys import PrivateKey

from .certificates import Authority
from .gateway import Gateway
from .libvirt_host import boot_sector
from .two_hosts import ip
from .vnc_servers import end

_FRONT = "10.198.0"
HERE = f"{_FRONT}.1"
"""The address of this machine, for the proxies."""

_WEB, _XVP, _API, _PLAIN_API = 443, 6081, 6443, 6082
_DISPLAY_BASE = 5900
_START_LIMIT = 60.0


class Zone:
    """One zone: its networks, its proxy, and a guest in a QEMU on its hypervisor.

    Args:
        name: what it calls itself.
        number: from 1, for its addresses.
        authority: issues the certificate of its proxy.
        folder: for its files.

    Attributes:
        address: of its proxy, for other zones and for users.
        hypervisor: the address of its hypervisor, for its proxy alone.
        gateway: the proxy; set by `configure`.
    """

    gateway: Gateway

    def __init__(self, name: str, number: int, authority: Authority, folder: Path) -> None:
        self.name, self._number = name, number
        self.address = f"{_FRONT}.{10 + number}"
        self.hypervisor = f"10.198.{number}.2"
        self.proxy_space = f"z{number}p{os.getpid()}"
        self.hypervisor_space = f"z{number}h{os.getpid()}"
        self._authority, self._folder = authority, folder
        self._qemus: dict[int, subprocess.Popen[bytes]] = {}

    def configure(self, config: str, *, more_proxy: str = "", names: Sequence[str] = ()) -> Gateway:
        """Make the proxy with a configuration, and do not start it.

        Args:
            more_proxy: further options of ``[proxy]``.
            names: further names and addresses of its certificate.
        """
        certificate, key = self._authority.issue(self.address, *names)
        tls = f"interface=0.0.0.0:privateKey={key}:certKey={certificate}"
        gateway = Gateway()
        gateway.config.write_text(f"""
[proxy]
zone = "{self.name}"
{more_proxy}
[public]
base_url = "https://{self.address}/"
xvp_url = "http://{self.address}:{_XVP}/console"
trusted_proxies = ["{_FRONT}.0/24"]
[listen]
web = ["ssl:{_WEB}:{tls}"]
xvp = ["tcp:{_XVP}:interface=0.0.0.0"]
api = ["ssl:{_API}:{tls}", "tcp:{_PLAIN_API}:interface=0.0.0.0"]
{_api_key(gateway)}
[backends.kvm]
type = "static"
[backends.kvm.consoles.web-01]
address = "{self.hypervisor}:{_DISPLAY_BASE}"
{config}
""")
        gateway.host, gateway.api_port = self.address, _PLAIN_API
        gateway.web_port, gateway.xvp_port = _WEB, _XVP
        gateway.launcher = ["ip", "netns", "exec", self.proxy_space]
        self.gateway = gateway
        return gateway

    def table(self, key: PrivateKey, *, more: str = "", api: str = "") -> str:
        """Return another zone's table about this one, with which it asks."""
        return f"""
[zones.{self.name}]
api = "{api or f"https://{self.address}:{_API}"}"
console = "https://{self.address}/"
tls = {{ ca_file = "{self._authority.ca_file}" }}
key = "{key.secret_text()}"
{more}
"""

    def start_guest(self, display: int = 0) -> None:
        """Run a guest that shows `START_COLOUR` and takes keys, at a display of the hypervisor."""
        image = self._folder / f"{self.name}.img"
        image.write_bytes(boot_sector())
        log = self._folder / f"{self.name}-qemu.log"
        with log.open("ab") as output:
            self._qemus[display] = qemu = subprocess.Popen(
                [
                    *("ip", "netns", "exec", self.hypervisor_space),
                    *("qemu-system-x86_64", "-accel", "tcg", "-m", "16", "-nodefaults"),
                    *("-vga", "std", "-name", "web-01", "-vnc", f"{self.hypervisor}:{display}"),
                    *("-drive", f"if=floppy,format=raw,file={image},readonly=on"),
                ],
                stdout=output,
                stderr=output,
            )
        give_up = time.monotonic() + _START_LIMIT
        while not self._guest_listens(display):
            if qemu.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"QEMU did not start: {log.read_text()}")
            time.sleep(0.05)

    def _guest_listens(self, display: int) -> bool:
        sockets = ip("netns", "exec", self.hypervisor_space, "cat", "/proc/net/tcp")
        # LISTEN follows the remote address; the guest before may have left a TIME_WAIT
        return f":{_DISPLAY_BASE + display:04X} 00000000:0000 0A " in sockets

    def stop_guest(self, display: int = 0) -> None:
        """End a guest."""
        end(self._qemus.pop(display, None))

    def stop(self) -> None:
        """End guests and proxy."""
        for display in [*self._qemus]:
            self.stop_guest(display)
        gateway = vars(self).get("gateway")
        if gateway is not None and gateway.started:
            gateway.stop()


def _api_key(gateway: Gateway) -> str:
    """Return the lines about API keys of a gateway's own configuration."""
    text = gateway.config.read_text()
    return text[text.index("[api.keys") :].strip()


class Zones:
    """Several zones, and the network between their proxies.

    Attributes:
        all: the zones.
        authority: of all their certificates.
        folder: for files of the test.
    """

    def __init__(self, *names: str) -> None:
        if os.geteuid():
            raise PermissionError("zones need network namespaces, which need root")
        self._undo = ExitStack()
        with ExitStack() as on_failure:
            on_failure.callback(self._undo.close)
            folder = self._undo.enter_context(tempfile.TemporaryDirectory(prefix="zones-"))
            self.folder = Path(folder)
            self.authority = Authority(self.folder)
            self.all: Sequence[Zone] = [
                Zone(name, number, self.authority, self.folder)
                for number, name in enumerate(names, 1)
            ]
            self._build()
            on_failure.pop_all()

    def stop(self) -> None:
        """End everything, and remove the networks."""
        self._undo.close()

    def _build(self) -> None:
        # what has no network here must not leave this machine
        self._add("route", "unreachable", "10.198.0.0/16", "metric", "4000")
        front = self._bridge("f", 0)
        ip("address", "add", f"{HERE}/24", "dev", front)
        for number, zone in enumerate(self.all, 1):
            for space in (zone.proxy_space, zone.hypervisor_space):
                self._add("netns", space)
                ip("-n", space, "link", "set", "lo", "up")
            inner = self._bridge("z", number)
            self._plug(zone.proxy_space, "front", front, f"{zone.address}/24")
            self._plug(zone.proxy_space, "zone", inner, f"10.198.{number}.1/24")
            self._plug(zone.hypervisor_space, "zone", inner, f"{zone.hypervisor}/24")
            self._undo.callback(zone.stop)

    def _bridge(self, letter: str, number: int) -> str:
        name = f"z{letter}{number}b{os.getpid()}"
        self._add("link", name, "type", "bridge")
        ip("link", "set", name, "addrgenmode", "none")
        # otherwise its address changes with its ports, and neighbours know the old one
        ip("link", "set", name, "address", f"02:00:00:00:00:{number:02x}")
        ip("link", "set", name, "up")
        return name

    def _plug(self, space: str, device: str, bridge: str, address: str) -> None:
        outer = f"{space}{device[0]}"
        ip("link", "add", outer, "type", "veth", "peer", "name", device, "netns", space)
        ip("link", "set", outer, "master", bridge, "up")
        ip("-n", space, "address", "add", address, "dev", device)
        ip("-n", space, "link", "set", device, "up")

    def _add(self, kind: str, *what: str) -> None:
        ip(kind, "add", *what)
        removed = what if kind == "route" else what[:1]
        self._undo.callback(ip, kind, "del", *removed)


def reaches(space: str, host: str, port: int) -> bool:
    """Return whether a TCP connection can be made from a network namespace."""
    program = f"import socket; socket.create_connection(({host!r}, {port}), 2)"
    command = ["ip", "netns", "exec", space, sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
