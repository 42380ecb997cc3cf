"""The origin of the page that makes a request."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.requests import BEHIND_PROXY, PROXY, user_request
from vncproxy.downstream.trust import Trust
from vncproxy.origins import normal_pattern


class OriginTests(SynchronousTestCase):
    def foreign(self, origin: str, *headers: str, **more: Any) -> str | None:
        return user_request("/", f"Origin: {origin}", *headers, **more).untrusted_origin

    def test_no_origin_is_no_browser(self) -> None:
        self.assertIsNone(user_request("/").untrusted_origin)

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

    def test_a_default_port_that_is_written_all_the_same(self) -> None:
        self.assertIsNone(self.foreign("https://console.example.com:443"))
        self.assertIsNone(self.foreign("http://localhost:80", host="localhost"))

    def test_an_allowed_pattern(self) -> None:
        trust = Trust(frozenset({"https://*.apps.example.com"}))

        self.assertIsNone(self.foreign("https://a.apps.example.com", trust=trust))
        for origin in ("https://apps.example.com", "https://a.apps.example.com:8443"):
            self.assertEqual(self.foreign(origin, trust=trust), origin)

    def test_an_international_name_comes_in_punycode(self) -> None:
        trust = Trust(frozenset({normal_pattern("https://Münze.example")}))

        self.assertIsNone(self.foreign("https://xn--mnze-0ra.example", trust=trust))

    def test_a_pattern_is_no_origin(self) -> None:
        trust = Trust(frozenset({"https://*.apps.example.com"}))

        for origin in ("https://*.apps.example.com", "https://x:1/.apps.example.com"):
            self.assertEqual(self.foreign(origin, trust=trust), origin)

    def test_everything_else_is_foreign(self) -> None:
        for origin in ("https://evil.example", "null", "https://console.example.com.evil.example"):
            self.assertEqual(self.foreign(origin), origin)

    def test_an_endless_origin_is_cut(self) -> None:
        self.assertEqual(len(self.foreign("https://" + "x" * 5000) or ""), 256)

    def test_a_untrusted_origin_is_told_as_policies_write_it(self) -> None:
        self.assertEqual(self.foreign("HTTPS://Portal.Example"), "https://portal.example")

    def test_a_reverse_proxy_says_how_the_user_asked(self) -> None:
        forwarded = ("X-Forwarded-Proto: https", "X-Forwarded-Host: vnc.example")

        self.assertIsNone(
            self.foreign("https://vnc.example", *forwarded, trust=BEHIND_PROXY, address=PROXY)
        )

    def test_all_words_for_the_scheme(self) -> None:
        for word, scheme in {
            "wss": "https",
            "HTTPS": "https",
            '"https"': "https",
            "ws": "http",
            "Http": "http",
            "gopher": "http",
            "": "http",
        }.items():
            headers = (f"X-Forwarded-Proto: {word}", "X-Forwarded-Host: vnc.example:8080, inner")
            with self.subTest(word=word):
                self.assertIsNone(
                    self.foreign(
                        f"{scheme}://vnc.example:8080", *headers, trust=BEHIND_PROXY, address=PROXY
                    )
                )

    def test_rfc_7239_says_it_too(self) -> None:
        header = 'Forwarded: for=203.0.113.9;proto=HTTPS;host="vnc.example:8443", host=inner'

        self.assertIsNone(
            self.foreign("https://vnc.example:8443", header, trust=BEHIND_PROXY, address=PROXY)
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
