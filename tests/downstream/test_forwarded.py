"""The user's address, as reverse proxies forward it."""

from __future__ import annotations

from ipaddress import IPv4Address as IPv4
from ipaddress import IPv6Address as IPv6
from ipaddress import ip_address
from typing import Any, cast

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.requests import BEHIND_PROXY, PROXY, user_request
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.downstream.forwarded import Forwarding, Header, read_hop
from vncproxy.downstream.throttled_warning import ThrottledWarning
from vncproxy.downstream.trust import Trust

HOPS = {
    "203.0.113.9": "203.0.113.9",
    "203.0.113.9:54321": "203.0.113.9",
    "::ffff:203.0.113.9": "203.0.113.9",
    "[::ffff:203.0.113.9]:54321": "203.0.113.9",
    "2001:db8::9": "2001:db8::9",
    "2001:DB8::9": "2001:db8::9",
    "[2001:db8::9]": "2001:db8::9",
    "[2001:db8::9]:54321": "2001:db8::9",
    "[fe80::9%eth0]:54321": "fe80::9",
    '"203.0.113.9"': "203.0.113.9",
    '"203.0.113.9:54321"': "203.0.113.9",
    '"[2001:db8::9]:54321"': "2001:db8::9",
    "203.0.113.9:_port": "203.0.113.9",
}
"""Hops as balancers write them, and the address in each."""


class ClientTests(SynchronousTestCase):
    def client(self, address: IAddress, *hops: str, trust: Trust = BEHIND_PROXY) -> str:
        headers = [f"X-Forwarded-For: {hop}" for hop in hops]
        return user_request("/", *headers, trust=trust, address=address).client

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
        for hop in ("unknown", "_hidden", "_hidden:80", "1.2.3.4, garbage", "[2001:db8::9"):
            self.assertEqual(self.client(PROXY, hop), "10.0.0.1")

    def test_all_forms_that_balancers_write(self) -> None:
        for hop, address in HOPS.items():
            with self.subTest(hop=hop):
                self.assertEqual(self.client(PROXY, hop), address)
                self.assertEqual(self.client(PROXY, f"1.2.3.4 ,{hop} , 10.0.0.2:80"), address)

    def test_a_chain_without_end_is_followed_for_a_while(self) -> None:
        chain = ",".join(["203.0.113.9", *["10.0.0.2"] * 40])

        self.assertEqual(self.client(PROXY, chain), "10.0.0.2")

    def test_mapped_and_zoned_hops(self) -> None:
        self.assertEqual(self.client(PROXY, "::ffff:203.0.113.9"), "203.0.113.9")
        self.assertEqual(self.client(PROXY, "fe80::9%eth0"), "fe80::9")

    def test_a_mark_that_the_user_left_open_hides_nothing(self) -> None:
        self.assertEqual(self.client(PROXY, '"1.2.3.4', "203.0.113.9"), "203.0.113.9")
        self.assertEqual(self.client(PROXY, '"1.2.3.4, 203.0.113.9'), "203.0.113.9")


class RFC7239Tests(SynchronousTestCase):
    """The header Forwarded."""

    def client(self, *headers: str, header: Header = "auto", **more: Any) -> str:
        forwarding = Forwarding(BEHIND_PROXY.forwarding.proxies, header)
        settings = {"trust": Trust(frozenset(), forwarding), "address": PROXY, **more}
        return user_request("/", *headers, **settings).client

    def test_it_is_read_where_it_is_the_only_one(self) -> None:
        for value, address in {
            "for=203.0.113.9": "203.0.113.9",
            "For=203.0.113.9; proto=https ;by=10.0.0.1": "203.0.113.9",
            'by=10.0.0.1;for="[2001:db8::9]:4711"': "2001:db8::9",
            'for="203.0.113.9:80"': "203.0.113.9",
            "for=1.2.3.4, for=203.0.113.9, for=10.0.0.2": "203.0.113.9",
            "for=unknown": "10.0.0.1",
            "for=_gazonk": "10.0.0.1",
            "proto=https": "10.0.0.1",
            "nonsense": "10.0.0.1",
            "": "10.0.0.1",
        }.items():
            with self.subTest(value=value):
                self.assertEqual(self.client(f"Forwarded: {value}"), address)

    def test_a_stranger_is_not_believed(self) -> None:
        stranger = IPv4Address("TCP", "198.51.100.7", 1)

        self.assertEqual(self.client("Forwarded: for=1.2.3.4", address=stranger), "198.51.100.7")

    def test_what_the_user_began_hides_nothing_that_the_proxy_wrote(self) -> None:
        for begun in ('for="1.2.3.4', 'for="a, for=10.0.0.9', "for=", ";;=", 'x="\\'):
            with self.subTest(begun=begun):
                self.assertEqual(
                    self.client(f"Forwarded: {begun}", "Forwarded: for=203.0.113.9"), "203.0.113.9"
                )
                self.assertEqual(self.client(f"Forwarded: {begun}, for=203.0.113.9"), "203.0.113.9")

    def test_both_that_say_the_same_are_believed(self) -> None:
        both = ("X-Forwarded-For: 203.0.113.9:80", "Forwarded: for=203.0.113.9")

        self.assertEqual(self.client(*both), "203.0.113.9")

    def test_of_two_that_differ_one_is_the_users_own(self) -> None:
        both = ("X-Forwarded-For: 203.0.113.9", "Forwarded: for=198.51.100.1")

        self.assertEqual(self.client(*both), "0.0.0.0")
        self.assertEqual(self.client(*both, header="x-forwarded-for"), "203.0.113.9")
        self.assertEqual(self.client(*both, header="forwarded"), "198.51.100.1")

    def test_the_header_that_is_not_chosen_is_not_read(self) -> None:
        self.assertEqual(
            self.client("Forwarded: for=198.51.100.1", header="x-forwarded-for"), "10.0.0.1"
        )
        self.assertEqual(
            self.client("X-Forwarded-For: 198.51.100.1", header="forwarded"), "10.0.0.1"
        )


class HopTests(SynchronousTestCase):
    def test_what_is_no_address(self) -> None:
        for text in (
            *("", '"', '""', "unknown", "_x", "203.0.113.999", "203.0.113.9:", "203.0.113.9:x"),
            *("203.0.113.9:123456", "203.0.113.9:\xb2", '"203.0.113.9', '203.0.113.9"', "[]"),
            *("[203.0.113.9", "[2001:db8::9]80", "[2001:db8::9]:", "2001:db8:::9", "1" * 5000),
            *("host.example", "203.0.113.9 203.0.113.10", "for=203.0.113.9", '"203"."0.113.9"'),
        ):
            with self.subTest(text=text):
                self.assertIsNone(read_hop(text))

    def test_any_text_is_read_or_not_and_nothing_is_raised(self) -> None:
        @given(st.text('0123456789abcdef.:[]%"_ ', max_size=60))
        def check(text: str) -> None:
            read = read_hop(text)
            self.assertTrue(read is None or str(ip_address(read)) == read)

        check()

    def test_every_address_comes_back(self) -> None:
        @given(st.ip_addresses(), st.integers(0, 65535))
        def check(address: IPv4 | IPv6, port: int) -> None:
            host = f"[{address}]" if address.version == 6 else str(address)
            mapped = getattr(address, "ipv4_mapped", None)
            for text in (str(address), host, f"{host}:{port}", f'"{host}:{port}"', f"{host}:_p"):
                self.assertEqual(read_hop(text), str(mapped or address))

        check()


class WarningTests(SynchronousTestCase):
    """A hop that cannot be read is logged, and not for every request."""

    def setUp(self) -> None:
        self.clock = Clock()
        proxies = BEHIND_PROXY.forwarding.proxies
        warning = ThrottledWarning(self.clock.seconds)
        self.trust = Trust(frozenset(), Forwarding(proxies, warning=warning))
        self.lines: list[str] = []
        observer = cast(ILogObserver, self.note)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def note(self, event: LogEvent) -> None:
        if event["log_namespace"].startswith("vncproxy.downstream.throttled_warning"):
            self.lines.append(formatEvent(event))

    def ask(self, *headers: str) -> None:
        user_request("/", *headers, trust=self.trust, address=PROXY)

    def test_once_a_minute(self) -> None:
        for _ in range(3):
            self.ask("X-Forwarded-For: unknown")
        self.clock.advance(60)
        self.ask("X-Forwarded-For: unknown")

        first, second = self.lines
        self.assertIn("10.0.0.1 names no address in x-forwarded-for: 'unknown'", first)
        self.assertEqual(second, f"{first} (2 more since the last such line)")

    def test_it_shows_what_came_short_and_escaped(self) -> None:
        self.ask("X-Forwarded-For: \x1b[31m\x9b" + "x" * 5000)

        (line,) = self.lines
        self.assertTrue(line.isprintable() and line.isascii())
        self.assertLess(len(line), 250)

    def test_two_headers_that_differ_are_told_with_the_setting(self) -> None:
        self.ask("X-Forwarded-For: 203.0.113.9", "Forwarded: for=198.51.100.1")

        (line,) = self.lines
        self.assertIn("public.forwarded_header", line)

    def test_what_a_stranger_sends_is_not_looked_at(self) -> None:
        stranger = IPv4Address("TCP", "198.51.100.7", 1)
        user_request("/", "X-Forwarded-For: unknown", trust=self.trust, address=stranger)

        self.assertEqual(self.lines, [])
