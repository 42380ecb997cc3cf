"""A session whose machine another proxy shows, and one that comes from another proxy."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.doubles.sessions import SessionTestCase, User
from vncproxy.errors import AtAnotherProxy, StoreUnavailable, TokenUsed, VMNotFound, VNCProxyError
from vncproxy.model import ConsoleType, Grant, VMAddress


class AtAnotherProxyTests(SessionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.asked: list[tuple[VMAddress, bool]] = []
        self.there: VNCProxyError | None = AtAnotherProxy("node2", "https://node2/?token=x")
        self.sessions.elsewhere = self.elsewhere

    async def elsewhere(
        self,
        grant: Grant,
        secret: str,
        viewer: ConsoleType,
        error: VNCProxyError,
        *,
        can_follow: bool,
    ) -> VNCProxyError:
        self.asked.append((grant.token.vm, can_follow))
        return self.there or error

    def test_its_use_is_given_back_before_the_user_is_told(self) -> None:
        token = self.issue(vm=VMAddress("kvm", "gone"))
        self.begin(self.user_request(token))

        error = self.refused(AtAnotherProxy)

        self.assertIs(error, self.there)
        self.assertIsInstance(error.__cause__, VMNotFound)
        self.assertEqual(self.uses_given_back(), 1)
        self.assertEqual(len(self.asked), 1)

    def test_it_is_known_whether_the_page_goes_there(self) -> None:
        vm = VMAddress("kvm", "gone")
        for can_follow in (True, False):
            self.user = User(self)
            self.begin(self.user_request(self.issue(vm=vm), can_follow=can_follow))
            self.assertEqual(self.asked.pop(), (vm, can_follow))

    def test_where_no_other_shows_it_the_first_reason_stands(self) -> None:
        self.there = None
        self.begin(self.user_request(self.issue(vm=VMAddress("kvm", "gone"))))
        self.refused(VMNotFound)

    def test_no_other_is_asked_for_a_console_that_opens(self) -> None:
        self.open()
        self.assertEqual(self.asked, [])
        self.session.cancel(TokenUsed())


class HandedOverTests(SessionTestCase):
    def handed_over(self) -> tuple[str, str]:
        """Return a token, and a secret by which its browser re-enters."""
        token = self.issue()
        self.open(self.user_request(token))
        cookie = self.user.cookie
        assert cookie is not None
        redeeming = Deferred.fromCoroutine(self.store.redeem(token, cookie))
        grant = self.successResultOf(redeeming)
        secret = self.successResultOf(Deferred.fromCoroutine(self.store.renew(grant, 120.0)))
        self.user = User(self)
        return token, secret

    def test_it_gets_a_cookie_in_place_of_the_secret_in_its_link(self) -> None:
        token, secret = self.handed_over()

        self.begin(self.user_request(token, reenter=secret))

        self.assertIsNotNone(self.user.cookie)
        self.assertNotEqual(self.user.cookie, secret)
        again = Deferred.fromCoroutine(self.store.redeem(token, secret))
        self.failureResultOf(again, TokenUsed)

    def test_a_secret_that_was_used_gives_way_to_the_cookie(self) -> None:
        token, secret = self.handed_over()
        self.begin(self.user_request(token, reenter=secret))
        cookie, self.user = self.user.cookie, User(self)

        self.begin(self.user_request(token, reenter=secret, resume=cookie))

        self.assertEqual(self.user.refusals, [])
        self.assertIn("admit", self.user.steps)

    def test_a_secret_that_is_none_lets_nobody_in(self) -> None:
        token, _ = self.handed_over()
        self.begin(self.user_request(token, reenter="x" * 43))
        self.assertEqual([type(error) for error, _ in self.user.refusals], [TokenUsed])

    def test_a_store_that_is_away_meanwhile_leaves_nothing_counted(self) -> None:
        token, secret = self.handed_over()
        left: list[object] = []
        self.patch(self.store, "leave", lambda lease, token: left.append(lease))

        async def away(grant: Grant, within: float | None = None) -> str:
            raise StoreUnavailable("away")

        self.patch(self.store, "renew", away)
        self.begin(self.user_request(token, reenter=secret))

        self.assertEqual([type(error) for error, _ in self.user.refusals], [StoreUnavailable])
        self.assertEqual(len(left), 1)
