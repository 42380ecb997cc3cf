"""The VNC device of a domain's XML: every way it can listen, several devices, passwords."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.libvirt.domain_xml import DomainXML, VNCGraphics, parse_domain


def domain(graphics: str, attributes: str = "id='3'") -> DomainXML:
    return parse_domain(
        f"<domain type='kvm' {attributes}><name>web</name>"
        f"<devices><disk/>{graphics}</devices></domain>"
    )


def vnc(attributes: str = "port='5901'", listens: str = "") -> VNCGraphics:
    found = domain(f"<graphics type='vnc' {attributes}>{listens}</graphics>").vnc
    assert found is not None
    return found


class DomainTests(SynchronousTestCase):
    def test_name_is_read(self) -> None:
        self.assertEqual(domain("").name, "web")

    def test_xml_with_an_id_is_that_of_a_running_domain(self) -> None:
        self.assertTrue(domain("").active)
        self.assertFalse(domain("", attributes="").active)

    def test_no_graphics_is_no_vnc(self) -> None:
        self.assertIsNone(domain("").vnc)

    def test_other_graphics_are_told(self) -> None:
        found = domain("<graphics type='spice' port='5900'/><graphics type='sdl'/>")
        self.assertEqual((found.vnc, found.others), (None, ("spice", "sdl")))

    def test_first_vnc_counts_and_its_index_counts_all_graphics(self) -> None:
        found = domain(
            "<graphics type='spice' port='5900'/><graphics type='vnc' port='5901'/>"
            "<graphics type='vnc' port='5902'/>"
        )
        self.assertEqual(found.vnc, VNCGraphics(index=1, port=5901))

    def test_what_is_not_xml_is_a_value_error(self) -> None:
        with self.assertRaises(ValueError):
            parse_domain("<domain")


class ListenTests(SynchronousTestCase):
    def test_address_element(self) -> None:
        found = vnc(listens="<listen type='address' address='10.0.0.5'/>")
        self.assertEqual((found.address, found.port), ("10.0.0.5", 5901))

    def test_network_element_with_the_address_it_resolved_to(self) -> None:
        listen = "<listen type='network' network='default' address='192.168.122.1'/>"
        self.assertEqual(vnc(listens=listen).address, "192.168.122.1")

    def test_listen_attribute_alone(self) -> None:
        self.assertEqual(vnc("port='5901' listen='10.0.0.6'").address, "10.0.0.6")

    def test_element_goes_before_attribute(self) -> None:
        listen = "<listen type='address' address='10.0.0.5'/>"
        self.assertEqual(vnc("port='5901' listen='10.0.0.6'", listen).address, "10.0.0.5")

    def test_element_without_an_address_leaves_the_attribute(self) -> None:
        found = vnc("port='5901' listen='10.0.0.6'", "<listen type='address'/>")
        self.assertEqual(found.address, "10.0.0.6")

    def test_nothing_told_is_an_empty_address(self) -> None:
        self.assertEqual(vnc(), VNCGraphics(index=0, port=5901))

    def test_socket_element(self) -> None:
        found = vnc("", "<listen type='socket' socket='/run/web.sock'/>")
        self.assertEqual(found, VNCGraphics(index=0, socket="/run/web.sock"))

    def test_socket_attribute_goes_before_listen_elements(self) -> None:
        listen = "<listen type='address' address='10.0.0.5'/>"
        found = vnc("port='5901' socket='/run/web.sock'", listen)
        self.assertEqual(found, VNCGraphics(index=0, socket="/run/web.sock"))

    def test_socket_element_without_a_path_has_neither_socket_nor_port(self) -> None:
        self.assertEqual(vnc("", "<listen type='socket'/>"), VNCGraphics(index=0))

    def test_listen_none_has_neither_socket_nor_port(self) -> None:
        self.assertEqual(vnc("", "<listen type='none'/>"), VNCGraphics(index=0))

    def test_port_that_was_not_chosen_yet_is_minus_one(self) -> None:
        self.assertEqual(vnc("port='-1' autoport='yes'").port, -1)
        self.assertEqual(vnc("autoport='yes'").port, -1)

    def test_port_that_is_no_number_is_a_value_error(self) -> None:
        with self.assertRaises(ValueError):
            vnc("port='first'")


class PasswordTests(SynchronousTestCase):
    def test_password_is_read(self) -> None:
        self.assertEqual(vnc("port='1' passwd='s3cret'").password, "s3cret")

    def test_until_when_it_is_good_is_read_as_utc(self) -> None:
        found = vnc("port='1' passwd='s3cret' passwdValidTo='2020-01-02T03:04:05'")
        self.assertEqual(found.valid_to, datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC))
        self.assertIsNone(vnc("port='1' passwd='s3cret'").valid_to)

    def test_no_password_and_an_empty_one_are_told_apart(self) -> None:
        self.assertIsNone(vnc().password)
        self.assertEqual(vnc("port='1' passwd=''").password, "")

    def test_password_stands_in_no_repr(self) -> None:
        found = domain("<graphics type='vnc' port='1' passwd='s3cret'/>")
        self.assertNotIn("s3cret", repr(found))
