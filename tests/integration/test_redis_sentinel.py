"""Stores and subscriptions that follow the primary, with real sentinels."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.components.redis_case import outcome, sleep
from tests.components.redis_sentinels import MASTER, WatchedRedis
from tests.components.redis_server import RedisServer
from tests.doubles.subscriber import RecordingSubscriber
from tests.tokens.store_contract import make_token
from vncproxy.errors import TokenUsed
from vncproxy.model import Grant
from vncproxy.redis.subscription import Subscription
from vncproxy.tokens.redis import RedisSettings, RedisTokenStore

IN_TIME = 60.0
"""Seconds that a slow machine may take for a failover; it takes about two."""


class SentinelCase(TestCase):
    """A primary, two replicas and three sentinels for each test."""

    timeout = 300

    def setUp(self) -> None:
        self.redis = WatchedRedis()
        self.addCleanup(self.redis.remove)
        self.redis.start()
        self.old = self.redis.primary()

    def settings(self, **changes: Any) -> RedisSettings:
        return RedisSettings(sentinels=tuple(self.redis.addresses()), master=MASTER, **changes)

    def store(self, **changes: Any) -> RedisTokenStore:
        store = RedisTokenStore(reactor, self.settings(**changes), time.time, 3600)
        self.addCleanup(lambda: Deferred.fromCoroutine(store.close()))
        return store

    async def subscribe(self) -> RecordingSubscriber:
        """Return the owner of a subscription that works."""
        owner = RecordingSubscriber()
        subscription = Subscription(reactor, self.settings(), ["vncproxy:x"], owner)
        self.addCleanup(lambda: Deferred.fromCoroutine(subscription.close()))
        subscription.start()
        await self.until(lambda: owner.names() == ["subscribed"])
        return owner

    async def until(self, done: Callable[[], bool]) -> None:
        give_up = time.monotonic() + IN_TIME
        while not done():
            self.assertLess(time.monotonic(), give_up)
            await sleep(0.02)

    async def issued(self, store: RedisTokenStore) -> str:
        """Issue a token, as soon as that works."""
        give_up = time.monotonic() + IN_TIME
        while not isinstance(secret := await outcome(store.issue(make_token(time.time()))), str):
            self.assertLess(time.monotonic(), give_up, secret)
            await sleep(0.02)
        return secret

    async def replicated(self) -> None:
        """Wait until every replica has the keys of the primary."""
        await self.until(lambda: len({keys(server) for server in self.redis.servers}) == 1)


class KilledPrimaryTests(SentinelCase):
    async def test_a_used_token_stays_used_and_a_fresh_one_is_good(self) -> None:
        store = self.store()
        used, fresh = [await self.issued(store) for _ in range(2)]
        await store.confirm(await store.redeem(used))
        await self.replicated()

        self.old.kill()
        await self.issued(store)

        other = self.store()  # without the memory of the one that used it
        with self.assertRaises(TokenUsed):
            await other.redeem(used)
        self.assertIsInstance(await other.redeem(fresh), Grant)

    async def test_one_that_hangs_and_goes_on_is_not_used_again(self) -> None:
        store = self.store()
        owner = await self.subscribe()
        await self.issued(store)

        self.old.pause()
        await self.issued(store)
        await self.until(lambda: owner.names() == ["subscribed", "interrupted", "subscribed"])
        before = keys(self.old_goes_on())
        await self.issued(store)

        self.assertEqual(keys(self.old), before)
        self.redis.primary().cli("publish", "vncproxy:x", "hello")
        await self.until(lambda: owner.events[-1] == ("vncproxy:x", b"hello"))

    def old_goes_on(self) -> RedisServer:
        self.old.resume()
        self.assertIn("master", self.old.cli("role"))
        return self.old


class RequestedFailoverTests(SentinelCase):
    async def test_the_old_primary_is_left_although_it_still_takes_changes(self) -> None:
        store = self.store()
        await self.issued(store)
        owner = await self.subscribe()

        self.redis.sentinels[1].cli("sentinel", "failover", MASTER)
        await self.until(lambda: owner.names() == ["subscribed", "interrupted", "subscribed"])

        self.assertIn("master", self.old.cli("role"))
        before = keys(self.old)
        await store.issue(make_token(time.time()))
        self.assertEqual(keys(self.old), before)
        self.assertIn("is not the primary any more, says a sentinel", str(owner.events[1][1]))


def keys(server: RedisServer) -> str:
    return " ".join(sorted(server.cli("--scan").split()))
