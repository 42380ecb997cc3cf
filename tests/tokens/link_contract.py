"""What every store that redeems signed links promises."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from vncproxy.errors import TokenRevoked, TokenUsed
from vncproxy.model import ConsoleType, Policy, SignedLink, Token, VMAddress
from vncproxy.tokens.external.link_claims import link_id

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object

VM = VMAddress("kvm", "web-01")


class LinkStoreContract(TestCase):
    """A mixin for a store of one kind."""

    def make_store(self) -> Any:
        raise NotImplementedError

    def now(self) -> float:
        raise NotImplementedError

    def link(self, jti: str = "1", *, signed_before: float = 0.0, **changes: Any) -> SignedLink:
        signed_at = self.now() - signed_before
        policy = changes.pop("policy", Policy())
        token = Token(
            VM, "alice", ConsoleType.NOVNC, policy, signed_at, signed_at + 600, signer="portal"
        )
        return SignedLink(link_id("portal", f"jti:{jti}"), token, signed_at, **changes)

    async def refused(self, kind: type[Exception], work: Awaitable[object]) -> None:
        with self.assertRaises(kind):
            await work

    async def test_a_link_is_good_once_and_its_cookie_survives_a_reload(self) -> None:
        store, link = self.make_store(), self.link()
        first = await store.redeem_link(link)
        await store.confirm(first)
        self.assertEqual((first.token.signer, first.token.policy.uses), ("portal", 1))

        await self.refused(TokenUsed, store.redeem_link(self.link()))
        again = await store.redeem_link(self.link(), first.resume_secret)
        self.assertTrue(again.resumed)
        over = await store.redeem_link(self.link(is_over=True), first.resume_secret)
        self.assertTrue(over.resumed)

    async def test_a_use_that_was_given_back_can_be_taken_again(self) -> None:
        store = self.make_store()
        await store.restore(await store.redeem_link(self.link()))

        await store.confirm(await store.redeem_link(self.link()))

    async def test_a_revoked_link_is_refused_used_or_not(self) -> None:
        store = self.make_store()
        used = await store.redeem_link(self.link("used"))
        await store.confirm(used)
        self.assertIs(await store.revoke_link(used.token_id), True)
        self.assertIs(await store.revoke_link(self.link("new").token_id), False)

        for link, cookie in (
            (self.link("used"), used.resume_secret),
            (self.link("used"), None),
            (self.link("new"), None),
        ):
            await self.refused(TokenRevoked, store.redeem_link(link, cookie))
        await store.redeem_link(self.link("other"))

    async def test_links_of_a_revoked_user_are_refused_and_later_ones_not(self) -> None:
        store = self.make_store()
        await store.revoke_links_of_user("alice")

        await self.refused(TokenRevoked, store.redeem_link(self.link()))
        later = self.link("later", signed_before=-11)
        await store.redeem_link(later)

    async def test_links_of_a_revoked_signer_are_refused_for_good(self) -> None:
        store = self.make_store()
        used = await store.redeem_link(self.link())
        await store.confirm(used)
        await store.revoke_signer("portal")

        await self.refused(TokenRevoked, store.redeem_link(self.link(), used.resume_secret))
        later = self.link("later", signed_before=-3600)
        await self.refused(TokenRevoked, store.redeem_link(later))

    async def test_revoking_a_machine_or_user_takes_used_links_back(self) -> None:
        store = self.make_store()
        one = await store.redeem_link(self.link("1", policy=Policy(uses=0)))
        await store.confirm(one)
        self.assertEqual(await store.revoke_vm(VM), [one.token_id])
        two = await store.redeem_link(self.link("2", policy=Policy(uses=0)))
        await store.confirm(two)
        self.assertEqual(await store.revoke_user("alice"), [two.token_id])

        for jti in ("1", "2"):
            link = self.link(jti, policy=Policy(uses=0))
            await self.refused(TokenRevoked, store.redeem_link(link))
