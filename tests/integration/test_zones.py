"""Consoles across a border: proxies in namespaces of their own, a real guest in the far one."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR
from tests.components.viewer import Viewer
from tests.components.zones import Zones, reaches
from vncproxy.zones.keys import PrivateKey


def accept(key: PrivateKey, more: str = "") -> str:
    """Return what a zone writes to let another one ask."""
    return f'accept = {{ keys = ["{key.public}"], backends = ["kvm"]{more} }}\n'


class ZonesCase(SynchronousTestCase):
    names: tuple[str, ...] = ("paris", "madrid")

    def setUp(self) -> None:
        self.zones = Zones(*self.names)
        self.addCleanup(self.zones.stop)


class BorderTests(ZonesCase):
    def setUp(self) -> None:
        super().setUp()
        self.paris, self.madrid = self.zones.all
        key = PrivateKey.new()
        self.paris.configure(self.madrid.table(key))
        self.madrid.configure(f"[zones.paris]\n{accept(key)}")
        self.madrid.start_guest()
        for zone in self.zones.all:
            zone.gateway.start()

    def test_a_viewer_types_into_a_guest_of_another_zone(self) -> None:
        near, far = self.paris.gateway, self.madrid.gateway
        hypervisor = self.madrid.hypervisor
        self.assertTrue(reaches(self.madrid.proxy_space, hypervisor, 5900))
        self.assertFalse(reaches(self.paris.proxy_space, hypervisor, 5900))
        token = near.issue("madrid/kvm/web-01", type="xvpvnc")["token"]

        viewer = Viewer.connect(near.xvp_port, token, host=near.host)
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(START_COLOUR)
        viewer.key(ord("1"))
        viewer.wait_for_pixel(KEY_COLOURS["1"])

        (opened,), (told,) = near.audit("open"), far.audit("open")
        self.assertEqual(opened["to_zone"], "madrid")
        self.assertEqual(opened["to_session"], told["session"])
        self.assertEqual(told["from_zone"], "paris")
        self.assertEqual(told["from_session"], opened["session"])
        self.assertEqual((opened["user"], told["user"]), ("alice", "alice"))
        self.assertEqual((opened["vm"], told["vm"]), ("madrid/kvm/web-01", "kvm/web-01"))
