"""Links that demand a login, opened by browsers, viewers, zones and guests."""

from __future__ import annotations

from typing import Any

from tests.doubles.users import upgrade
from tests.doubles.websocket_users import OWN, WebSocketTestCase
from vncproxy.errors import StoreUnavailable
from vncproxy.model import Joins, Policy, Visit
from vncproxy.model.joining import JoinKind
from vncproxy.session.logged_in import LoginRule

COOKIES = {"a" * 43: "alice", "b" * 43: "bob"}


class LoginTestCase(WebSocketTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.asked: list[str] = []
        self.demand()

    def demand(self, **more: Any) -> None:
        async def user_of(secret: str) -> str | None:
            self.asked.append(secret)
            return COOKIES.get(secret)

        self.open_site(login=LoginRule(user_of, **more))

    def open(self, token: str, user: str = "", *more: str) -> None:
        """Let a browser open a link, with the cookie of a user that is logged in."""
        cookie = {known: secret for secret, known in COOKIES.items()}.get(user, user)
        cookies = (f"Cookie: vncproxy-login={cookie}",) if cookie else ()
        self.browse(upgrade(f"/websockify?token={token}", f"Origin: {OWN}", *cookies, *more), token)

    def assert_refused(self, code: int) -> None:
        self.assertEqual(self.reason()[1], code)
        self.assertEqual(self.kvm.asked, [])

    def assert_opens(self, token: str, user: str = "") -> None:
        self.open(token, user)
        self.greet()


class BrowserTests(LoginTestCase):
    def test_the_user_that_it_was_issued_to(self) -> None:
        self.assert_opens(self.issue(user="alice"), "alice")

    def test_without_a_login_no_use_is_taken(self) -> None:
        token = self.issue(user="alice")
        for cookie in ("", "c" * 43, "x", "a" * 42):
            self.open(token, cookie)
            self.assert_refused(4034)

        self.assert_opens(token, "alice")

    def test_another_user(self) -> None:
        token = self.issue(user="alice")
        self.open(token, "bob")
        self.assert_refused(4036)
        self.assertEqual(self.only_refusal().vm, "kvm/web-01")  # type: ignore[attr-defined]

        self.assert_opens(token, "alice")

    def test_any_user_where_that_is_enough(self) -> None:
        self.demand(bound=False)
        token = self.issue(user="alice")
        self.open(token)
        self.assert_refused(4034)

        self.assert_opens(token, "bob")

    def test_a_link_that_names_no_user_is_bound_to_none(self) -> None:
        self.open(self.issue(user=""), "alice")
        self.assert_refused(4036)

    def test_strangers_do_not_learn_whether_a_link_is_good(self) -> None:
        used = self.issue(user="alice", policy=Policy(uses=1))
        self.assert_opens(used, "alice")
        self.kvm.asked.clear()
        good = self.issue(user="alice")
        heard = set()
        for token in (good, used, "x" * 43):
            self.open(token)
            text, code, _ = self.reason()
            heard.add((text.partition(" (id")[0], code))

        self.assertEqual(heard, {("This console is shown only to users who are logged in.", 4034)})

    def test_users_that_are_logged_in_are_told_of_a_bad_link(self) -> None:
        self.open("x" * 43, "alice")
        self.assert_refused(4001)

    def test_coming_back_needs_the_login_as_well(self) -> None:
        token = self.issue(user="alice")
        self.open(token, "alice")
        self.greet()
        assert self.browser.answer is not None
        resume = self.browser.answer.header("set-cookie").partition(";")[0]
        self.browser.peer.close()
        self.kvm.asked.clear()

        self.open(token, "", f"Cookie: {resume}")
        self.assert_refused(4034)
        self.open(token, "bob", f"Cookie: {resume}")
        self.assert_refused(4036)

    def test_a_store_that_is_away_lets_nobody_in(self) -> None:
        async def away(secret: str) -> str | None:
            raise StoreUnavailable("no answer")

        self.open_site(login=LoginRule(away))
        self.open(self.issue(user="alice"), "alice")
        self.assert_refused(4102)

    def test_links_that_demand_none_ask_nobody(self) -> None:
        self.open_site()
        self.assert_opens(self.issue(user="alice"))

        self.assertEqual(self.asked, [])


class OtherLinkTests(LoginTestCase):
    def test_a_guest_may_be_any_user(self) -> None:
        joins = Joins("0123456789abcdef", JoinKind.GUEST, "alice")
        token = self.issue(user="guest of alice: Bob", joins=joins)
        self.open(token)
        self.assert_refused(4034)
        self.open(token, "bob")

        self.assertNotEqual(self.reason()[1], 4036)

    def test_a_shadow_is_the_one_it_was_issued_to(self) -> None:
        joins = Joins("0123456789abcdef", JoinKind.SHADOW, "portal")
        self.open(self.issue(user="alice", joins=joins), "bob")
        self.assert_refused(4036)

    def test_users_of_another_zone_are_logged_in_there(self) -> None:
        self.assert_opens(
            self.issue(user="alice", visit=Visit("madrid", "0123456789abcdef", ("madrid",)))
        )


class ViewerTests(LoginTestCase):
    def connect_viewer(self, token: str) -> str:
        return self.ask(f"CONNECT /console?token={token} HTTP/1.1").line

    def test_viewers_are_refused_in_words(self) -> None:
        self.assertRegex(
            self.connect_viewer(self.issue(user="alice")),
            r"^HTTP/1.1 401 This console needs a login\. Open its link in a browser\. \(id \w+\)$",
        )
        self.assertEqual(self.kvm.asked, [])

    def test_viewers_that_need_none(self) -> None:
        self.demand(viewers=True)
        self.connect_viewer(self.issue(user="alice"))
        self.assertEqual(self.kvm.asked, ["web-01"])

        self.kvm.asked.clear()
        self.open(self.issue(user="alice"))
        self.assert_refused(4034)
