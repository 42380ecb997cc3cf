"""A Redis that crashes before it has saved: what a proxy refuses by its own memory."""

from __future__ import annotations

from typing import Any, cast

from twisted.logger import ILogObserver, LogEvent, Logger

from tests.components.redis_case import RedisCase, documented, sleep
from tests.tokens.store_contract import VM, good_once
from vncproxy.errors import TokenRevoked, TokenUnknown, TokenUsed
from vncproxy.model import Policy, secret_id
from vncproxy.tokens.redis import RedisTokenStore


class CrashTests(RedisCase):
    """Redis saves in intervals, as it does by default."""

    server_options = {"options": ["--save", "3600 1"]}

    async def issued(self, store: RedisTokenStore, uses: int = 1) -> str:
        """Return the secret of a token that Redis has saved."""
        secret = await store.issue(self.token(policy=Policy(uses=uses)))
        self.server.cli("save")
        return secret

    async def use(self, store: RedisTokenStore, secret: str) -> str:
        """Open a console; returns the resume cookie."""
        grant = await store.redeem(secret)
        await store.confirm(grant)
        assert grant.resume_secret is not None
        return grant.resume_secret

    async def crash(self) -> None:
        """Let the server crash and come back, and the stores notice it."""
        self.server.kill()
        self.server.start()
        await sleep(0.05)

    async def test_used_token_is_refused(self) -> None:
        store = self.make_store()
        secret = await self.issued(store)
        cookie = await self.use(store, secret)
        await self.crash()
        for brought in (None, cookie):
            with self.assertRaises(TokenUsed):
                await store.redeem(secret, brought)

    async def test_loss_is_told_in_the_log(self) -> None:
        events: list[LogEvent] = []
        store = self.make_store()
        self.patch(store, "log", Logger(observer=cast(ILogObserver, events.append)))
        secret = await self.issued(store)
        await self.use(store, secret)
        with self.assertRaises(TokenUsed):
            await store.redeem(secret)
        self.assertEqual(events, [])
        await self.crash()
        with self.assertRaises(TokenUsed):
            await store.redeem(secret)
        (event,) = events
        self.assertEqual((event["token"], event["what"]), (secret_id(secret)[:12], "used"))

    async def test_token_of_three_uses_has_those_that_are_left(self) -> None:
        store = self.make_store()
        secret = await self.issued(store, uses=3)
        for _ in range(2):
            await self.use(store, secret)
        await self.crash()
        await self.use(store, secret)
        with self.assertRaises(TokenUsed):
            await store.redeem(secret)

    async def test_use_that_was_given_back_can_be_taken(self) -> None:
        store = self.make_store()
        secret = await self.issued(store)
        await store.restore(await store.redeem(secret))
        await self.crash()
        await self.use(store, secret)

    async def test_revoked_tokens_are_refused(self) -> None:
        store = self.make_store()
        one = await self.issued(store)
        of_vm = await self.issued(store)
        await store.revoke(secret_id(one))
        await store.revoke_vm(VM)
        await self.crash()
        for secret in (one, of_vm):
            with self.assertRaises(TokenRevoked):
                await store.redeem(secret)
            with self.assertRaises(TokenUnknown):
                await store.show(secret_id(secret))

    async def test_cookie_of_a_revoked_token_is_refused(self) -> None:
        store = self.make_store()
        secret = await self.issued(store)
        cookie = await self.use(store, secret)
        self.server.cli("save")
        await store.revoke(secret_id(secret))
        await self.crash()
        with self.assertRaises(TokenRevoked):
            await store.redeem(secret, cookie)

    async def test_what_was_done_once_is_not_done_again(self) -> None:
        store = self.make_store()
        await store.ping()
        self.server.cli("save")
        await store.enter(good_once("jti"))
        await self.crash()
        with self.assertRaises(TokenUsed):
            await store.enter(good_once("jti"))

    async def test_revocation_that_another_proxy_made_is_remembered_once_it_was_met(self) -> None:
        store, other = self.make_store(), self.make_store()
        secret = await self.issued(store)
        await other.revoke(secret_id(secret))
        for _ in range(2):
            with self.assertRaises(TokenRevoked):
                await store.redeem(secret)
            await self.crash()


class DurableTests(RedisCase):
    """With the documented settings, no proxy has to remember anything."""

    server_options = {"options": ["--appendonly", "yes", "--appendfsync", "always"]}

    async def test_used_and_revoked_tokens_are_refused_by_every_proxy(self) -> None:
        store = self.make_store()
        used, revoked = await store.issue(self.token()), await store.issue(self.token())
        await store.confirm(await store.redeem(used))
        await store.revoke(secret_id(revoked))
        self.server.kill()
        self.server.start()
        other = self.make_store()
        with self.assertRaises(TokenUsed):
            await other.redeem(used)
        with self.assertRaises(TokenRevoked):
            await other.redeem(revoked)

    async def test_nothing_is_warned_of(self) -> None:
        self.assertEqual(list(await self.make_store().losses()), [])


class WarningTests(RedisCase):
    """``check-config`` with Redis, with and without the permission to read its settings."""

    server_options = {
        "options": ["--save", "3600 1"],
        "acl": [
            "user default on nopass ~* &* +@all",
            f"user {documented('', 'user vncproxy on').partition('user ')[2].splitlines()[0]}",
            "user reader on >pw ~* &* +@all -config",
        ],
    }

    async def losses(self, **settings: Any) -> list[str]:
        return list(await self.make_store(**settings).losses())

    async def test_default_persistence_is_warned_of(self) -> None:
        for user in ({}, {"username": "vncproxy", "password": "CHANGE-ME"}):
            (line,) = await self.losses(**user)
            self.assertIn("appendonly no", line)

    async def test_settings_are_read_where_that_is_permitted(self) -> None:
        self.server.cli("config", "set", "appendonly", "yes", "appendfsync", "no")
        (line,) = await self.losses()
        self.assertIn("appendfsync no", line)
        self.assertEqual(await self.losses(username="reader", password="pw"), [])

    async def test_eviction_is_warned_of(self) -> None:
        self.server.cli("config", "set", "appendonly", "yes")
        self.server.cli("config", "set", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru")
        (line,) = await self.losses()
        self.assertIn("set noeviction", line)
