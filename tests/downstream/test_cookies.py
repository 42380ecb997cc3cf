"""Cookies of a request."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.downstream.cookies import parse_cookies


class CookieTests(SynchronousTestCase):
    def test_names_and_values(self) -> None:
        for line, cookies in (
            ("a=b", {"a": "b"}),
            ("a=b; c=d", {"a": "b", "c": "d"}),
            ("a=b;c=d;", {"a": "b", "c": "d"}),
            ("a=b=c==", {"a": "b=c=="}),
            (' a = "b" ', {"a": "b"}),
            ('a="b', {"a": '"b'}),
            ('a="', {"a": '"'}),
            ('a=""; b=', {"a": "", "b": ""}),
            ("a=b, c=d", {"a": "b", "c": "d"}),
            ("a; =b; c=d", {"c": "d"}),
            ("a=1; a=2", {"a": "2"}),
            ("", {}),
        ):
            self.assertEqual(parse_cookies([line]), cookies, line)

    def test_backslashes_mean_nothing(self) -> None:
        self.assertEqual(parse_cookies([r'a="\"\057"']), {"a": r"\"\057"})

    def test_several_headers(self) -> None:
        self.assertEqual(parse_cookies(["a=b", "c=d"]), {"a": "b", "c": "d"})
