"""Where a token stands in a link."""

from __future__ import annotations

import json
import subprocess
from urllib.parse import urlsplit

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.links_table import IN_REQUESTS, TOKEN, WITH_FRAGMENTS
from tests.doubles.requests import user_request
from tests.doubles.users import SiteTestCase, upgrade
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.cli.tunnel import Link
from vncproxy.downstream.links import token_of
from vncproxy.web import STATIC

HOST = "https://console.example.com"


class ReaderTests(SynchronousTestCase):
    def test_every_link_of_the_table(self) -> None:
        for target, token in {**IN_REQUESTS, **WITH_FRAGMENTS}.items():
            before, _, fragment = target.partition("#")
            with self.subTest(target=target):
                self.assertEqual(token_of(before, fragment), token)

    def test_any_text_has_a_token_or_none(self) -> None:
        @given(st.text("/?&=%#+ 23fF0aAtokenpath\xff", max_size=60))
        def check(text: str) -> None:
            self.assertIsInstance(token_of(text, text), str)

        check()


class RequestTests(SynchronousTestCase):
    def test_every_link_of_the_table(self) -> None:
        for target, token in IN_REQUESTS.items():
            if target.startswith("/"):
                with self.subTest(target=target):
                    self.assertEqual(user_request(target).token, token)

    def test_bytes_that_are_no_text_are_kept_apart(self) -> None:
        self.assertEqual(user_request("/?token=%ff%00%0d%0a").token, "\xff\0")
        for path in ("%ff%5b//%3F", "//%5B", "//%5B%3Ftoken%3D"):
            self.assertEqual(user_request(f"/?path={path}").token, "")

    def test_no_token_shows_in_what_is_logged_of_a_visit(self) -> None:
        self.assertNotIn(TOKEN, repr(user_request(f"/?token={TOKEN}")))


class SiteTests(SiteTestCase):
    """The same for web sockets and CONNECT, whose tokens are redeemed."""

    def test_web_sockets_and_connect(self) -> None:
        for form in ("/websockify%3Ftoken={}", "/?path=websockify%26token%3D{}", "/?token={}%0A"):
            self.connect().send(upgrade(form.format(self.issue())))
            self.ask(f"CONNECT {form.format(self.issue())} HTTP/1.0")
        self.wait(0)

        self.assertEqual(self.store.calls.count("redeem"), 6)
        self.assertEqual(self.observer.refusals, [])


class BridgeTests(SynchronousTestCase):
    def test_every_link_of_the_table(self) -> None:
        for target, token in {**IN_REQUESTS, **WITH_FRAGMENTS}.items():
            with self.subTest(target=target):
                if not token:
                    self.assertRaises(ValueError, Link.parse, HOST + target)
                    continue
                link = Link.parse(HOST + target)
                self.assertEqual(token_of(link.target), token)
                self.assertTrue(link.target.startswith("/"))
                self.assertTrue(link.target.isprintable())

    def test_the_path_and_other_parameters_stay(self) -> None:
        link = Link.parse(f"{HOST}/console/?node=3&token={TOKEN}#scale=1")

        self.assertEqual(link.target, f"/console/?node=3&token={TOKEN}")

    def test_nova(self) -> None:
        link = Link.parse(f"{HOST}/vnc_auto.html?path=%3Ftoken%3D{TOKEN}")

        self.assertEqual(urlsplit(link.target).path, "/vnc_auto.html")


class ScriptTests(SynchronousTestCase):
    """The page's own script, run by node."""

    def test_every_link_of_the_table(self) -> None:
        table = {HOST + target: token for target, token in (IN_REQUESTS | WITH_FRAGMENTS).items()}
        script = (
            f"import {{ readLink }} from {json.dumps((STATIC / 'session' / 'link.js').as_uri())};"
            f"const links = {json.dumps(list(table))};"
            "console.log(JSON.stringify(links.map((href) => readLink(href).token)));"
        )
        done = subprocess.run(
            ["node", "--input-type=module", "-e", script],
            capture_output=True,
            text=True,
            check=True,
        )

        self.assertEqual(dict(zip(table, json.loads(done.stdout), strict=True)), table)
