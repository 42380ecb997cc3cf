"""``etc/haproxy-redis.cfg`` as it is: the address that leads to the primary, through failovers."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.components.balancers import ETC
from tests.components.ports import free_port
from tests.components.redis_case import outcome, sleep
from tests.components.redis_sentinels import MASTER, WatchedRedis
from tests.components.redis_server import RedisServer
from tests.tokens.store_contract import make_token
from vncproxy.errors import TokenUsed
from vncproxy.model import secret_id
from vncproxy.tokens.redis import RedisSettings, RedisTokenStore

IN_TIME = 60.0
ACCOUNT = "haproxy on >horse resetkeys resetchannels -@all +info"


class HAProxyTests(TestCase):
    timeout = 300

    def setUp(self) -> None:
        options = ["--min-replicas-to-write", "1", "--user", *ACCOUNT.split()]
        self.redis = WatchedRedis(options=options)
        self.addCleanup(self.redis.remove)
        self.redis.start()
        self.port = free_port()
        first, second, third = (f"127.0.0.1:{each.port}" for each in self.redis.servers)
        adapted = {
            "REDIS": f"127.0.0.1:{self.port}",
            "REDIS1": first,
            "REDIS2": second,
            "REDIS3": third,
            "CHECK_PASSWORD": "horse",
            "CONNECTIONS": "100",
        }
        with (self.redis.servers[0].folder / "haproxy.log").open("wb") as log:
            process = subprocess.Popen(
                ["haproxy", "-db", "-f", str(ETC / "haproxy-redis.cfg")],
                stdout=log,
                stderr=log,
                env={**os.environ, **adapted},
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def store(self, **changes: Any) -> RedisTokenStore:
        settings = RedisSettings(port=self.port, **changes)
        store = RedisTokenStore(reactor, settings, time.time, 3600)
        self.addCleanup(lambda: Deferred.fromCoroutine(store.close()))
        return store

    async def issued(self, store: RedisTokenStore) -> str:
        """Issue a token, as soon as that works."""
        give_up = time.monotonic() + IN_TIME
        while not isinstance(secret := await outcome(store.issue(make_token(time.time()))), str):
            self.assertLess(time.monotonic(), give_up, secret)
            await sleep(0.05)
        return secret

    async def test_a_primary_that_is_killed_and_comes_back(self) -> None:
        store = self.store()
        used = await self.issued(store)
        await store.confirm(await store.redeem(used))
        await sleep(0.5)
        old = self.redis.primary()

        old.kill()
        await self.issued(store)
        with self.assertRaises(TokenUsed):
            await self.store().redeem(used)

        old.start()
        self.assertIn("master", old.cli("role"))
        await self.assert_unused(old, store)

    async def test_one_that_hangs_and_goes_on(self) -> None:
        store = self.store()
        await self.issued(store)
        old = self.redis.primary()

        old.pause()
        await self.issued(store)
        old.resume()

        await self.assert_unused(old, store)

    async def test_a_failover_that_is_asked_for(self) -> None:
        store = self.store()
        await self.issued(store)
        old = self.redis.primary()

        self.redis.sentinels[0].cli("sentinel", "failover", MASTER)
        while self.redis.primary() is old:
            await sleep(0.05)
        await self.issued(store)  # may be lost: HAProxy looks twice a second
        await self.assert_unused(old, store)

        secret = await self.issued(store)
        self.assertIn(
            "1", self.redis.primary().cli("exists", f"vncproxy:token:{secret_id(secret)}")
        )

    async def assert_unused(self, old: RedisServer, store: RedisTokenStore) -> None:
        """Assert that tokens are not written to an old primary, which does not know it yet."""
        await sleep(2.0)
        before = old.cli("--scan")
        for _ in range(20):
            await self.issued(store)
        self.assertEqual(old.cli("--scan"), before)
