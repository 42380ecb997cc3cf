"""A zone that accepts no connection of the other one: it keeps links, over which it is asked."""

from __future__ import annotations

import atexit
import subprocess
from functools import cache
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR
from tests.components.viewer import Viewer
from tests.components.workers import until
from tests.components.zones import Zone, Zones, reaches
from vncproxy.zones.keys import PrivateKey


def in_space(zone: Zone, *command: str) -> None:
    """Run a program in the network of a zone's proxy."""
    subprocess.run(["ip", "netns", "exec", zone.proxy_space, *command], check=True)


class Shared:
    """Paris, which is dialled; madrid, which has a guest and accepts nothing from paris."""

    def __init__(self) -> None:
        self.zones = Zones("paris", "madrid")
        self.paris, self.madrid = self.zones.all
        self.of_paris, self.of_madrid = PrivateKey.new(), PrivateKey.new()
        self.paris.configure(dialled_by("madrid", self.of_paris, self.of_madrid))
        accept = f'accept = {{ keys = ["{self.of_paris.public}"], backends = ["kvm"] }}'
        self.madrid.configure(self.paris.table(self.of_madrid, more=f'dial = "us"\n{accept}'))
        in_space(self.madrid, "nft", "add table inet nat44")
        hook = "{ type filter hook input priority 0; policy accept; }"
        in_space(self.madrid, "nft", f"add chain inet nat44 input {hook}")
        new = "tcp flags & (syn | ack) == syn"
        drop = f"ip saddr {self.paris.address} {new} drop"
        in_space(self.madrid, "nft", f"add rule inet nat44 input {drop}")
        self.madrid.start_guest()
        self.paris.start_guest()
        for zone in self.zones.all:
            zone.gateway.start()


def dialled_by(zone: str, own: PrivateKey, theirs: PrivateKey) -> str:
    """Return the table about a zone that dials this one, and may ask it, too."""
    return f"""
[zones.{zone}]
dial = "them"
key = "{own.secret_text()}"
accept = {{ keys = ["{theirs.public}"], backends = ["kvm"] }}
"""


@cache
def shared_zones() -> Shared:
    """Return the zones that this test run shares."""
    made = Shared()
    atexit.register(made.zones.stop)
    return made


class DialledTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.shared = shared_zones()
        self.paris, self.madrid = self.shared.paris, self.shared.madrid
        self.near, self.far = self.paris.gateway, self.madrid.gateway
        self.wait_for_links(2)

    def wait_for_links(self, count: int) -> None:
        until(lambda: self.links(self.near, "madrid") == count, self.near.log())

    def links(self, gateway: Gateway, zone: str) -> int:
        (proxy,) = gateway.call("GET", "/v1/proxies")[1]["proxies"]
        count: int = proxy["links"][zone]["count"]
        return count

    def view(self, gateway: Gateway, vm: str, **more: Any) -> Viewer:
        token = gateway.issue(vm, type="xvpvnc", **more)["token"]
        viewer = Viewer.connect(gateway.xvp_port, token, host=gateway.host)
        self.addCleanup(viewer.close)
        return viewer

    def test_consoles_in_both_directions(self) -> None:
        self.assertFalse(reaches(self.paris.proxy_space, self.madrid.address, 443))
        self.assertFalse(reaches(self.paris.proxy_space, self.madrid.address, 6443))
        for gateway, vm in ((self.near, "madrid/kvm/web-01"), (self.far, "paris/kvm/web-01")):
            viewer = self.view(gateway, vm)
            viewer.wait_for_pixel(START_COLOUR)
            viewer.key(ord("1"))
            viewer.wait_for_pixel(KEY_COLOURS["1"])
