"""What sentinels answer and announce, without a sentinel."""

from __future__ import annotations

from collections.abc import AsyncIterator

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.redis import RedisSettings
from vncproxy.errors import StoreUnavailable
from vncproxy.redis.endpoint import Server
from vncproxy.redis.sentinel import Address, Sentinel
from vncproxy.redis.sentinels import Sentinels

OLD, NEW = ("10.0.0.1", 6379), ("10.0.0.2", 6380)


class AnnouncementTests(SynchronousTestCase):
    def announced(self, channel: str, message: bytes) -> list[Address]:
        found: list[Address] = []
        sentinel = Sentinel(MemoryReactorClock(), RedisSettings(), "console", 1.0)
        channels = sentinel.announcements(found.append, lambda: None)
        channels._owner.message_received(channel, message)
        return found

    def test_another_primary(self) -> None:
        message = b"console 10.0.0.1 6379 10.0.0.2 6380"
        self.assertEqual(self.announced("+switch-master", message), [NEW])

    def test_a_replica_that_becomes_the_primary(self) -> None:
        message = b"slave 10.0.0.2:6380 10.0.0.2 6380 @ console 10.0.0.1 6379"
        self.assertEqual(self.announced("+promoted-slave", message), [NEW])

    def test_what_is_about_another_master_or_cannot_be_read(self) -> None:
        for channel, message in (
            ("+switch-master", b"other 10.0.0.1 6379 10.0.0.2 6380"),
            ("+switch-master", b"console 10.0.0.1 6379 10.0.0.2 x"),
            ("+switch-master", b"console 10.0.0.2 6380"),
            ("+switch-master", b""),
            ("+switch-master", b"\xff\xfe"),
            ("+promoted-slave", b"slave 10.0.0.2:6380 10.0.0.2 6380 @ other 10.0.0.1 6379"),
            ("+promoted-slave", b"console 10.0.0.1 6379 10.0.0.2 6380"),
            ("+sdown", b"console 10.0.0.1 6379 10.0.0.2 6380"),
        ):
            with self.subTest(channel=channel, message=message):
                self.assertEqual(self.announced(channel, message), [])


class ScriptedSentinel(Sentinel):
    """Answers what a test wants, and counts how often it was asked."""

    answer: Address | Exception | None = OLD
    asked = 0

    async def primary(self) -> Address | None:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class OrderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        settings = RedisSettings(sentinels=("s1", "s2", "s3"), master="console")
        self.primary = Sentinels(self.reactor, settings)
        self.asked = [
            ScriptedSentinel(self.reactor, settings.of_sentinel(text), "console", 1.0)
            for text in settings.sentinels
        ]
        self.primary._sentinels = list(self.asked)

    def first(self) -> Server:
        """Return the first server; it is taken for the primary."""

        async def take() -> Server:
            servers: AsyncIterator[Server] = self.primary.servers()
            async for server in servers:
                return server
            raise AssertionError("none")

        server: Server = self.successResultOf(Deferred.fromCoroutine(take()))
        return server

    def all(self) -> list[str]:
        """Return where all servers are; none is taken for the primary."""

        async def take() -> list[str]:
            return [server.address async for server in self.primary.servers()]

        addresses: list[str] = self.successResultOf(Deferred.fromCoroutine(take()))
        return addresses

    def counts(self) -> list[int]:
        return [each.asked for each in self.asked]

    def test_the_one_that_led_to_the_primary_is_asked_first(self) -> None:
        self.asked[0].answer = StoreUnavailable("away")

        self.assertEqual(self.first().address, "10.0.0.1:6379")
        self.first()
        self.first()

        self.assertEqual(self.counts(), [1, 3, 0])

    def test_one_that_did_not_is_asked_last(self) -> None:
        self.asked[1].answer = self.asked[2].answer = NEW
        self.assertEqual(self.all(), ["10.0.0.1:6379", "10.0.0.2:6380"])

        self.assertEqual(self.first().address, "10.0.0.2:6380")

    def test_why_there_is_none(self) -> None:
        self.asked[0].answer, self.asked[1].answer = None, StoreUnavailable("s2 is away")
        self.asked[2].answer = None
        error = self.failureResultOf(Deferred.fromCoroutine(self._next())).value
        self.assertEqual(
            str(error.detail),
            'no sentinel names the master "console": sentinel at s1:26379 does not know it; '
            "s2 is away; sentinel at s3:26379 does not know it",
        )

    async def _next(self) -> None:
        async for _ in self.primary.servers():
            pass

    def test_an_announcement_is_heard_once_and_its_sentinel_asked_first(self) -> None:
        self.first()
        moves: list[None] = []
        self.primary._followers.append(lambda: moves.append(None))
        self.asked[2].answer = NEW

        for sentinel in self.asked:
            self.primary._announced(sentinel, OLD)
        self.primary._announced(self.asked[2], NEW)
        self.primary._announced(self.asked[0], NEW)

        self.assertEqual(len(moves), 1)
        self.assertEqual(self.first().address, "10.0.0.2:6380")

    def test_only_most_of_them_are_believed_without_an_announcement(self) -> None:
        self.first()
        moves: list[None] = []
        self.primary._followers.append(lambda: moves.append(None))
        self.asked[2].answer = NEW
        self.primary._compare(self.asked[2])
        self.assertEqual(moves, [])

        self.asked[1].answer = NEW
        self.primary._compare(self.asked[2])
        self.assertEqual(len(moves), 1)
        self.assertEqual(self.first().address, "10.0.0.2:6380")
