"""What every token store promises about cookies that get another secret."""

from __future__ import annotations

from tests.tokens.store_contract import TokenStoreContract
from vncproxy.errors import TokenExpired, TokenRefused, TokenRevoked, TokenUsed
from vncproxy.model import secret_id


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
