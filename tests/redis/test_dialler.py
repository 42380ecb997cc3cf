"""Which server is dialled, with servers in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError, succeed  # noqa: A004
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from vncproxy.config.redis import RedisSettings
from vncproxy.redis.diagnosis import NotPrimary
from vncproxy.redis.dialler import Dialler
from vncproxy.redis.endpoint import IPrimary, Server
from vncproxy.redis.protocol import Protocol

MASTER = b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
REPLICA = b"*2\r\n$5\r\nslave\r\n:0\r\n"


class Transport(StringTransportWithDisconnection):
    """A transport in memory with the options that a dialler sets."""

    on_write: Callable[[], object] = staticmethod(lambda: None)

    def write(self, data: bytes) -> None:
        super().write(data)
        self.on_write()

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass

    def setTcpKeepAlive(self, enabled: bool) -> None:
        pass


@implementer(IStreamClientEndpoint)
class Endpoint:
    """A server that gives one answer to everything; None for one that hangs."""

    def __init__(self, clock: Clock, answer: bytes | Exception | None) -> None:
        self._clock = clock
        self._answer = answer
        self.tries = 0
        self.transport = Transport()

    def connect(self, factory: Any) -> Deferred[Any]:
        self.tries += 1
        if isinstance(self._answer, Exception):
            raise self._answer
        protocol = factory.buildProtocol(None)
        self.transport = Transport()
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)
        if self._answer is not None:
            self.transport.on_write = lambda: self._clock.callLater(
                0, protocol.dataReceived, self._answer
            )
        return succeed(protocol)


@implementer(IPrimary)
class Opinions:
    """Names servers, one after the other."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.endpoints: Sequence[Endpoint] = endpoints
        self.moved: Callable[[], None]

    async def servers(self) -> AsyncIterator[Server]:
        for number, endpoint in enumerate(self.endpoints):
            yield Server(f"r{number}", endpoint, 1.0, announced=True)

    async def reports(self) -> Sequence[tuple[str, str, str]]:
        return ()

    def follow(self, moved: Callable[[], None]) -> Callable[[], Deferred[object]]:
        self.moved = moved
        return lambda: succeed(None)


class DiallerTests(SynchronousTestCase):
    def dial(self, *answers: bytes | Exception | None) -> Deferred[Protocol]:
        self.clock = Clock()
        self.endpoints = [Endpoint(self.clock, answer) for answer in answers]
        self.primary = Opinions(*self.endpoints)
        self.moves = 0
        self.dialler = Dialler(self.clock, RedisSettings(), self.primary, self.note_move)
        make = lambda: Protocol(self.clock.seconds)  # noqa: E731
        dialling = Deferred.fromCoroutine(self.dialler.dial(make))
        self.answer()
        return dialling

    def answer(self) -> None:
        """Let all servers answer that do."""
        self.clock.pump([0.0] * 4)

    def note_move(self) -> None:
        self.moves += 1

    def tries(self) -> list[int]:
        return [endpoint.tries for endpoint in self.endpoints]

    def test_the_first_one_that_is_a_primary(self) -> None:
        protocol = self.successResultOf(self.dial(MASTER, MASTER))
        self.assertTrue(protocol.connected)
        self.assertEqual((self.tries(), self.dialler.address), ([1, 0], "r0"))

    def test_the_next_one_where_the_first_cannot_be_used(self) -> None:
        for answer in (REPLICA, ConnectError(), b"-LOADING Redis is loading\r\n"):
            with self.subTest(answer=answer):
                self.successResultOf(self.dial(answer, MASTER))
                self.assertEqual((self.tries(), self.dialler.address), ([1, 1], "r1"))
                self.assertFalse(self.endpoints[0].transport.connected and answer is REPLICA)

    def test_the_next_one_where_the_first_hangs(self) -> None:
        dialling = self.dial(None, MASTER)
        self.assertNoResult(dialling)
        self.clock.advance(1.0)
        self.answer()
        self.successResultOf(dialling)
        self.assertFalse(self.endpoints[0].transport.connected)

    def test_none(self) -> None:
        self.failureResultOf(self.dial(ConnectError(), REPLICA), NotPrimary)
        hangs = self.dial(None)
        self.clock.advance(1.0)
        self.failureResultOf(hangs, TimeoutError)

    def test_another_primary_while_the_old_one_hangs(self) -> None:
        dialling = self.dial(None)
        old, new = self.endpoints[0], Endpoint(self.clock, MASTER)
        self.primary.endpoints = [new]

        self.primary.moved()
        self.answer()

        self.successResultOf(dialling)
        self.assertEqual((old.tries, new.tries, self.moves), (1, 1, 1))
        self.assertFalse(old.transport.connected)

    def test_one_that_is_given_up_leaves_no_connection(self) -> None:
        dialling = self.dial(None)
        dialling.addErrback(lambda _: None)
        dialling.cancel()
        self.assertFalse(self.endpoints[0].transport.connected)
