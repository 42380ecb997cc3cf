"""The user's address, as reverse proxies tell it."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.trial.unittest import SynchronousTestCase

from tests.downstream.requests import BEHIND_PROXY, PROXY, visit
from vncproxy.downstream.origin import Trust


class ClientTests(SynchronousTestCase):
    def client(self, address: IAddress, *hops: str, trust: Trust = BEHIND_PROXY) -> str:
        headers = [f"X-Forwarded-For: {hop}" for hop in hops]
        return visit("/", *headers, trust=trust, address=address).client

    def test_the_address_of_the_connection(self) -> None:
        self.assertEqual(self.client(IPv4Address("TCP", "198.51.100.7", 1)), "198.51.100.7")
        self.assertEqual(self.client(IPv6Address("TCP", "2001:db8::7", 1)), "2001:db8::7")

    def test_ipv4_that_is_mapped_into_ipv6(self) -> None:
        self.assertEqual(self.client(IPv6Address("TCP", "::ffff:198.51.100.7", 1)), "198.51.100.7")

    def test_a_zone_is_left_out(self) -> None:
        self.assertEqual(self.client(IPv6Address("TCP", "fe80::1%eth0", 1)), "fe80::1")

    def test_a_unix_socket_has_no_address(self) -> None:
        self.assertEqual(self.client(UNIXAddress(None)), "0.0.0.0")

    def test_a_stranger_is_not_believed(self) -> None:
        stranger = IPv4Address("TCP", "198.51.100.7", 1)

        self.assertEqual(self.client(stranger, "203.0.113.9"), "198.51.100.7")
        self.assertEqual(self.client(PROXY, "203.0.113.9", trust=Trust(frozenset())), "10.0.0.1")

    def test_a_reverse_proxy_is_believed(self) -> None:
        self.assertEqual(self.client(PROXY, "203.0.113.9"), "203.0.113.9")
        self.assertEqual(
            self.client(IPv6Address("TCP", "fd00::1", 1), "2001:db8::9"), "2001:db8::9"
        )
        self.assertEqual(
            self.client(IPv6Address("TCP", "::ffff:10.0.0.1", 1), "203.0.113.9"), "203.0.113.9"
        )

    def test_a_chain_is_followed_as_far_as_it_is_believed(self) -> None:
        forged = "1.2.3.4, 203.0.113.9, 10.0.0.2"

        self.assertEqual(self.client(PROXY, forged), "203.0.113.9")
        self.assertEqual(self.client(PROXY, "1.2.3.4", "203.0.113.9", "10.0.0.2"), "203.0.113.9")

    def test_a_chain_of_believed_proxies_only(self) -> None:
        self.assertEqual(self.client(PROXY, "10.0.0.3, 10.0.0.2"), "10.0.0.3")

    def test_what_is_no_address_ends_the_chain(self) -> None:
        for hop in ("unknown", "203.0.113.9:1234", "_hidden", "1.2.3.4, garbage"):
            self.assertEqual(self.client(PROXY, hop), "10.0.0.1")

    def test_mapped_and_zoned_hops(self) -> None:
        self.assertEqual(self.client(PROXY, "::ffff:203.0.113.9"), "203.0.113.9")
        self.assertEqual(self.client(PROXY, "fe80::9%eth0"), "fe80::9")
