"""Origins in their normal form, and patterns of them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.origins import allows, normal_origin, normal_pattern, origin_of

NORMAL = {
    "https://portal.example.com": "https://portal.example.com",
    "HTTPS://Portal.Example.COM": "https://portal.example.com",
    "https://portal.example.com/": "https://portal.example.com",
    "https://portal.example.com:443": "https://portal.example.com",
    "http://portal.example.com:80/": "http://portal.example.com",
    "http://portal.example.com:443": "http://portal.example.com:443",
    "https://portal.example.com:08443": "https://portal.example.com:8443",
    "https://münze.example": "https://xn--mnze-0ra.example",
    "https://MÜNZE.example": "https://xn--mnze-0ra.example",
    "https://XN--MNZE-0RA.example": "https://xn--mnze-0ra.example",
    "https://faß.example": "https://xn--fa-hia.example",
    "https://пример.испытание:444": "https://xn--e1afmkfd.xn--80akhbyknj4f:444",
    "http://192.0.2.1:6080": "http://192.0.2.1:6080",
    "http://[2001:DB8:0:0::1]:80": "http://[2001:db8::1]",
    "http://localhost": "http://localhost",
    "http://with_underscore.example": "http://with_underscore.example",
}
NO_ORIGINS = (
    *("", "null", "portal.example.com", "https://", "https:///", "//portal.example.com"),
    *("ftp://portal.example.com", "https://portal.example.com/path", "https://h?q", "https://h#f"),
    *("https://user@h", "https://user:secret@h", "https://h:", "https://h:0", "https://h:65536"),
    *("https://h:8a", "https://a b", " https://h", "https://h\n", "https://a..b", "https://.h"),
    *("https://a;script-src", "https://a,b", "https://'self'", "https://[::1", "https://::1"),
    *(
        "https://[1.2.3.4]",
        "https://[fe80::1%25eth0]",
        "https://" + "a" * 64,
        "https://ü_b.example",
    ),
    *("https://" + "a." * 200 + "b", "https://h\\@evil", "https://*", "https://h:123456"),
)
NO_PATTERNS = (
    *(
        "*",
        "*://h",
        "https://*",
        "https://*.",
        "https://*.com",
        "https://*.com.",
        "https://a.*.b.c",
    ),
    *("https://*a.example.com", "https://*.*.example.com", "https://*.192.0.2.1", "*.example.com"),
    *("https://*.[::1]", "https://*.example.com/path", "https://*.example.com:*", "https://h:*"),
)


class NormalTests(SynchronousTestCase):
    def test_one_form(self) -> None:
        for text, normal in NORMAL.items():
            with self.subTest(text=text):
                self.assertEqual(normal_origin(text), normal)
                self.assertEqual(normal_pattern(text), normal)

    def test_what_is_no_origin(self) -> None:
        for text in NO_ORIGINS:
            with self.subTest(text=text):
                self.assertRaises(ValueError, normal_origin, text)
                self.assertIsNone(origin_of(text))

    def test_browsers_send_ascii(self) -> None:
        self.assertIsNone(origin_of("https://münze.example"))

    def test_patterns(self) -> None:
        for text, normal in {
            "https://*.Apps.example.com": "https://*.apps.example.com",
            "https://*.münze.example:443/": "https://*.xn--mnze-0ra.example",
            "http://*.example.com:8080": "http://*.example.com:8080",
        }.items():
            with self.subTest(text=text):
                self.assertEqual(normal_pattern(text), normal)

    def test_what_is_no_pattern(self) -> None:
        for text in NO_PATTERNS:
            with self.subTest(text=text):
                self.assertRaises(ValueError, normal_pattern, text)

    def test_the_normal_form_stays_as_it_is_and_any_text_has_one_or_none(self) -> None:
        @given(st.text("aZü.-*:/[]0189@;' ", max_size=30).map(lambda end: f"https://{end}"))
        def check(text: str) -> None:
            try:
                normal = normal_pattern(text)
            except ValueError:
                return
            self.assertEqual(normal_pattern(normal), normal)
            self.assertRegex(normal, r"^[a-z0-9.:/*\[\]_-]+$")

        check()


class AllowTests(SynchronousTestCase):
    def test_an_origin_allows_itself(self) -> None:
        self.assertTrue(allows(["https://a.example", "https://b.example"], "https://b.example"))
        self.assertFalse(allows([], "https://b.example"))

    def test_a_pattern_allows_all_names_below_its_host_and_nothing_else(self) -> None:
        patterns = ["https://*.apps.example.com"]

        for origin in ("https://a.apps.example.com", "https://b.a.apps.example.com"):
            self.assertTrue(allows(patterns, origin), origin)
        for origin in (
            "https://apps.example.com",
            "https://evilapps.example.com",
            "http://a.apps.example.com",
            "https://a.apps.example.com:8443",
            "https://a.apps.example.com.evil.example",
            "https://.apps.example.com",
        ):
            self.assertFalse(allows(patterns, origin), origin)

    def test_a_port_belongs_to_a_pattern(self) -> None:
        patterns = ["http://*.example.com:8080"]

        self.assertTrue(allows(patterns, "http://a.example.com:8080"))
        self.assertFalse(allows(patterns, "http://a.example.com"))
        self.assertFalse(allows(patterns, "http://a.example.com:80"))
