"""What every token store promises about cookies: another secret, and a mode that is remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.tokens.store_contract import TokenStoreContract
from vncproxy.errors import Superseded, TokenExpired, TokenRefused, TokenRevoked, TokenUsed
from vncproxy.model import ConsoleType, Grant, Mode, Policy, secret_id


class RenewalContract(TokenStoreContract):
    """Tests of ITokenStore.renew."""

    async def test_another_secret_re_enters_and_the_old_one_no_more(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        _, cookie = await self.redeem_with_cookie(store, secret)

        other = await store.renew(await store.redeem(secret, cookie))

        await self.assertRefused(TokenUsed, store, secret, cookie)
        grant = await store.redeem(secret, other)
        self.assertTrue(grant.resumed)
        await store.confirm(grant)

    async def test_a_secret_that_has_to_be_renewed_soon_ends_before(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        _, cookie = await self.redeem_with_cookie(store, secret)
        other = await store.renew(await store.redeem(secret, cookie), self.short / 2)

        await self.pass_time(self.short)

        with self.assertRaises(TokenRefused):
            await store.redeem(secret, other)

    async def test_renewed_in_time_it_ends_as_it_would_have(self) -> None:
        store = self.make_store(resume=4 * self.short)
        secret = await store.issue(self.token())
        _, cookie = await self.redeem_with_cookie(store, secret)
        other = await store.renew(await store.redeem(secret, cookie), self.short)
        last = await store.renew(await store.redeem(secret, other))

        await self.pass_time(2 * self.short)
        self.assertTrue((await store.redeem(secret, last)).resumed)
        await self.pass_time(3 * self.short)
        with self.assertRaises(TokenRefused):
            await store.redeem(secret, last)

    async def test_what_is_over_or_revoked_is_not_renewed(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant, cookie = await self.redeem_with_cookie(store, secret)
        resumed = await store.redeem(secret, cookie)
        await store.renew(resumed)
        with self.assertRaises(TokenExpired):
            await store.renew(resumed)
        await store.revoke(secret_id(secret))
        with self.assertRaises(TokenRevoked):
            await store.renew(grant)

    async def resumed(self, store: Any, secret: str, cookie: str) -> Grant:
        grant: Grant = await store.redeem(secret, cookie)
        self.assertTrue(grant.resumed)
        return grant

    async def test_a_mode_is_remembered_for_the_cookie_that_is_good(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant, cookie = await self.redeem_with_cookie(store, secret)
        self.assertIsNone(grant.mode)

        self.assertIs(await store.remember_mode(grant, Mode.VIEW_ONLY), True)

        again = await self.resumed(store, secret, cookie)
        self.assertIs(again.mode, Mode.VIEW_ONLY)
        self.assertIs(await store.remember_mode(again, Mode.CONTROL), True)
        self.assertIs((await self.resumed(store, secret, cookie)).mode, Mode.CONTROL)

    async def test_it_is_that_of_one_cookie_and_moves_with_it(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(policy=Policy(uses=0)))
        grant, cookie = await self.redeem_with_cookie(store, secret)
        _, other = await self.redeem_with_cookie(store, secret)
        await store.remember_mode(grant, Mode.VIEW_ONLY)

        renewed = await store.renew(await self.resumed(store, secret, cookie), self.short)
        last = await store.renew(await self.resumed(store, secret, renewed))

        self.assertIs((await self.resumed(store, secret, last)).mode, Mode.VIEW_ONLY)
        self.assertIsNone((await self.resumed(store, secret, other)).mode)
        self.assertIsNone((await store.redeem(secret)).mode)

    async def test_a_session_that_was_replaced_remembers_nothing(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant, cookie = await self.redeem_with_cookie(store, secret)
        await self.resumed(store, secret, cookie)

        with self.assertRaises(Superseded):
            await store.remember_mode(grant, Mode.VIEW_ONLY)
        self.assertIsNone((await self.resumed(store, secret, cookie)).mode)

    async def test_what_was_changed_while_a_session_opened_is_remembered_with_its_use(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        opening = await store.redeem(secret)
        cookie = opening.resume_secret or ""

        await store.confirm(replace(opening, mode=Mode.VIEW_ONLY))
        again = await self.resumed(store, secret, cookie)
        self.assertIs(again.mode, Mode.VIEW_ONLY)
        await store.confirm(replace(again, mode=Mode.CONTROL))

        self.assertIs((await self.resumed(store, secret, cookie)).mode, Mode.CONTROL)

    async def test_nothing_is_remembered_without_a_cookie_that_is_good(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        opening = await store.redeem(secret)
        self.assertIs(await store.remember_mode(opening, Mode.VIEW_ONLY), False)
        await store.confirm(opening)
        await store.revoke(secret_id(secret))
        self.assertIs(await store.remember_mode(opening, Mode.VIEW_ONLY), False)
        viewer = await store.issue(self.token(type=ConsoleType.XVPVNC))
        without = await self.open(store, viewer)
        self.assertIs(await store.remember_mode(without, Mode.VIEW_ONLY), False)
