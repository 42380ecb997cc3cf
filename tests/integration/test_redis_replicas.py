"""Uses, confirmations and revocations that a real replica must have before they count."""

from __future__ import annotations

import time
from typing import Any

from tests.components.redis_case import RedisCase, at_once, documented, sleep
from tests.components.redis_server import RedisServer
from tests.tokens.store_contract import VM, good_once
from vncproxy.errors import StoreUnavailable, TokenRevoked, TokenUsed
from vncproxy.model import ConsoleType, Grant, secret_id
from vncproxy.tokens.redis import RedisSettings, RedisTokenStore

TOO_FEW = "redis has 0 replicas that have the change after"


class ReplicaCase(RedisCase):
    call_limit = 10.0
    server_options = {"options": ["--repl-diskless-sync-delay", "0"]}

    def setUp(self) -> None:
        super().setUp()
        of_server = ["--replicaof", "127.0.0.1", str(self.server.port)]
        self.replica = RedisServer(options=of_server)
        self.addCleanup(self.replica.remove)
        self.replica.start()
        while "state=online" not in self.server.cli("info", "replication"):
            time.sleep(0.05)

    def settings(self, **changes: Any) -> RedisSettings:
        return super().settings(**{"wait_replicas": 1, "wait_timeout": 5.0, **changes})

    def impatient(self) -> RedisTokenStore:
        """Return a store that waits for a moment only."""
        return self.make_store(wait_timeout=0.2)

    def state(self, secret: str, server: RedisServer | None = None) -> dict[str, str]:
        """Return the state of a token, without the secrets in the names of its fields."""
        server = server or self.server
        words = server.cli("hgetall", f"vncproxy:state:{secret_id(secret)}").splitlines()
        names = [word.partition(":")[0] for word in words[::2]]
        return dict(zip(names, words[1::2], strict=True))

    async def until_given_back(self, secret: str) -> None:
        while self.state(secret)["used"] != "0":
            await sleep(0.02)


class ReplicatedTests(ReplicaCase):
    async def test_every_change_is_there_when_it_is_answered(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())

        grant = await store.redeem(secret)
        self.assertEqual(self.state(secret, self.replica)["used"], "1")
        await store.confirm(grant)
        self.assertIn("confirmed", self.state(secret, self.replica))
        await store.revoke(grant.token_id)
        self.assertEqual(self.state(secret, self.replica), {"revoked": "1"})

    async def test_many_share_one_wait(self) -> None:
        store = self.make_store()
        secrets = [await store.issue(self.token()) for _ in range(50)]
        before = self.waits()

        grants = await at_once(*(store.redeem(secret) for secret in secrets))

        self.assertTrue(all(isinstance(each, Grant) for each in grants), grants)
        self.assertLess(self.waits() - before, 25)

    async def test_nothing_is_sent_where_none_is_waited_for(self) -> None:
        store = self.make_store(wait_replicas=0)
        grant = await store.redeem(await store.issue(self.token()))
        await store.confirm(grant)
        await store.revoke(grant.token_id)
        self.assertEqual(self.waits(), 0)
        self.assertNotIn("confirmed", self.state("x"))

    def waits(self) -> int:
        """Return how many WAIT there have been."""
        line = self.server.cli("info", "commandstats").partition("cmdstat_wait:calls=")[2]
        return int(line.partition(",")[0] or 0)


class UnreplicatedTests(ReplicaCase):
    async def test_a_use_is_refused_and_given_back(self) -> None:
        store = self.impatient()
        secret = await store.issue(self.token())
        self.replica.pause()

        self.assertIn(TOO_FEW, await self.failure(store.redeem(secret)))
        await self.until_given_back(secret)

        self.replica.resume()
        store = self.make_store()
        await store.confirm(await store.redeem(secret))
        with self.assertRaises(TokenUsed):
            await store.redeem(secret)

    async def test_a_confirmation_is_retracted(self) -> None:
        for changes in ({}, {"type": ConsoleType.XVPVNC}):
            with self.subTest(**changes):
                store = self.impatient()
                secret = await store.issue(self.token(**changes))
                grant = await self.make_store().redeem(secret)
                self.replica.pause()

                self.assertIn(TOO_FEW, await self.failure(store.confirm(grant)))
                await self.until_given_back(secret)
                await store.restore(grant)

                state = self.state(secret)
                self.assertEqual(state["used"], "0")
                self.assertNotIn("resume", state)
                self.assertNotIn("confirmed", state)
                self.replica.resume()
                store = self.make_store()
                await store.confirm(await store.redeem(secret))
                with self.assertRaises(TokenUsed):
                    await store.redeem(secret)

    async def test_a_retracted_use_gives_no_other_use_back(self) -> None:
        store = self.impatient()
        secret = await store.issue(self.token())
        grant = await self.make_store().redeem(secret)
        self.server.cli("hset", f"vncproxy:state:{grant.token_id}", "used", "1")
        self.server.cli("hdel", f"vncproxy:state:{grant.token_id}", f"opening:{grant.use}")

        await store._sessions._retract(grant)

        self.assertEqual(self.state(secret)["used"], "1")

    async def test_what_is_good_once_is_given_back(self) -> None:
        store = self.impatient()
        self.replica.pause()

        self.assertIn(TOO_FEW, await self.failure(store.enter(good_once("a"))))
        while self.server.cli("--scan"):
            await sleep(0.02)

        self.replica.resume()
        store = self.make_store()
        await store.enter(good_once("a"))
        with self.assertRaises(TokenUsed):
            await store.enter(good_once("a"))

    async def test_a_revocation_is_an_error_and_holds_all_the_same(self) -> None:
        store = self.impatient()
        secrets = [await store.issue(self.token()) for _ in range(2)]
        self.replica.pause()

        self.assertIn(TOO_FEW, await self.failure(store.revoke(secret_id(secrets[0]))))
        self.assertIn(TOO_FEW, await self.failure(store.revoke_vm(VM)))

        for secret in secrets:
            with self.assertRaises(TokenRevoked):
                await store.redeem(secret)

    async def test_many_that_wait_in_vain_end_in_time_and_together(self) -> None:
        store = self.impatient()
        secrets = [await store.issue(self.token()) for _ in range(100)]
        self.replica.pause()
        began = time.monotonic()

        outcomes = await at_once(*(store.redeem(secret) for secret in secrets))

        self.assertTrue(all(isinstance(each, StoreUnavailable) for each in outcomes))
        self.assertLess(time.monotonic() - began, 5.0)
        for secret in secrets:
            await self.until_given_back(secret)

    async def test_check_config_says_that_there_are_too_few(self) -> None:
        store = self.make_store(wait_replicas=2, wait_timeout=1.0)
        self.assertIn("redis has 1 replicas that have", await self.failure(store.ping()))


class PermissionTests(ReplicaCase):
    async def test_the_documented_account_may_wait(self) -> None:
        acl = documented("", "user vncproxy on").splitlines()[0].replace(">CHANGE-ME", ">pw")
        self.server.cli("acl", "setuser", *acl.split()[1:])
        account: dict[str, Any] = {"username": "vncproxy", "password": "pw"}
        detail = await self.failure(self.make_store(**account).ping())
        self.assertIn("denies a permission", detail)
        self.server.cli("acl", "setuser", "vncproxy", "+wait")

        store = self.make_store(**account)
        await store.ping()
        await store.confirm(await store.redeem(await store.issue(self.token())))
