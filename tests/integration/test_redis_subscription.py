"""A subscription against a real redis-server that is killed, hangs, and comes back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from tests.components.redis_case import RedisCase, sleep
from tests.components.redis_server import RedisServer
from tests.doubles.subscriber import RecordingSubscriber
from vncproxy.redis.endpoint import FixedPrimary, Server, redis_endpoint
from vncproxy.redis.subscription import ISubscriber, Subscription

CHANNELS = ("vncproxy:one", "vncproxy:two")
IN_TIME = 30.0
"""Seconds that a slow machine may take for what should take less than two."""


class SubscriptionTests(RedisCase):
    call_limit = 1.0

    def subscribe(self, **options: Any) -> tuple[Subscription, RecordingSubscriber]:
        owner = RecordingSubscriber()
        verifyObject(ISubscriber, owner)
        changes = options.pop("settings", {})
        options = {"keepalive": 0.3, **options}
        subscription = Subscription(reactor, self.settings(**changes), CHANNELS, owner, **options)
        self.addCleanup(lambda: Deferred.fromCoroutine(subscription.close()))
        subscription.start()
        return subscription, owner

    async def until(self, done: Callable[[], bool]) -> None:
        give_up = time.monotonic() + IN_TIME
        while not done():
            self.assertLess(time.monotonic(), give_up)
            await sleep(0.02)

    async def until_event(self, owner: RecordingSubscriber, *names: str) -> None:
        """Wait until exactly these events have come, one after another."""
        await self.until(lambda: len(owner.events) >= len(names))
        self.assertEqual(owner.names(), list(names))

    async def test_messages_of_every_channel_arrive_in_order(self) -> None:
        _, owner = self.subscribe()
        await self.until_event(owner, "subscribed")

        for channel, message in ((0, "a"), (1, "b"), (0, "c")):
            self.server.cli("publish", CHANNELS[channel], message)
        self.server.cli("publish", "vncproxy:other", "no")

        await self.until(lambda: len(owner.events) == 4)
        expected = [(CHANNELS[0], b"a"), (CHANNELS[1], b"b"), (CHANNELS[0], b"c")]
        self.assertEqual(owner.events[1:], expected)

    async def test_a_quiet_connection_stays(self) -> None:
        _, owner = self.subscribe(settings={"timeout": 0.5})
        await self.until_event(owner, "subscribed")

        await sleep(3)

        self.assertEqual(owner.names(), ["subscribed"])
        self.assertEqual(self.server.cli("pubsub", "numsub", CHANNELS[0]).split()[-1], "1")

    async def test_a_server_that_crashes_and_comes_back(self) -> None:
        _, owner = self.subscribe()
        await self.until_event(owner, "subscribed")

        self.server.kill()
        await self.until_event(owner, "subscribed", "interrupted")
        self.assertIn("closed the connection", str(owner.events[1][1]))
        self.server.start()
        await self.until_event(owner, "subscribed", "interrupted", "subscribed")

        self.server.cli("publish", CHANNELS[1], "again")
        await self.until(lambda: owner.events[-1] == (CHANNELS[1], b"again"))

    async def test_a_server_that_hangs_is_noticed_and_used_again(self) -> None:
        _, owner = self.subscribe()
        await self.until_event(owner, "subscribed")

        self.server.pause()
        await self.until_event(owner, "subscribed", "interrupted")
        self.assertIn("does not answer in time", str(owner.events[1][1]))
        self.server.resume()

        await self.until_event(owner, "subscribed", "interrupted", "subscribed")

    async def test_connections_that_are_given_up_do_not_stay(self) -> None:
        _, owner = self.subscribe()
        await self.until_event(owner, "subscribed")
        self.server.cli("client", "kill", "type", "pubsub")

        await self.until_event(owner, "subscribed", "interrupted", "subscribed")
        self.assertEqual(self.server.cli("pubsub", "numsub", CHANNELS[0]).split()[-1], "1")

    async def test_a_server_that_is_not_there_yet(self) -> None:
        self.server.stop()
        _, owner = self.subscribe()
        await sleep(0.5)
        self.assertEqual(owner.events, [])

        self.server.start()

        await self.until_event(owner, "subscribed")

    async def test_a_log_in_that_is_refused_is_tried_again(self) -> None:
        self.server.cli("config", "set", "requirepass", "horse")
        _, owner = self.subscribe()
        await sleep(0.5)
        self.assertEqual(owner.events, [])

        self.server.cli("-a", "horse", "config", "set", "requirepass", "")

        await self.until_event(owner, "subscribed")

    async def test_the_primary_is_asked_for_at_each_connection(self) -> None:
        other = RedisServer()
        self.addCleanup(other.remove)
        other.start()
        primary = self.server

        class Movable(FixedPrimary):
            async def servers(self) -> AsyncIterator[Server]:
                endpoint = redis_endpoint(reactor, case.settings(port=primary.port))
                yield Server("anywhere", endpoint, 1.0)

        case = self
        _, owner = self.subscribe(primary=Movable(reactor, self.settings()))
        await self.until_event(owner, "subscribed")
        primary = other
        self.server.kill()
        await self.until_event(owner, "subscribed", "interrupted", "subscribed")

        other.cli("publish", CHANNELS[0], "moved")
        await self.until(lambda: owner.events[-1] == (CHANNELS[0], b"moved"))

    async def test_a_closed_subscription_tells_its_owner_nothing(self) -> None:
        subscription, owner = self.subscribe()
        await self.until_event(owner, "subscribed")

        await subscription.close()
        self.server.kill()
        await sleep(0.3)

        self.assertEqual(owner.names(), ["subscribed"])

    async def test_one_can_be_closed_while_it_connects(self) -> None:
        self.server.pause()
        subscription, owner = self.subscribe(settings={"timeout": 60.0})
        await sleep(0.1)

        await subscription.close()

        self.assertEqual(owner.events, [])
