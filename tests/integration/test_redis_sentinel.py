"""Stores and subscriptions that follow the primary, with real sentinels."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.protocols.portforward import ProxyFactory
from twisted.trial.unittest import TestCase

from tests.components.ports import free_port
from tests.components.redis_case import outcome, sleep
from tests.components.redis_sentinels import MASTER, WatchedRedis
from tests.components.redis_server import RedisServer
from tests.doubles.subscriber import RecordingSubscriber
from tests.tokens.store_contract import make_token
from vncproxy.errors import StoreUnavailable, TokenUsed
from vncproxy.model import Grant, secret_id
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
        where = {"sentinels": tuple(self.redis.addresses()), "master": MASTER}
        return RedisSettings(**{**where, **changes})

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

    async def test_a_use_that_is_lost_while_its_console_opens(self) -> None:
        store = self.store()
        secret = await self.issued(store)
        await self.replicated()
        for replica in self.redis.replicas():
            replica.pause()
        self.old.cli("client", "kill", "type", "replica")
        grant = await store.redeem(secret)
        self.old.kill()
        for replica in self.redis.replicas():
            replica.resume()
        await self.issued(store)

        with self.assertRaises(StoreUnavailable) as caught:
            await store.confirm(grant)
        self.assertIn("has lost that the use was taken", str(caught.exception.detail))
        await store.confirm(await store.redeem(secret))

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


class AbsentSentinelsTests(SentinelCase):
    async def test_nothing_needs_them_while_the_primary_stays(self) -> None:
        store = self.store()
        await self.issued(store)
        for sentinel in self.redis.sentinels:
            sentinel.kill()
        await store.redeem(await store.issue(make_token(time.time())))

        self.old.kill()
        detail = str((await self.error(store)).detail)
        for sentinel in self.redis.sentinels:
            self.assertIn(f"sentinel at {sentinel.address} cannot be reached", detail)

        for sentinel in self.redis.sentinels:
            sentinel.start()
        await self.issued(store)
        await self.until(lambda: self.redis.primary() is not self.old)

    async def error(self, store: RedisTokenStore) -> StoreUnavailable:
        """Return why no sentinel can be asked, once the lost connection was noticed."""
        while "no sentinel names" not in str(error := await outcome(store.check())):
            self.assertIsInstance(error, StoreUnavailable)
        assert isinstance(error, StoreUnavailable)
        return error

    async def test_a_failover_that_was_announced_to_nobody(self) -> None:
        ways = [Way(self, sentinel.port) for sentinel in self.redis.sentinels]
        store = self.store(sentinels=tuple(f"127.0.0.1:{way.port}" for way in ways))
        await self.issued(store)
        await sleep(0.5)

        for way in ways:
            way.cut()
        self.redis.sentinels[0].cli("sentinel", "failover", MASTER)
        await self.until(lambda: self.redis.primary() is not self.old)
        secret = await store.issue(make_token(time.time()))
        self.assertIn(secret_id(secret), keys(self.old))
        for way in ways:
            way.mend()

        async def leaves() -> bool:
            secret = await self.issued(store)
            return secret_id(secret) not in keys(self.old)

        while not await leaves():
            await sleep(0.1)


class Way:
    """A way to a sentinel that can be cut."""

    def __init__(self, case: SentinelCase, port: int) -> None:
        self._factory: Any = Connections("127.0.0.1", port)
        self._factory.noisy = False
        listening = cast(Any, reactor).listenTCP(0, self._factory, interface="127.0.0.1")
        case.addCleanup(listening.stopListening)
        case.addCleanup(self.cut)
        self.port = listening.getHost().port
        self._to = port

    def cut(self) -> None:
        self._factory.port = free_port()
        for each in list(self._factory.there):
            each.transport.abortConnection()

    def mend(self) -> None:
        self._factory.port = self._to


class Connections(ProxyFactory):
    """Knows the connections that there are."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.there: set[Any] = set()

    def buildProtocol(self, addr: Any) -> Any:
        protocol: Any = super().buildProtocol(addr)
        self.there.add(protocol)
        lost = protocol.connectionLost

        def connection_lost(reason: Any) -> None:
            self.there.discard(protocol)
            lost(reason)

        protocol.connectionLost = connection_lost
        return protocol


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
