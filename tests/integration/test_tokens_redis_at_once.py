"""Proxies that redeem, restore and revoke the same token at once."""

from __future__ import annotations

import time

from tests.components.redis_case import InterruptedStore, RedisCase, at_once, sleep
from tests.tokens.store_contract import VM
from vncproxy.errors import (
    Superseded,
    TokenExpired,
    TokenRefused,
    TokenRevoked,
    TokenUnknown,
    TokenUsed,
)
from vncproxy.model import Grant, Policy, new_secret, secret_id
from vncproxy.tokens import redis_sessions
from vncproxy.tokens.records import encode


class ConcurrencyTests(RedisCase):
    async def test_token_revoked_while_it_is_redeemed_is_refused(self) -> None:
        await self.refused_when("revoked", TokenRevoked, "hset", "state", "revoked", "1")

    async def test_token_that_ends_while_it_is_redeemed_is_refused(self) -> None:
        await self.refused_when("expired", TokenExpired, "del", "token")

    async def test_record_changed_while_it_is_redeemed_is_refused(self) -> None:
        await self.refused_when("unknown", TokenUnknown, "set", "token", "{}", "ex", "60")

    async def refused_when(
        self, why: str, error: type[TokenRefused], command: str, kind: str, *words: str
    ) -> None:
        store = self.make_store(kind=InterruptedStore)
        assert isinstance(store, InterruptedStore)
        secret = await store.issue(self.token())
        key = f"vncproxy:{kind}:{secret_id(secret)}"
        store.interrupt = lambda: self.server.cli(command, key, *words)
        with self.assertRaises(error) as caught:
            await store.redeem(secret)
        self.assertIn(why, caught.exception.detail)

    async def test_token_that_this_proxy_issued_is_judged_by_what_redis_has_now(self) -> None:
        for kind, command in (
            (TokenUnknown, ("set", "token", "{}", "ex", "60")),
            (TokenUnknown, ("set", "token", encode(self.token(user="bob")).decode()[:-1])),
            (TokenExpired, ("del", "token")),
            (TokenRevoked, ("hset", "state", "revoked", "1")),
            (TokenUsed, ("hset", "state", "used", "1")),
        ):
            store = self.make_store()
            secret = await store.issue(self.token())
            word, key, *rest = command
            self.server.cli(word, f"vncproxy:{key}:{secret_id(secret)}", *rest)
            with self.assertRaises(kind):
                await store.redeem(secret)

    async def test_token_that_was_written_anew_is_redeemed_as_it_is_now(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        record = encode(self.token(user="bob")).decode()
        self.server.cli("set", f"vncproxy:token:{secret_id(secret)}", record, "ex", "60")
        self.assertEqual((await store.redeem(secret)).token.user, "bob")

    async def test_one_of_fifty_redemptions_through_two_proxies_wins(self) -> None:
        proxies = [self.make_store(), self.make_store()]
        secret = await proxies[0].issue(self.token())
        outcomes = await at_once(*(proxies[i % 2].redeem(secret) for i in range(50)))
        self.assertEqual(sum(isinstance(o, Grant) for o in outcomes), 1)
        self.assertEqual(sum(isinstance(o, TokenUsed) for o in outcomes), 49)

    async def test_cookie_of_one_proxy_re_enters_at_another(self) -> None:
        one, other = self.make_store(), self.make_store()
        secret = await one.issue(self.token())
        grant = await one.redeem(secret)
        await one.confirm(grant)
        self.assertTrue((await other.redeem(secret, grant.resume_secret)).resumed)

    async def test_session_that_opens_at_another_proxy_takes_the_place_of_one_that_opens(
        self,
    ) -> None:
        one, other = self.make_store(), self.make_store()
        secret = await one.issue(self.token())
        older = await one.redeem(secret)
        newer = await other.redeem(secret, older.resume_secret)
        with self.assertRaises(Superseded):
            await one.confirm(older)
        await one.restore(older)
        await other.confirm(newer)
        with self.assertRaises(TokenUsed):
            await one.redeem(secret)

    async def test_state_names_the_newest_session_of_a_cookie(self) -> None:
        one, other = self.make_store(), self.make_store()
        secret = await one.issue(self.token())
        grant = await one.redeem(secret)
        await one.confirm(grant)
        key, field = f"vncproxy:state:{secret_id(secret)}", f"newest:{grant.cookie_id}"
        self.assertEqual(self.server.cli("hget", key, field), grant.claim)
        newer = await other.redeem(secret, grant.resume_secret)
        self.assertEqual(self.server.cli("hget", key, field), newer.claim)

    async def test_use_of_a_proxy_that_died_comes_back(self) -> None:
        one, other = self.make_store(), self.make_store()
        secret = await one.issue(self.token(policy=Policy(max_duration=60)))
        self.patch(redis_sessions, "_OPENING_MS", 1000)
        lost = await one.redeem(secret)
        with self.assertRaises(TokenUsed):
            await other.redeem(secret)
        await sleep(1.1)
        self.assertEqual((await other.show(secret_id(secret))).uses_left, 1)
        self.assertGreater((await other.redeem(secret)).age, 1)
        with self.assertRaises(Superseded):
            await one.confirm(lost)

    async def test_state_that_an_older_proxy_wrote_is_read(self) -> None:
        store = self.make_store()
        secret, cookie = await store.issue(self.token()), new_secret()
        key, now = f"vncproxy:state:{secret_id(secret)}", int(time.time() * 1000)
        resume = ("resume:" + secret_id(cookie), f"{now - 5000}:{now + 60_000}")
        record = encode(self.token()).decode()
        self.server.cli("hset", key, "used", "1", "record", record, *resume)
        grant = await store.redeem(secret, cookie)
        self.assertTrue(grant.resumed)
        self.assertLess(abs(grant.age - 5), 3)
        await store.confirm(grant)
        with self.assertRaises(TokenUsed):
            await store.redeem(secret)

    async def test_revocation_at_one_proxy_holds_at_another(self) -> None:
        one, other = self.make_store(), self.make_store()
        secret = await one.issue(self.token())
        await other.revoke_vm(VM)
        with self.assertRaises(TokenRevoked):
            await one.redeem(secret)
