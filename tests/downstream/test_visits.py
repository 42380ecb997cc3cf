"""What a request says about its user."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress, ISSLTransport
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import Request
from twisted.web.resource import Resource
from zope.interface import alsoProvides

from vncproxy.downstream.channel import ConsoleSite
from vncproxy.downstream.visits import Trust, resume_cookie_name, visit_of
from vncproxy.model import ConsoleType, Limits
from vncproxy.session import Visit
from vncproxy.testing import MemoryPeer

TOKEN = "a-token-of-24-characters"
OTHER = "another-one-of-24-charac"
PROXY = IPv4Address("TCP", "10.0.0.1", 50000)
BEHIND_PROXY = Trust(frozenset(), proxies=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))


class _Noting(Resource):
    """Keeps what the site makes of a request."""

    isLeaf = True

    def __init__(self, trust: Trust) -> None:
        super().__init__()
        self.trust = trust
        self.visits: list[Visit] = []

    def render(self, request: Request) -> Any:
        self.visits.append(visit_of(request, ConsoleType.NOVNC, self.trust))
        return b""


def visit(
    target: str = "/",
    *headers: str,
    trust: Trust = Trust(frozenset({"https://console.example.com"})),  # noqa: B008
    address: IAddress | None = None,
    secure: bool = False,
    host: str = "localhost:6080",
) -> Visit:
    noting = _Noting(trust)
    protocol = ConsoleSite(noting, Limits(), Clock()).buildProtocol(address)
    peer = MemoryPeer(protocol, address=address)
    if secure:
        alsoProvides(peer, ISSLTransport)
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    peer.send("\r\n".join(lines).encode("latin-1"))
    (found,) = noting.visits
    return found


class TokenTests(SynchronousTestCase):
    def test_the_query_of_any_path(self) -> None:
        for target in (f"/?token={TOKEN}", f"/websockify?token={TOKEN}", f"//x/y?token={TOKEN}"):
            self.assertEqual(visit(target).token, TOKEN)

    def test_beside_other_parameters(self) -> None:
        self.assertEqual(visit(f"/?autoconnect=1&token={TOKEN}&scale=1").token, TOKEN)

    def test_inside_novncs_path_parameter(self) -> None:
        for path in (
            f"%3Ftoken%3D{TOKEN}",
            f"websockify%3Ftoken%3D{TOKEN}",
            f"%2Fwebsockify%3Fa%3Db%26token%3D{TOKEN}",
        ):
            self.assertEqual(visit(f"/vnc_auto.html?path={path}").token, TOKEN)

    def test_the_last_of_several_counts(self) -> None:
        self.assertEqual(visit(f"/?token={OTHER}&token={TOKEN}").token, TOKEN)

    def test_the_query_comes_before_the_path_parameter(self) -> None:
        target = f"/?path=%3Ftoken%3D{OTHER}&token={TOKEN}"

        self.assertEqual(visit(target).token, TOKEN)

    def test_an_empty_one_does_not_hide_another(self) -> None:
        self.assertEqual(visit(f"/?token=&path=%3Ftoken%3D{TOKEN}").token, TOKEN)
        self.assertEqual(visit(f"/?token={TOKEN}&token=").token, TOKEN)

    def test_none(self) -> None:
        for target in ("/", "/?", "/?token", "/?token=", "/?path=", "/?path=%3F", "/?a=b"):
            self.assertEqual(visit(target).token, "")

    def test_bytes_that_are_no_text_are_kept_apart(self) -> None:
        self.assertEqual(visit("/?token=%ff%00%0d%0a").token, "\xff\0\r\n")
        for path in ("%ff%5b//%3F", "//%5B", "//%5B%3Ftoken%3D", "%3F%3F%26%26"):
            self.assertEqual(visit(f"/?path={path}").token, "")

    def test_no_token_shows_in_what_is_logged_of_a_visit(self) -> None:
        self.assertNotIn(TOKEN, repr(visit(f"/?token={TOKEN}")))


class CookieTests(SynchronousTestCase):
    def test_a_cookie_of_our_own_page(self) -> None:
        for origin in ("http://localhost:6080", "https://console.example.com"):
            found = visit("/", f"Cookie: token={TOKEN}", f"Origin: {origin}")
            self.assertEqual(found.token, TOKEN)

    def test_a_cookie_without_an_origin_comes_from_no_browser(self) -> None:
        self.assertEqual(visit("/", f"Cookie: a=b; token={TOKEN}; c=d").token, TOKEN)

    def test_a_cookie_under_a_foreign_page_is_not_looked_at(self) -> None:
        for origin in ("https://evil.example", "null"):
            found = visit("/", f"Cookie: token={TOKEN}", f"Origin: {origin}")
            self.assertEqual(found.token, "")

    def test_the_query_comes_before_the_cookie(self) -> None:
        self.assertEqual(visit(f"/?token={TOKEN}", f"Cookie: token={OTHER}").token, TOKEN)

    def test_malformed_cookies_do_not_hide_good_ones(self) -> None:
        for line in (
            f"=; ;;a; b=\x01; token={TOKEN}",
            f"bad name=x; token={TOKEN}",
            f"x=1,token={TOKEN}",
            f'token="{TOKEN}"',
        ):
            self.assertEqual(visit("/", f"Cookie: {line}").token, TOKEN, line)

    def test_several_cookie_headers(self) -> None:
        found = visit("/", "Cookie: a=b", f"Cookie: token={TOKEN}")

        self.assertEqual(found.token, TOKEN)

    def test_a_resume_cookie_belongs_to_its_token(self) -> None:
        cookie = f"Cookie: {resume_cookie_name(TOKEN)}=resume-it"

        self.assertEqual(visit(f"/?token={TOKEN}", cookie).resume, "resume-it")
        self.assertIsNone(visit(f"/?token={OTHER}", cookie).resume)

    def test_the_name_of_a_resume_cookie_shows_no_token(self) -> None:
        self.assertEqual(resume_cookie_name("abc"), "vncproxy_resume_ba7816bf8f01")


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


class OriginTests(SynchronousTestCase):
    def foreign(self, origin: str, *headers: str, **more: Any) -> str | None:
        return visit("/", f"Origin: {origin}", *headers, **more).foreign_origin

    def test_no_origin_is_no_browser(self) -> None:
        self.assertIsNone(visit("/").foreign_origin)

    def test_the_page_of_the_same_host(self) -> None:
        self.assertIsNone(self.foreign("http://localhost:6080"))
        self.assertIsNone(self.foreign("HTTP://LocalHost:6080"))

    def test_another_port_or_scheme_is_another_page(self) -> None:
        for origin in ("http://localhost", "http://localhost:6081", "https://localhost:6080"):
            self.assertEqual(self.foreign(origin), origin)

    def test_the_schemes_own_port_is_not_written(self) -> None:
        self.assertIsNone(self.foreign("http://localhost", host="localhost:80"))
        self.assertIsNone(self.foreign("https://localhost", host="localhost:443", secure=True))
        self.assertIsNone(self.foreign("http://[::1]", host="[::1]:80"))

    def test_the_allowed_pages(self) -> None:
        self.assertIsNone(self.foreign("https://console.example.com"))

    def test_everything_else_is_foreign(self) -> None:
        for origin in ("https://evil.example", "null", "https://console.example.com.evil.example"):
            self.assertEqual(self.foreign(origin), origin)

    def test_an_endless_origin_is_cut(self) -> None:
        self.assertEqual(len(self.foreign("https://" + "x" * 5000) or ""), 256)

    def test_a_foreign_origin_is_told_as_policies_write_it(self) -> None:
        self.assertEqual(self.foreign("HTTPS://Portal.Example"), "https://portal.example")

    def test_a_reverse_proxy_says_how_the_user_asked(self) -> None:
        forwarded = ("X-Forwarded-Proto: https", "X-Forwarded-Host: vnc.example")

        self.assertIsNone(
            self.foreign("https://vnc.example", *forwarded, trust=BEHIND_PROXY, address=PROXY)
        )

    def test_of_several_reverse_proxies_the_first_one_says_it(self) -> None:
        forwarded = ("X-Forwarded-Proto: https, http", "X-Forwarded-Host: vnc.example, inner")

        self.assertIsNone(
            self.foreign("https://vnc.example", *forwarded, trust=BEHIND_PROXY, address=PROXY)
        )

    def test_a_stranger_says_nothing(self) -> None:
        forwarded = ("X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example")

        self.assertEqual(
            self.foreign("https://evil.example", *forwarded, trust=BEHIND_PROXY),
            "https://evil.example",
        )
