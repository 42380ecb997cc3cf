"""One connection to Redis, made when it is needed, on which every operation ends in time.

txredisapi speaks the protocol. Its reconnecting handlers are not used: they queue commands for as
long as Redis is away, and give up for good when it once refuses a log-in. Here an operation dials
when there is no connection, and one that is not answered in time takes its connection with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from ..errors import StoreUnavailable
from .conversation import Conversation, Protocol
from .diagnosis import FOREIGN, diagnose
from .endpoint import RedisSettings, redis_endpoint

T = TypeVar("T")


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
        self._closed = False

    async def run(self, work: Callable[[Conversation], Awaitable[T]]) -> T:
        """Run an operation of one or more calls within the time limit.

        Raises:
            StoreUnavailable: with what is wrong, and what to do about it, as detail.
        """
        talk = self._conversation()
        return await self._limited(talk, self._converse(talk, work))

    async def close(self) -> None:
        """Let go of the connection; what still waits for it fails, and nothing dials any more."""
        self._closed = True
        if self._dialling is not None:
            self._dialling.cancel()
        if self._protocol is not None and self._protocol.connected:
            gone: Deferred[object] = self._protocol.whenDisconnected()
            self._drop(self._protocol)
            await gone.addTimeout(self.settings.timeout, self._reactor, lambda *_: None)

    async def _converse(
        self, talk: Conversation, work: Callable[[Conversation], Awaitable[T]]
    ) -> T:
        talk.protocol = await self._connected()
        return await work(talk)

    async def _connected(self) -> Protocol:
        """Return the connection; those who ask while it is made wait for the same one."""
        if self._closed:
            raise self._unavailable("was let go of")
        if self._protocol is not None and self._protocol.connected:
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
        factory = Factory.forProtocol(Protocol)
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
            if isinstance(e, defer.TimeoutError):
                self._drop(talk.protocol)
            raise self._unavailable(diagnose(e, lost)) from e

    def _drop(self, protocol: Protocol | None) -> None:
        """End a connection with all that was not sent, so that it is not executed later."""
        if protocol is None:
            return
        if protocol is self._protocol:
            self._protocol = None
        if protocol.connected:
            protocol.transport.abortConnection()

    def _unavailable(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"redis at {self.settings} {what}")
