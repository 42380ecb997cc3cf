"""One connection to Redis, made when it is needed, on which every operation ends in time.

txredisapi speaks the protocol. Its reconnecting handlers are not used: they queue commands for as
long as Redis is away, and give up for good when it once refuses a log-in. Here an operation dials
when there is no connection. One that is not answered in time fails alone. A connection is left to
those who use it, and a new one dialled, when its server has stopped answering or is not in charge
any more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from ..errors import StoreUnavailable
from .diagnosis import FOREIGN, diagnose, serves_others
from .endpoint import RedisSettings, redis_endpoint
from .operation import Conversation, Protocol
from .outage import OutageLog

T = TypeVar("T")

MOST_UNANSWERED = 1000
"""Calls that may wait for their answers: with more, a server that is slow only falls behind."""

REDIAL_AFTER = 1.0
"""Seconds that a connection is kept even to a server that is not in charge; bounds the redials."""


class RedisLink:
    """A connection to Redis that comes back by itself.

    Args:
        reactor: connects, resolves names and measures the time limits.
        settings: where Redis is.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """

    def __init__(self, reactor: Any, settings: RedisSettings) -> None:
        self.settings = settings
        self._reactor = reactor
        self._endpoint = redis_endpoint(reactor, settings)
        self._protocol: Protocol | None = None
        self._dialling: Deferred[Protocol] | None = None
        self._waiting: list[Deferred[Protocol]] = []
        self._left: set[Protocol] = set()
        self._closed = False
        self._outage = OutageLog(f"redis at {settings}", reactor.seconds)

    async def run(self, work: Callable[[Conversation], Awaitable[T]]) -> T:
        """Run an operation of one or more calls within the time limit.

        Raises:
            StoreUnavailable: with what is wrong, and what to do about it, as detail.
        """
        talk = self._conversation()
        try:
            result = await self._limited(talk, self._converse(talk, work))
        except StoreUnavailable as e:
            if not self._closed:
                self._outage.began(e.detail)
            raise
        self._outage.over()
        return result

    async def close(self) -> None:
        """Let go of the connection; what still waits for it fails, and nothing dials any more."""
        self._closed = True
        if self._dialling is not None:
            self._dialling.cancel()
        for protocol in list(self._left):
            self._drop(protocol)
        if self._protocol is not None and self._protocol.connected:
            gone: Deferred[object] = self._protocol.whenDisconnected()
            self._drop(self._protocol)
            await gone.addTimeout(self.settings.timeout, self._reactor, lambda *_: None)

    async def _converse(
        self, talk: Conversation, work: Callable[[Conversation], Awaitable[T]]
    ) -> T:
        talk.protocol = protocol = await self._connected()
        protocol.operations += 1
        try:
            return await work(talk)
        finally:
            protocol.operations -= 1
            self._drop_if_left(protocol)

    async def _connected(self) -> Protocol:
        """Return the connection; those who ask while it is made wait for the same one."""
        if self._closed:
            raise self._unavailable("was let go of")
        if self._protocol is not None:
            await self._leave_if_stuck(self._protocol)
        if self._protocol is not None and self._protocol.connected:
            if self._protocol.unanswered >= MOST_UNANSWERED:
                raise self._unavailable(f"has not answered {MOST_UNANSWERED} calls yet")
            return self._protocol
        mine: Deferred[Protocol] = Deferred()
        self._waiting.append(mine)
        if self._dialling is None:
            self._dialling = Deferred.fromCoroutine(self._dial())
            self._dialling.addBoth(self._dialled)
        return await mine

    def _dialled(self, result: Protocol | Failure) -> None:
        self._dialling = None
        if isinstance(result, Protocol):
            self._protocol = result
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(result)

    async def _dial(self) -> Protocol:
        talk = self._conversation()
        try:
            return await self._limited(talk, self._log_in(talk))
        except CancelledError as e:
            self._drop(talk.protocol)
            raise self._unavailable("was let go of") from e
        except StoreUnavailable:
            self._drop(talk.protocol)
            raise

    async def _log_in(self, talk: Conversation) -> Protocol:
        settings = self.settings
        talk.protocol = await self._connect()
        if settings.username:
            await talk.command("AUTH", settings.username, settings.password)
        elif settings.password:
            await talk.command("AUTH", settings.password)
        if settings.db:
            await talk.command("SELECT", settings.db)
        return talk.protocol

    async def _connect(self) -> Protocol:
        factory = Factory.forProtocol(partial(Protocol, self._reactor.seconds))
        factory.noisy = False
        protocol = await self._endpoint.connect(factory)
        assert isinstance(protocol, Protocol)
        if not self.settings.path:
            protocol.transport.setTcpNoDelay(True)
            protocol.transport.setTcpKeepAlive(True)
        return protocol

    def _conversation(self) -> Conversation:
        now = self._reactor.seconds
        return Conversation(now, now() + self.settings.timeout)

    async def _limited(self, talk: Conversation, work: Coroutine[Any, Any, T]) -> T:
        operation = Deferred.fromCoroutine(work)
        operation.addTimeout(self.settings.timeout, self._reactor)
        try:
            return await operation
        except FOREIGN as e:
            lost = talk.protocol.lost if talk.protocol is not None else None
            if talk.protocol is not None:
                await self._judge(talk.protocol, e)
            raise self._unavailable(diagnose(e, lost)) from e

    async def _judge(self, protocol: Protocol, error: BaseException) -> None:
        """Leave a connection on which a call failed, where dialling anew may help."""
        if isinstance(error, defer.TimeoutError):
            await self._leave_if_stuck(protocol)
        elif serves_others(error) and self._age(protocol) >= REDIAL_AFTER:
            self._leave(protocol)

    def _age(self, protocol: Protocol) -> float:
        return float(self._reactor.seconds() - protocol.made_at)

    async def _leave_if_stuck(self, protocol: Protocol) -> None:
        """Leave a connection whose server has stopped answering.

        It is this process that may be late: what has arrived meanwhile is read first.
        """
        limit = self.settings.timeout
        if protocol is not self._protocol or not protocol.stuck(limit):
            return
        await deferLater(self._reactor, 0)
        if protocol is self._protocol and protocol.stuck(limit):
            self._leave(protocol)

    def _leave(self, protocol: Protocol) -> None:
        """Use a connection for nothing new; it ends with the operations that are under way."""
        if protocol is self._protocol:
            self._protocol = None
            self._left.add(protocol)
            self._drop_if_left(protocol)

    def _drop_if_left(self, protocol: Protocol) -> None:
        if protocol in self._left and not protocol.operations:
            self._drop(protocol)

    def _drop(self, protocol: Protocol | None) -> None:
        """End a connection with all that was not sent, so that it is not executed later."""
        if protocol is None:
            return
        self._left.discard(protocol)
        if protocol is self._protocol:
            self._protocol = None
        if protocol.connected:
            protocol.transport.abortConnection()

    def _unavailable(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"redis at {self.settings} {what}")
