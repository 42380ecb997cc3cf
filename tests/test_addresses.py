"""Which addresses can be dialled, and which mean something else on every machine."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.addresses import (
    bracketed,
    is_dialable,
    is_loopback,
    is_own,
    is_wildcard,
    mapped,
    meaning,
    parse_ip,
)


class AddressTests(SynchronousTestCase):
    def test_loopback_in_every_spelling(self) -> None:
        for text in (
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "localhost",
            "LocalHost.",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f.1",
            "0x7F000001",
            "0177.0.0.01",
            "017700000001",
            "::1%lo",
            "::ffff:7f00:1",
            "0:0:0:0:0:0:0:1",
            "console.localhost",
            "localhost4",
            "localhost6.localdomain6",
            "ip6-loopback",
        ):
            self.assertTrue(is_loopback(text), text)
            self.assertTrue(is_own(text), text)
        for text in (
            "",
            "10.0.0.5",
            "localhost.example.com",
            "0.0.0.0",
            "::",
            "10.1",
            "mylocalhost",
        ):
            self.assertFalse(is_loopback(text), text)

    def test_wildcards_and_nothing(self) -> None:
        for text in ("0.0.0.0", "::", "::ffff:0.0.0.0", "", "0", "0x0", "0.0", "::%eth0"):
            self.assertTrue(is_wildcard(text), text)
            self.assertTrue(is_own(text), text)
            self.assertFalse(is_dialable(text), text)
        for text in ("10.0.0.5", "hv1", "10.1"):
            self.assertFalse(is_wildcard(text), text)
            self.assertFalse(is_own(text), text)

    def test_an_address_of_a_link_is_another_machine_on_every_link(self) -> None:
        for text in ("169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.1.1"):
            self.assertTrue(is_own(text), text)
            self.assertEqual(meaning(text), "another machine on every link")
            self.assertTrue(is_dialable(text) or "%" in text, text)
        self.assertEqual(meaning("127.1"), "this machine itself")
        self.assertFalse(is_own("192.168.0.1"))

    def test_names_and_addresses_can_be_dialled(self) -> None:
        for text in ("hv1", "hv-1.example.com", "10.0.0.5", "2001:db8::5", "node_3"):
            self.assertTrue(is_dialable(text), text)
        for text in ("", "0.0.0.0", "hv1:5900", "-x", "a b", "h/x", "[::1]", "x" * 300):
            self.assertFalse(is_dialable(text), text)

    def test_ipv4_is_taken_out_of_ipv6(self) -> None:
        self.assertEqual(str(parse_ip("::ffff:10.0.0.5")), "10.0.0.5")
        self.assertIsNone(parse_ip("hv1"))

    def test_old_forms_are_read_as_a_resolver_reads_them(self) -> None:
        for text, address in {
            "10.1": "10.0.0.1",
            "010.0.0.1": "8.0.0.1",
            "0xa000005": "10.0.0.5",
        }.items():
            self.assertEqual(str(parse_ip(text)), address)
        for text in ("1.2.3.4.5", "999.1", "0x", "1..2", "127.0.0.1 x", "4294967296"):
            self.assertIsNone(parse_ip(text), text)


class MappedTests(SynchronousTestCase):
    def test_an_address_is_found_in_any_case(self) -> None:
        addresses = {"ESX1.example": "10.0.0.5"}
        self.assertEqual(mapped(addresses, "esx1.Example"), "10.0.0.5")
        self.assertEqual(mapped(addresses, "esx2.example"), "")


class BracketTests(SynchronousTestCase):
    def test_ipv6_alone_has_brackets(self) -> None:
        self.assertEqual(bracketed("2001:db8::1"), "[2001:db8::1]")
        self.assertEqual(bracketed("10.0.0.5"), "10.0.0.5")
        self.assertEqual(bracketed("hv1.example"), "hv1.example")
