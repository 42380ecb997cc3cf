"""What a check finds out about the consoles of running machines."""

from __future__ import annotations

import socket
from unittest.mock import Mock

import libvirt

from tests.doubles.libvirt import URI, UUID, LibvirtCase, _error
from vncproxy.backends.libvirt import probe as libvirt_probe
from vncproxy.backends.libvirt.console import parse_uri
from vncproxy.backends.libvirt.settings import LibvirtSettings


class TroubleTests(LibvirtCase):
    """What a check finds out about the consoles of running machines."""

    def setUp(self) -> None:
        super().setUp()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.port = self.listener.getsockname()[1]

    def told(self, **table: object) -> list[str]:
        backend = self.backend_of(**table)
        self.result(backend.probe())
        return [*backend.warnings()]

    def vnc(self, port: int) -> str:
        return f"<graphics type='vnc' port='{port}' listen='127.0.0.1'/>"

    def test_a_console_that_can_be_dialled_is_not_told(self) -> None:
        self.domain(self.vnc(self.port))
        self.assertEqual(self.told(), [])

    def test_one_that_cannot_is(self) -> None:
        self.listener.close()
        self.domain(self.vnc(self.port))
        self.assertEqual(
            self.told(),
            [
                f"{URI}: web: its console at 127.0.0.1, port {self.port}, cannot be reached: "
                "Connection refused"
            ],
        )

    def test_consoles_that_are_out_of_reach_are_told_once_with_what_helps(self) -> None:
        self.patch(LibvirtSettings, "reach", lambda *_: parse_uri("qemu+tls://hv1/system"))
        self.domain(self.vnc(5901))
        self.domain(self.vnc(5902), "db", UUID.replace("1", "2"))
        (told,) = self.told()
        self.assertRegex(told, r"(web|db): the console listens on 127\.0\.0\.1, port 590[12], of ")
        self.assertIn("vnc_listen in qemu.conf", told)
        self.assertTrue(told.endswith(" (1 more machine likewise)"), told)

    def test_machines_without_a_screen_are_left_out(self) -> None:
        self.domain("<graphics type='spice' port='5901'/>")
        self.domain(self.vnc(5902), "db", UUID.replace("1", "2")).destroy()
        self.assertEqual(self.told(), [])

    def test_nor_are_those_that_are_locked_or_vanish_meanwhile(self) -> None:
        self.domain("<graphics type='vnc' port='5901' passwd=''/>")
        self.assertEqual(self.told(), [])
        gone = _error(libvirt.VIR_ERR_NO_DOMAIN, "Domain not found")
        self.patch(libvirt.virDomain, "XMLDesc", Mock(side_effect=gone))
        self.assertEqual(libvirt_probe.unreachable_consoles(self.driver, parse_uri(URI), {}), [])

    def test_a_libvirt_that_fails_meanwhile_hides_nothing_else(self) -> None:
        self.domain(self.vnc(self.port))
        broken = _error(libvirt.VIR_ERR_INTERNAL_ERROR, "no memory")
        self.patch(libvirt_probe, "parse_domain", Mock(side_effect=broken))
        self.assertEqual(self.told(), [])

    def test_the_map_counts(self) -> None:
        self.patch(LibvirtSettings, "reach", lambda *_: parse_uri("qemu+tls://hv1/system"))
        self.domain(self.vnc(self.port))
        self.assertEqual(self.told(addresses={self.driver.getHostname(): "127.0.0.1"}), [])
