"""Where the page's script lets a gateway send it, run by node."""

from __future__ import annotations

import json
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.web import STATIC

THERE = "https://node2:6080/?token=abc"


def run(expression: str) -> object:
    """Return the value of an expression over the functions of ``link.js``."""
    script = (
        f"import * as link from {json.dumps((STATIC / 'session' / 'link.js').as_uri())};"
        f"console.log(JSON.stringify({expression}));"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def followed(page: str, target: str, confirmed: bool = False) -> object:
    return run(f"link.followed({json.dumps(page)}, {json.dumps(target)}, {json.dumps(confirmed)})")


class FollowedTests(SynchronousTestCase):
    def test_it_goes_on_with_its_settings_and_without_its_token(self) -> None:
        page = "https://node1/console/?token=abc&title=mine&view_only=1#resize=off&token=abc&x=y"
        self.assertEqual(
            followed(page, THERE), f"{THERE}&view_only=1&title=mine&resize=off&followed=1"
        )

    def test_a_confirmation_goes_along(self) -> None:
        self.assertEqual(
            followed("https://node1/", THERE, confirmed=True), f"{THERE}&followed=1&confirmed=1"
        )

    def test_nowhere_but_to_http_and_never_without_encryption_from_https(self) -> None:
        for page, target in (
            ("https://node1/", "http://node2/"),
            ("https://node1/", "javascript:alert(1)"),
            ("http://node1/", "data:text/html,x"),
            ("http://node1/", "//node2/"),
            ("http://node1/", ""),
        ):
            with self.subTest(target=target):
                self.assertEqual(followed(page, target), "")
        self.assertEqual(followed("http://node1/", "http://node2/"), "http://node2/?followed=1")

    def test_five_times_in_a_row_at_most(self) -> None:
        self.assertEqual(followed("https://node1/?followed=4", THERE), f"{THERE}&followed=5")
        self.assertEqual(followed("https://node1/?followed=5", THERE), "")

    def test_what_let_it_enter_once_is_removed_from_its_address(self) -> None:
        page = f"{THERE}&reenter=s&title=mine&followed=2&confirmed=1"
        self.assertEqual(run(f"link.settled({json.dumps(page)})"), f"{THERE}&title=mine")

    def test_the_web_socket_gets_it(self) -> None:
        url = run(f"link.socketURL({json.dumps(THERE + '&reenter=s&confirmed=1')}, 'abc', true)")
        self.assertEqual(
            url,
            "wss://node2:6080/websockify?token=abc&talks=1&follows=1&moves=1&reenter=s&confirmed=1",
        )

    def test_a_page_that_goes_nowhere_any_more_says_so_before_a_link_is_spent_for_it(self) -> None:
        for times, follows in ((4, True), (5, False)):
            page = f"{THERE}&followed={times}"
            url = run(f"link.socketURL({json.dumps(page)}, 'abc', false)")
            self.assertEqual("follows=1" in str(url), follows, times)

    def test_a_page_whose_console_is_shown_follows_again(self) -> None:
        page = f"{THERE}&followed=5"
        url = run(f"link.arrived(link.socketURL({json.dumps(page)}, 'abc', false))")
        self.assertEqual(url, "wss://node2:6080/websockify?token=abc&talks=1&follows=1")
        self.assertEqual(run(f"link.arrived({json.dumps(url)})"), url)
