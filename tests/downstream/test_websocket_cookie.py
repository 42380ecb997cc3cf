"""The resume cookie of a web socket, and secrets in what is logged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.logger import capturedLogs

from tests.doubles.frames import CLOSE
from tests.doubles.users import upgrade
from tests.doubles.websocket_users import WebSocketTestCase
from vncproxy.downstream.resume_cookie import resume_cookie_name
from vncproxy.downstream.trust import Trust
from vncproxy.model import Policy


class CookieTests(WebSocketTestCase):
    def cookie(self) -> str:
        self.browser.receive()
        assert self.browser.answer is not None
        return self.browser.answer.header("set-cookie")

    def test_an_upgrade_sets_a_resume_cookie(self) -> None:
        self.browse()

        value, *attributes = self.cookie().split("; ")

        name, _, secret = value.partition("=")
        self.assertEqual(name, resume_cookie_name(self.token))
        self.assertRegex(secret, r"\A[A-Za-z0-9_-]{43}\Z")
        self.assertEqual(attributes, ["Path=/", "Max-Age=600", "HttpOnly", "SameSite=Strict"])

    def test_a_site_that_is_https_sets_it_for_https(self) -> None:
        self.trust = replace(self.trust, secure=True, cookie_path="/consoles/")
        self.open_site()
        self.browse()

        self.assertTrue(self.cookie().endswith("; Secure"))
        self.assertIn("; Path=/consoles/; ", self.cookie_of_answer())

    def set_by(self, policy: Policy | None = None, **trust: Any) -> str:
        self.trust = replace(self.trust, **trust)
        self.open_site()
        self.token = self.issue(policy)
        self.browse()
        return self.cookie()

    def test_a_page_that_others_may_embed_over_https_sets_one_that_frames_send(self) -> None:
        portal = "https://portal.example"
        for found in (
            self.set_by(embedders=(portal,), secure=True),
            self.set_by(Policy(allowed_origins=(portal,)), secure=True),
        ):
            self.assertTrue(found.endswith("; HttpOnly; SameSite=None; Secure; Partitioned"), found)

    def test_without_https_no_browser_would_take_such_a_cookie(self) -> None:
        found = self.set_by(embedders=("http://portal.example",), secure=False)

        self.assertTrue(found.endswith("; HttpOnly; SameSite=Strict"), found)

    def test_the_oldest_of_too_many_are_removed(self) -> None:
        old = [resume_cookie_name(str(n)) for n in range(111)]
        token = self.issue()
        header = "; ".join(["other=1", *(f"{name}=secret" for name in old)])
        self.browse(upgrade(f"/?token={token}", f"Cookie: {header}"))
        self.browser.receive()
        assert self.browser.answer is not None

        own, *removed = self.browser.answer.headers["set-cookie"]
        self.assertTrue(own.startswith(resume_cookie_name(token)))
        self.assertEqual(
            removed,
            [f"{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict" for name in old[:5]],
        )

    def cookie_of_answer(self) -> str:
        assert self.browser.answer is not None
        return self.browser.answer.header("set-cookie")

    def test_the_cookie_reenters_and_is_not_set_again(self) -> None:
        self.browse()
        value = self.cookie().partition(";")[0]
        self.greet_after_upgrade()
        self.peer.close()

        self.browse(upgrade(f"/?token={self.token}", f"Cookie: {value}"))
        self.greet()

        self.assertEqual(self.observer.refusals, [])
        assert self.browser.answer is not None
        self.assertNotIn("set-cookie", self.browser.answer.headers)

    def greet_after_upgrade(self) -> None:
        self.console()
        self.browser.send(b"RFB 003.008\n\x01\x01")
        self.browser.receive()

    def test_a_second_tab_takes_the_console_over_and_the_first_is_told(self) -> None:
        self.browse()
        value = self.cookie().partition(";")[0]
        self.greet_after_upgrade()
        first = self.browser

        self.browse(upgrade(f"/?token={self.token}", f"Cookie: {value}"), self.token)
        first.receive()

        sentence = b"This console was opened again in another tab or window."
        self.assertEqual(first.control, [(CLOSE, (4114).to_bytes(2, "big") + sentence)])
        self.greet()

    def test_a_cookie_whose_session_never_opened_gives_no_second_session(self) -> None:
        self.browse()
        silent, value = self.browser, self.cookie().partition(";")[0]
        self.console()
        self.browse(upgrade(f"/?token={self.token}", f"Cookie: {value}"), self.token)
        self.greet()
        silent.peer.close()
        self.wait(10)
        live = self.browser

        self.browse(upgrade(f"/?token={self.token}", f"Cookie: {value}"), self.token)

        self.assertEqual(self.reason()[1], 4001)
        live.send(b"key")
        self.assertEqual(self.hypervisor.receive(), b"key")

    def test_another_browser_cannot_reenter(self) -> None:
        self.browse()
        name = self.cookie().partition("=")[0]
        self.greet_after_upgrade()

        self.browse(upgrade(f"/?token={self.token}", f"Cookie: {name}=guess-guess-guess"))

        self.assertEqual(self.reason()[1], 4001)

    def test_a_refused_token_sets_none(self) -> None:
        self.browse(upgrade("/?token=0123456789abcdef"))
        self.browser.receive()

        assert self.browser.answer is not None
        self.assertNotIn("set-cookie", self.browser.answer.headers)


class SecrecyTests(WebSocketTestCase):
    def test_nothing_that_is_logged_shows_a_token_or_a_cookie(self) -> None:
        self.trust = Trust(frozenset())
        self.open_site()
        with capturedLogs() as events:
            self.browse()
            self.greet()
            cookie = self.browser.answer.header("set-cookie") if self.browser.answer else ""
            self.end_sessions()
            for spoilt in (
                upgrade(f"/?token={self.token}", version="1.0"),
                upgrade(f"/?token={self.token}#fragment"),
                upgrade(f"/ x?token={self.token}"),
                upgrade(f"//[?token={self.token}"),
                upgrade(f"/?token={self.token}").replace(b"-Key", b"-No"),
                upgrade(f"/?token={self.token}", "Origin: https://evil.example"),
            ):
                self.connect().send(spoilt)
            self.wait(60)

        self.assertNotEqual(events, [])
        self.assertNotIn(self.token, str(events))
        secret = cookie.partition("=")[2].partition(";")[0]
        self.assertNotIn(secret, str(events))
