"""A vCenter, an ESXi host and a cloud whose machines are real guests, and a proxy for them."""

from __future__ import annotations

import atexit
import json
from functools import cache
from typing import Any

from tests.components.fake_oned import FakeOned, OnedServer
from tests.components.gateway import Gateway
from tests.components.libvirt_host import Guest, private_libvirtd
from tests.components.ports import free_port
from tests.components.vsphere import VSphere, shared_vsphere
from tests.components.webmks import WebMKS

HERE, THERE = "DC0_H0", "DC0_H1"


VM = f"{HERE}_VM0"


ESX = "localhost.localdomain"


VNC_PASSWORD = "vnc-s3cr"


class World:
    """A vCenter with a door for each of two hosts, a single host, two guests, and a proxy."""

    def __init__(self) -> None:
        host = private_libvirtd()
        self.guest = Guest(host, "vmware-open").start()
        self.locked = Guest(host, "vmware-locked", password=VNC_PASSWORD).start()
        self.vsphere, self.esx = shared_vsphere(), shared_vsphere("esx")
        self.newer = shared_vsphere(version="8.0.3.0")
        self.newest = shared_vsphere(version="9.0.0.0")
        self.here = self._door(self.vsphere, HERE, "127.0.0.3")
        self.there = self._door(self.vsphere, THERE, "127.0.0.4", self.here.port)
        self.esx_door = self._door(self.esx, ESX, "127.0.0.2")
        self.newer_door = self._door(self.newer, HERE, "127.0.0.5")
        self.newest_door = self._door(self.newest, HERE, "127.0.0.6")
        self.oned = FakeOned()
        self.oned_server = OnedServer(self.oned)
        atexit.register(self.oned_server.stop)
        self.gateway = Gateway(self._config()).start()
        atexit.register(self._stop)

    def populate(self) -> None:
        """Bring everything to what every test begins with."""
        self.vsphere.consoles(
            **{HERE: self.here.ticket_target(), THERE: self.there.ticket_target()}
        )
        self.esx.consoles(**{ESX: self.esx_door.ticket_target(Host="")})
        self.newest.consoles(**{HERE: self.newest_door.ticket_target()})

    def _door(self, vsphere: VSphere, esx: str, address: str, port: int = 0) -> WebMKS:
        certificate = vsphere.authority.issue(address)
        screen = int(self.guest.graphics()["port"])
        door = WebMKS(esx, vsphere.journal, screen, certificate, address, port)
        atexit.register(door.stop)
        return door

    def _config(self) -> str:
        return f"""
[timeouts]
locate = 60
linger = 2
{_table("vc", self.vsphere, addresses=own(self.here, self.there))}
{_table("vc8", self.newer, addresses={"esx8.example": self.newer_door.address})}
{_table("vc9", self.newest, ca_file=self.newest.ca_file, addresses=own(self.newest_door))}
{_table("unmapped", self.vsphere)}
{self._cloud("single", '"vc"')}
{self._cloud("cloud", f'{{ "{self.vsphere.uuid}" = "vc", "{self.newest.uuid}" = "vc9" }}')}
{_table("vnc", self.vsphere, console="vnc", addresses={HERE: "127.0.0.1"})}
{_table("esx", self.esx)}
{_table("moved", self.vsphere, addresses={self.here.address: self.there.address})}
{_table("stranger", self.vsphere, ca_file="")}
{_table("login", self.vsphere, password="wr0ng-pw")}
{_table("away", self.vsphere, port=free_port())}
"""

    def _cloud(self, name: str, vcenter: str) -> str:
        return f"""
[backends.{name}]
type = "opennebula"
endpoint = "{self.oned_server.url}"
session = "oneadmin:opennebula"
vcenter = {vcenter}
timeout = 30
addresses = {{ cluster = "127.0.0.1" }}
"""

    def _stop(self) -> None:
        self.gateway.stop()


def own(*doors: WebMKS) -> dict[str, str]:
    """Return what allows hosts to be on loopback addresses."""
    return {door.address: door.address for door in doors}


world = cache(World)


def _table(name: str, vsphere: VSphere, **more: Any) -> str:
    """Return a backend's table; JSON's strings, numbers and lists are TOML's."""
    lines = [f"[backends.{name}]", 'type = "vmware"']
    for key, value in vsphere.table(**more).items():
        if isinstance(value, dict):
            pairs = ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items())
            lines.append(f"{key} = {{ {pairs} }}")
        else:
            lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines)
