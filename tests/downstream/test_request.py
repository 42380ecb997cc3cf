"""What is read of a request: client, origin, token and cookies."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.links_table import OTHER, TOKEN
from tests.doubles.requests import user_request
from vncproxy.downstream.resume_cookie import resume_cookie_name
from vncproxy.model import ConsoleType


class ConfirmedTests(SynchronousTestCase):
    def test_the_page_says_that_its_user_agreed(self) -> None:
        self.assertTrue(user_request(f"/websockify?token={TOKEN}&confirmed=1").confirmed)
        for query in ("", "&confirmed=0", "&confirmed=", "&path=%3Fconfirmed%3D1"):
            self.assertFalse(user_request(f"/websockify?token={TOKEN}{query}").confirmed)

    def test_viewers_without_a_page_are_not_asked(self) -> None:
        self.assertTrue(user_request(f"/?token={TOKEN}", type=ConsoleType.XVPVNC).confirmed)


class CookieTests(SynchronousTestCase):
    def test_a_cookie_of_our_own_page(self) -> None:
        for origin in ("http://localhost:6080", "https://console.example.com"):
            found = user_request("/", f"Cookie: token={TOKEN}", f"Origin: {origin}")
            self.assertEqual(found.token, TOKEN)

    def test_a_cookie_without_an_origin_comes_from_no_browser(self) -> None:
        self.assertEqual(user_request("/", f"Cookie: a=b; token={TOKEN}; c=d").token, TOKEN)

    def test_a_cookie_under_a_foreign_page_is_not_looked_at(self) -> None:
        for origin in ("https://evil.example", "null"):
            found = user_request("/", f"Cookie: token={TOKEN}", f"Origin: {origin}")
            self.assertEqual(found.token, "")

    def test_the_query_comes_before_the_cookie(self) -> None:
        self.assertEqual(user_request(f"/?token={TOKEN}", f"Cookie: token={OTHER}").token, TOKEN)

    def test_malformed_cookies_do_not_hide_good_ones(self) -> None:
        for line in (
            f"=; ;;a; b=\x01; token={TOKEN}",
            f"bad name=x; token={TOKEN}",
            f"x=1,token={TOKEN}",
            f'token="{TOKEN}"',
        ):
            self.assertEqual(user_request("/", f"Cookie: {line}").token, TOKEN, line)

    def test_several_cookie_headers(self) -> None:
        found = user_request("/", "Cookie: a=b", f"Cookie: token={TOKEN}")

        self.assertEqual(found.token, TOKEN)

    def test_a_resume_cookie_belongs_to_its_token(self) -> None:
        cookie = f"Cookie: {resume_cookie_name(TOKEN)}=resume-it"

        self.assertEqual(user_request(f"/?token={TOKEN}", cookie).resume, "resume-it")
        self.assertIsNone(user_request(f"/?token={OTHER}", cookie).resume)

    def test_the_name_of_a_resume_cookie_shows_no_token(self) -> None:
        self.assertEqual(resume_cookie_name("abc"), "vncproxy_resume_ba7816bf8f01")
