"""What every token store promises: mixed into a test case that makes the store."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from twisted.trial.unittest import TestCase

from vncproxy.errors import (
    ConfirmationNeeded,
    Forbidden,
    Superseded,
    TokenExpired,
    TokenRefused,
    TokenRevoked,
    TokenUnknown,
    TokenUsed,
    VNCProxyError,
)
from vncproxy.interfaces import ITokenStore
from vncproxy.model import (
    ConsoleEndpoint,
    ConsoleType,
    Grant,
    Once,
    Policy,
    Token,
    Transport,
    UnixTime,
    VMAddress,
    new_secret,
    secret_id,
)

if TYPE_CHECKING:
    _Case = TestCase
else:
    _Case = object

VM = VMAddress("kvm", "web-01")


def make_token(now: UnixTime, *, ttl: float = 600, **changes: Any) -> Token:
    """Return a token that is good for ``ttl`` seconds from now."""
    fields: dict[str, Any] = {
        "vm": VM,
        "user": "alice",
        "type": ConsoleType.NOVNC,
        "policy": Policy(),
        "issued_at": now,
        "expires_at": now + ttl,
    }
    return Token(**{**fields, **changes})


def good_once(key: str, ttl: float = 60) -> Grant:
    """Return what another issuer's token allows that is good once."""
    endpoint = ConsoleEndpoint(Transport.TCP, "192.0.2.1", 5900)
    token = make_token(0, user="", vm=VMAddress("old", "192.0.2.1:5900"))
    return Grant("f" * 64, token, endpoint=endpoint, claim="c", once=Once(key, ttl))


class Checked:
    """Records what a store asks before a session begins, and refuses it.

    Attributes:
        error: what it raises; None to refuse nothing.
        asked: the tokens, each with whether the user enters again.
    """

    def __init__(self, error: VNCProxyError | None) -> None:
        self.error = error
        self.asked: list[tuple[Token | None, bool]] = []

    def __call__(self, token: Token | None, *, enters_again: bool = False) -> None:
        self.asked.append((token, enters_again))
        if self.error is not None:
            raise self.error


class TokenStoreContract(_Case):
    """Tests of ITokenStore.

    A test case provides ``make_store``, ``now`` and ``pass_time``; ``short`` is a time in seconds
    that is long enough for a few calls, and short enough to wait for.
    """

    short: float

    def make_store(self, resume: float = 3600) -> Any:
        """Return a store whose tokens are not shared with another test."""
        raise NotImplementedError

    def now(self) -> UnixTime:
        """Return the store's wall-clock time."""
        raise NotImplementedError

    async def pass_time(self, seconds: float) -> None:
        """Return when the store's time is this much later."""
        raise NotImplementedError

    def token(self, **changes: Any) -> Token:
        return make_token(self.now(), **changes)

    async def assertRefused(
        self, why: type[TokenRefused], store: Any, secret: str, cookie: str | None = None
    ) -> None:
        with self.assertRaises(why):
            await store.redeem(secret, cookie)

    async def redeem_with_cookie(self, store: Any, secret: str) -> tuple[Grant, str]:
        grant: Grant = await self.open(store, secret)
        assert grant.resume_secret is not None
        return grant, grant.resume_secret

    async def open(self, store: Any, secret: str, cookie: str | None = None) -> Grant:
        """Redeem a token, and let its session open."""
        grant: Grant = await store.redeem(secret, cookie)
        await store.confirm(grant)
        return grant

    # Redeeming

    async def test_provides_the_interface(self) -> None:
        self.assertTrue(ITokenStore.providedBy(self.make_store()))

    async def test_redeemed_token_grants_what_was_issued(self) -> None:
        store, token = self.make_store(), self.token()
        secret = await store.issue(token)
        grant = await store.redeem(secret)
        self.assertEqual(grant.token, token)
        self.assertEqual(grant.token_id, secret_id(secret))
        self.assertFalse(grant.resumed)
        self.assertLess(grant.age, 5)

    async def test_policy_survives_storage(self) -> None:
        policy = Policy(
            max_duration=60,
            idle_timeout=1.5,
            client_networks=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")),
            allowed_origins=("https://portal.example.com",),
            confirm=True,
            uses=2,
        )
        token = self.token(policy=policy, vm=VMAddress("one", "5/a b:c"), user="Zoë \n ☃ {}")
        store = self.make_store()
        grant = await store.redeem(await store.issue(token))
        self.assertEqual(grant.token, token)

    async def test_a_check_before_a_use_may_refuse_it_and_nothing_is_taken(self) -> None:
        store, token = self.make_store(), self.token()
        secret = await store.issue(token)
        check = Checked(ConfirmationNeeded())
        for _ in range(2):
            with self.assertRaises(ConfirmationNeeded):
                await store.redeem(secret, None, check)
        self.assertEqual(check.asked, [(token, False)] * 2)
        self.assertEqual((await store.show(secret_id(secret))).uses_left, 1)

        check.error = None
        await store.redeem(secret, None, check)
        self.assertEqual(check.asked, [(token, False)] * 3)

    async def test_a_cookie_is_checked_before_it_enters_again_and_a_used_token_is_not(self) -> None:
        store, token = self.make_store(), self.token()
        secret = await store.issue(token)
        _, cookie = await self.redeem_with_cookie(store, secret)
        check = Checked(Forbidden("from here"))

        with self.assertRaises(Forbidden):
            await store.redeem(secret, cookie, check)
        check.error = None
        self.assertTrue((await store.redeem(secret, cookie, check)).resumed)
        self.assertEqual(check.asked, [(token, True)] * 2)
        with self.assertRaises(TokenUsed):
            await store.redeem(secret, None, check)
        self.assertEqual(len(check.asked), 2)

    async def test_second_use_of_a_single_use_token_is_refused(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        await store.redeem(secret)
        await self.assertRefused(TokenUsed, store, secret)

    async def test_three_uses_are_three_uses(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(policy=Policy(uses=3)))
        for _ in range(3):
            await store.redeem(secret)
        await self.assertRefused(TokenUsed, store, secret)

    async def test_zero_uses_means_any_number(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(policy=Policy(uses=0)))
        for _ in range(5):
            await store.redeem(secret)

    async def test_refusal_knows_whose_token_it_was(self) -> None:
        store = self.make_store()
        used, expired = [await store.issue(self.token(ttl=ttl)) for ttl in (600, self.short)]
        for secret in (used, expired):
            await self.open(store, secret)
        await self.pass_time(self.short)
        for secret in (used, expired):
            with self.assertRaises(TokenRefused) as caught:
                await store.redeem(secret)
            self.assertEqual((caught.exception.vm, caught.exception.user), (str(VM), "alice"))

    async def test_unknown_token_is_refused(self) -> None:
        await self.assertRefused(TokenUnknown, self.make_store(), new_secret())

    async def test_expired_token_is_refused(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(ttl=self.short))
        await self.pass_time(self.short)
        await self.assertRefused(TokenExpired, store, secret)

    async def test_token_issued_with_its_time_over_is_refused(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(ttl=-1))
        await self.pass_time(0.1)
        await self.assertRefused(TokenExpired, store, secret)

    async def test_grant_does_not_show_the_cookie(self) -> None:
        store = self.make_store()
        grant, cookie = await self.redeem_with_cookie(store, await store.issue(self.token()))
        self.assertNotIn(cookie, repr(grant))

    # Restoring

    async def test_restored_use_can_be_taken_again_once(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        await store.restore(await store.redeem(secret))
        await store.redeem(secret)
        await self.assertRefused(TokenUsed, store, secret)

    async def test_restoring_never_adds_uses(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant = await store.redeem(secret)
        for _ in range(3):
            await store.restore(grant)
        await store.redeem(secret)
        await self.assertRefused(TokenUsed, store, secret)

    async def test_restoring_forgets_the_cookie(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant = await store.redeem(secret)
        await store.restore(grant)
        await self.open(store, secret)
        await self.assertRefused(TokenUsed, store, secret, grant.resume_secret)

    async def test_restoring_leaves_other_cookies_alone(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(policy=Policy(uses=2)))
        _, cookie = await self.redeem_with_cookie(store, secret)
        await store.restore(await store.redeem(secret))
        self.assertTrue((await store.redeem(secret, cookie)).resumed)

    async def test_restoring_a_resumed_grant_gives_nothing_back(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        _, cookie = await self.redeem_with_cookie(store, secret)
        await store.restore(await store.redeem(secret, cookie))
        await self.assertRefused(TokenUsed, store, secret)
        self.assertTrue((await store.redeem(secret, cookie)).resumed)

    async def test_restoring_after_expiry_changes_nothing(self) -> None:
        store = self.make_store(resume=0)
        secret = await store.issue(self.token(ttl=self.short))
        grant = await store.redeem(secret)
        await self.pass_time(self.short)
        await store.restore(grant)
        await self.assertRefused(TokenExpired, store, secret)

    async def test_restoring_after_revocation_changes_nothing(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant = await store.redeem(secret)
        await store.revoke(grant.token_id)
        await store.restore(grant)
        await self.assertRefused(TokenRevoked, store, secret)

    async def test_restoring_what_the_store_never_had_is_harmless(self) -> None:
        store = self.make_store()
        await store.restore(Grant(secret_id("x"), self.token(), claim="0" * 16))
        await self.assertRefused(TokenUnknown, store, "x")

    # Opening

    async def test_cookie_of_a_session_that_is_not_open_does_not_re_enter(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        first = await store.redeem(secret)
        second = await store.redeem(secret, first.resume_secret)
        self.assertFalse(second.resumed)
        self.assertNotEqual(second.resume_secret, first.resume_secret)

    async def test_one_use_opens_one_session_however_often_it_is_tried(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        tries = [await store.redeem(secret)]
        for _ in range(5):
            tries.append(await store.redeem(secret, tries[-1].resume_secret))
        for grant in tries[:-1]:
            with self.assertRaises(Superseded):
                await store.confirm(grant)
            await store.restore(grant)
        await store.confirm(tries[-1])
        await store.restore(tries[-1])
        await self.assertRefused(TokenUsed, store, secret)

    async def test_a_second_try_that_is_refused_leaves_the_first_one_its_use(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(ttl=self.short))
        grant = await store.redeem(secret)
        await self.pass_time(self.short)

        with self.assertRaises(TokenExpired):
            await store.redeem(secret, grant.resume_secret)

        await store.confirm(grant)
        self.assertTrue((await store.redeem(secret, grant.resume_secret)).resumed)

    async def test_a_second_try_with_the_cookie_of_the_first_is_not_asked_to_confirm(self) -> None:
        store, token = self.make_store(), self.token()
        secret = await store.issue(token)
        grant = await store.redeem(secret)
        check = Checked(Forbidden("from here"))
        with self.assertRaises(Forbidden):
            await store.redeem(secret, grant.resume_secret, check)
        check.error = None

        second = await store.redeem(secret, grant.resume_secret, check)

        self.assertEqual(check.asked, [(token, True)] * 2)
        await store.confirm(second)

    async def test_use_of_an_open_session_is_not_given_back(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant = await self.open(store, secret)
        await store.restore(grant)
        await self.assertRefused(TokenUsed, store, secret)
        self.assertTrue((await store.redeem(secret, grant.resume_secret)).resumed)

    async def test_use_that_was_given_back_opens_no_session(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant = await store.redeem(secret)
        await store.restore(grant)
        with self.assertRaises(Superseded):
            await store.confirm(grant)

    async def test_longest_duration_counts_from_the_first_try(self) -> None:
        store = self.make_store()
        policy = Policy(max_duration=100 * self.short)
        secret = await store.issue(self.token(policy=policy, ttl=10 * self.short))
        await store.restore(await store.redeem(secret))
        await self.pass_time(self.short)
        grant = await store.redeem(secret)
        self.assertGreaterEqual(grant.age, self.short)
        again = await store.redeem(secret, grant.resume_secret)
        self.assertGreaterEqual(again.age, grant.age)

    async def test_use_is_over_with_its_longest_duration_although_it_was_given_back(self) -> None:
        store = self.make_store()
        policy = Policy(max_duration=self.short, uses=2)
        secret = await store.issue(self.token(policy=policy, ttl=10 * self.short))
        await store.restore(await store.redeem(secret))
        await self.pass_time(self.short)
        grant = await self.open(store, secret)
        self.assertLess(grant.age, self.short)
        await self.assertRefused(TokenUsed, store, secret)

    async def test_each_of_several_uses_has_a_longest_duration_of_its_own(self) -> None:
        store = self.make_store()
        policy = Policy(max_duration=10 * self.short, uses=2)
        secret = await store.issue(self.token(policy=policy, ttl=10 * self.short))
        await self.open(store, secret)
        await self.pass_time(self.short)
        self.assertLess((await store.redeem(secret)).age, self.short)

    async def test_session_that_opens_after_its_token_was_revoked_is_refused(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant = await store.redeem(secret)
        await store.revoke(grant.token_id)
        with self.assertRaises(TokenRevoked):
            await store.confirm(grant)

    async def test_token_that_expires_while_its_session_opens_can_be_revoked(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(ttl=self.short))
        grant = await store.redeem(secret)
        await self.pass_time(self.short)
        self.assertEqual(list(await store.revoke_vm(VM)), [grant.token_id])
        with self.assertRaises(TokenRevoked):
            await store.confirm(grant)

    async def test_session_that_opens_after_its_token_expired_is_let_in(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(ttl=self.short))
        grant = await store.redeem(secret)
        await self.pass_time(self.short)
        await store.confirm(grant)
        self.assertTrue((await store.redeem(secret, grant.resume_secret)).resumed)

    async def test_viewer_that_is_no_browser_opens_once(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(type=ConsoleType.XVPVNC))
        grant = await self.open(store, secret)
        await store.restore(grant)
        await self.assertRefused(TokenUsed, store, secret)

    async def test_newest_session_of_a_cookie_takes_the_place_of_those_that_open(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        _, cookie = await self.redeem_with_cookie(store, secret)
        older, newest = [await store.redeem(secret, cookie) for _ in range(2)]
        with self.assertRaises(Superseded):
            await store.confirm(older)
        await store.confirm(newest)

    # Revoking

    async def test_revoked_token_is_refused(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        self.assertTrue(await store.revoke(secret_id(secret)))
        await self.assertRefused(TokenRevoked, store, secret)

    async def test_second_revocation_finds_nothing(self) -> None:
        store = self.make_store()
        token_id = secret_id(await store.issue(self.token()))
        await store.revoke(token_id)
        self.assertFalse(await store.revoke(token_id))

    async def test_revoking_an_unknown_token_finds_nothing(self) -> None:
        self.assertFalse(await self.make_store().revoke(secret_id("unknown")))

    async def test_revoking_an_expired_token_finds_nothing(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(ttl=self.short))
        await self.pass_time(self.short)
        self.assertFalse(await store.revoke(secret_id(secret)))
        await self.assertRefused(TokenExpired, store, secret)

    async def test_revoking_a_vm_takes_its_tokens_and_no_others(self) -> None:
        store = self.make_store()
        first, second = [await store.issue(self.token(user=user)) for user in ("a", "b")]
        other = await store.issue(self.token(vm=VMAddress("kvm", "web-02")))
        revoked = await store.revoke_vm(VM)
        self.assertEqual(sorted(revoked), sorted([secret_id(first), secret_id(second)]))
        await self.assertRefused(TokenRevoked, store, first)
        await self.assertRefused(TokenRevoked, store, second)
        await store.redeem(other)

    async def test_revoking_a_user_takes_their_tokens_and_no_others(self) -> None:
        store = self.make_store()
        first, second = [await store.issue(self.token(vm=VMAddress("kvm", vm))) for vm in "ab"]
        other = await store.issue(self.token(user="bob"))
        revoked = await store.revoke_user("alice")
        self.assertEqual(sorted(revoked), sorted([secret_id(first), secret_id(second)]))
        await self.assertRefused(TokenRevoked, store, first)
        await store.redeem(other)

    async def test_revoking_a_vm_or_user_without_tokens_finds_nothing(self) -> None:
        store = self.make_store()
        self.assertEqual(list(await store.revoke_vm(VM)), [])
        self.assertEqual(list(await store.revoke_user("nobody")), [])

    async def test_token_revoked_by_vm_is_not_revoked_again_by_user(self) -> None:
        store = self.make_store()
        await store.issue(self.token())
        await store.revoke_vm(VM)
        self.assertEqual(list(await store.revoke_user("alice")), [])

    async def test_revoking_a_vm_takes_expired_tokens_that_can_be_resumed(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(ttl=self.short))
        _, cookie = await self.redeem_with_cookie(store, secret)
        await self.pass_time(self.short)
        self.assertEqual(list(await store.revoke_vm(VM)), [secret_id(secret)])
        await self.assertRefused(TokenRevoked, store, secret, cookie)

    async def test_revoking_a_user_takes_expired_tokens_that_can_be_resumed(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(ttl=self.short))
        _, cookie = await self.redeem_with_cookie(store, secret)
        await self.pass_time(self.short)
        await store.issue(self.token(user="alice"))
        self.assertIn(secret_id(secret), await store.revoke_user("alice"))
        await self.assertRefused(TokenRevoked, store, secret, cookie)

    # Resuming

    async def test_cookie_re_enters_and_takes_no_use(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(policy=Policy(uses=2)))
        first, cookie = await self.redeem_with_cookie(store, secret)
        for _ in range(2):
            grant = await store.redeem(secret, cookie)
            self.assertTrue(grant.resumed)
            self.assertEqual(grant.token, first.token)
            self.assertLess(abs(grant.age - first.age), 5)
            self.assertIsNone(grant.resume_secret)
        self.assertEqual((await store.show(secret_id(secret))).uses_left, 1)

    async def test_wrong_cookie_does_not_re_enter(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        await store.redeem(secret)
        await self.assertRefused(TokenUsed, store, secret, new_secret())

    async def test_cookie_of_another_token_does_not_re_enter(self) -> None:
        store = self.make_store()
        first, second = await store.issue(self.token()), await store.issue(self.token())
        await store.redeem(first)
        _, cookie = await self.redeem_with_cookie(store, second)
        await self.assertRefused(TokenUsed, store, first, cookie)

    async def test_cookie_is_no_token(self) -> None:
        store = self.make_store()
        _, cookie = await self.redeem_with_cookie(store, await store.issue(self.token()))
        await self.assertRefused(TokenUnknown, store, cookie, cookie)

    async def test_wrong_cookie_with_a_use_left_takes_it(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant = await store.redeem(secret, new_secret())
        self.assertFalse(grant.resumed)
        self.assertIsNotNone(grant.resume_secret)

    async def test_cookie_ends_and_never_slides(self) -> None:
        store = self.make_store(resume=2 * self.short)
        secret = await store.issue(self.token())
        _, cookie = await self.redeem_with_cookie(store, secret)
        await self.pass_time(self.short)
        self.assertTrue((await store.redeem(secret, cookie)).resumed)
        await self.pass_time(self.short)
        await self.assertRefused(TokenUsed, store, secret, cookie)

    async def test_cookie_works_after_the_token_expired(self) -> None:
        store = self.make_store()
        token = self.token(ttl=self.short)
        secret = await store.issue(token)
        _, cookie = await self.redeem_with_cookie(store, secret)
        await self.pass_time(self.short)
        grant = await store.redeem(secret, cookie)
        self.assertTrue(grant.resumed)
        self.assertEqual(grant.token, token)
        await self.assertRefused(TokenExpired, store, secret)

    async def test_cookie_ends_with_the_longest_duration(self) -> None:
        store = self.make_store(resume=3600)
        secret = await store.issue(self.token(policy=Policy(max_duration=self.short)))
        _, cookie = await self.redeem_with_cookie(store, secret)
        await self.pass_time(self.short)
        await self.assertRefused(TokenUsed, store, secret, cookie)

    async def test_cookie_of_a_revoked_token_does_not_re_enter(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant, cookie = await self.redeem_with_cookie(store, secret)
        self.assertTrue(await store.revoke(grant.token_id))
        await self.assertRefused(TokenRevoked, store, secret, cookie)

    async def test_no_cookie_where_resuming_is_off(self) -> None:
        store = self.make_store(resume=0)
        grant = await store.redeem(await store.issue(self.token()))
        self.assertIsNone(grant.resume_secret)

    async def test_no_cookie_for_a_viewer_that_is_no_browser(self) -> None:
        store = self.make_store()
        grant = await store.redeem(await store.issue(self.token(type=ConsoleType.XVPVNC)))
        self.assertIsNone(grant.resume_secret)

    async def test_oldest_of_too_many_cookies_makes_room(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(policy=Policy(uses=33)))
        _, first = await self.redeem_with_cookie(store, secret)
        await self.pass_time(0.01)
        for _ in range(32):
            _, last = await self.redeem_with_cookie(store, secret)
        self.assertTrue((await store.redeem(secret, last)).resumed)
        await self.assertRefused(TokenUsed, store, secret, first)

    # Remembering

    async def test_what_is_done_once_is_not_done_again(self) -> None:
        store = self.make_store()
        await store.enter(good_once("a"))
        with self.assertRaises(TokenUsed):
            await store.enter(good_once("a"))
        await store.enter(good_once("b"))

    async def test_what_was_done_once_can_be_given_back(self) -> None:
        store = self.make_store()
        await store.enter(good_once("a"))
        await store.restore(good_once("a"))
        await store.enter(good_once("a"))
        with self.assertRaises(TokenUsed):
            await store.enter(good_once("a"))

    async def test_what_was_done_is_forgotten_after_its_time(self) -> None:
        store = self.make_store()
        await store.enter(good_once("a", self.short))
        await self.pass_time(self.short)
        await store.enter(good_once("a"))
        with self.assertRaises(TokenUsed):
            await store.enter(good_once("a"))

    # Showing

    async def test_shows_a_fresh_token(self) -> None:
        store, token = self.make_store(), self.token()
        token_id = secret_id(await store.issue(token))
        status = await store.show(token_id)
        self.assertEqual((status.id, status.token, status.uses_left), (token_id, token, 1))

    async def test_shows_no_number_for_any_number_of_uses(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(policy=Policy(uses=0)))
        await store.redeem(secret)
        self.assertIsNone((await store.show(secret_id(secret))).uses_left)

    async def test_shows_a_spent_token_that_can_be_resumed(self) -> None:
        store, token = self.make_store(), self.token()
        secret = await store.issue(token)
        await store.redeem(secret)
        status = await store.show(secret_id(secret))
        self.assertEqual((status.token, status.uses_left), (token, 0))

    async def test_shows_an_expired_token_that_can_be_resumed(self) -> None:
        store, token = self.make_store(), self.token(ttl=self.short, policy=Policy(uses=0))
        secret = await store.issue(token)
        await store.redeem(secret)
        await self.pass_time(self.short)
        status = await store.show(secret_id(secret))
        self.assertEqual((status.token, status.uses_left), (token, 0))

    async def test_does_not_show_what_can_be_used_no_more(self) -> None:
        store = self.make_store(resume=0)
        spent, expired, revoked = [
            await store.issue(self.token(ttl=ttl)) for ttl in (600, self.short, 600)
        ]
        await self.open(store, spent)
        await store.revoke(secret_id(revoked))
        await self.pass_time(self.short)
        for secret in (spent, expired, revoked, "unknown"):
            with self.assertRaises(TokenUnknown):
                await store.show(secret_id(secret))

    async def test_a_check_changes_nothing(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())

        await store.check()

        self.assertEqual((await store.show(secret_id(secret))).uses_left, 1)

    async def test_ping_says_what_the_store_is(self) -> None:
        self.assertRegex(await self.make_store().ping(), r"^(memory|redis) .")
