"""One connection to Redis for calls, made when it is needed; every operation ends in time.

txredisapi speaks the protocol. Its reconnecting handlers are not used: they queue commands for as
long as Redis is away, and give up for good when it once refuses a log-in. Here an operation dials
when there is no connection, and one that is not answered in time fails alone. When the server has
stopped answering, or is not the primary any more, new operations dial a new connection, and the
old one ends with the operations that use it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from ..config.redis import RedisSettings
from ..errors import StoreUnavailable
from .diagnosis import OF_MASTER, OF_REDIS, REDIS_ERRORS, diagnose, is_not_primary
from .dialler import Dialler
from .endpoint import IPrimary
from .operation import Operation
from .outage import OutageLog
from .primary import find_primary
from .protocol import Protocol
from .replicas import Replicas

__all__ = ["OnOperation", "Operation", "RedisLink"]

T = TypeVar("T")

MOST_UNANSWERED = 1000
"""Calls that may wait for their answers; with more, a slow server only falls behind."""

REDIAL_AFTER = 1.0
"""Seconds for which a connection is kept even to a server that is not the primary."""

OnOperation = Callable[[str, float, bool], object]
"""Called at the end of each operation: its name, its seconds, and whether it failed."""


class RedisLink:
    """A connection to Redis that comes back by itself.

    Args:
        reactor: connects, resolves names and measures the time limits.
        settings: where Redis is.
        primary: knows which server is the primary; what the settings say unless it is given.
        on_operation: is called at the end of each operation.
        outage: of another connection to the same Redis, so that an outage is logged once.

    Attributes:
        primary: for other connections to the same Redis, so that sentinels are asked by one only.

    Raises:
        ConfigurationError: a file of authorities cannot be used.
    """

    def __init__(
        self,
        reactor: Any,
        settings: RedisSettings,
        primary: IPrimary | None = None,
        on_operation: OnOperation = lambda name, seconds, failed: None,
        outage: OutageLog | None = None,
    ) -> None:
        self.settings = settings
        self._on_operation = on_operation
        self._reactor = reactor
        self.primary = primary or find_primary(reactor, settings)
        self._dialler = Dialler(reactor, settings, self.primary, self._moved)
        self._keys = OF_MASTER if settings.sentinels else OF_REDIS
        self._protocol: Protocol | None = None
        self._replicas: Replicas | None = None
        self._dialling: Deferred[Protocol] | None = None
        self._waiting: list[Deferred[Protocol]] = []
        self._left: set[Protocol] = set()
        self._closed = False
        self.outage = outage or OutageLog(f"redis at {settings.address}", reactor.seconds)

    @property
    def connection(self) -> Protocol | None:
        """The connection that the next operation uses, None where it has to make one.

        Another connection may lead to another server.
        """
        protocol = self._protocol
        return protocol if protocol is not None and protocol.connected else None

    async def run(self, work: Callable[[Operation], Awaitable[T]], name: str = "other") -> T:
        """Run an operation of one or more calls within the time limit.

        Args:
            name: the operation's name in the metrics, one of a few.

        Raises:
            StoreUnavailable: with what is wrong, and what to do about it, as detail.
        """
        operation, began, failed = self._operation(), self._reactor.seconds(), False
        try:
            result = await self._limited(operation, self._run_connected(operation, work))
        except StoreUnavailable as e:
            failed = not self._closed
            if failed:
                self.outage.report(e.detail)
            raise
        finally:
            self._on_operation(name, self._reactor.seconds() - began, failed)
        self.outage.recovered()
        return result

    @property
    def server(self) -> str:
        """Where it dialled last, and the name of the master where there is one; for messages."""
        master = self.settings.address if self.settings.sentinels else ""
        address = self._dialler.address
        return f"{address}, {master}" if master not in ("", address) else address

    async def sentinels(self) -> Sequence[tuple[str, str, str]]:
        """Return what each sentinel says: its address, a text, and advice where it needs some."""
        return await self.primary.reports()

    async def close(self) -> None:
        """Close the connection; operations under way fail, and no new one is made."""
        self._closed = True
        if self._dialling is not None:
            self._dialling.cancel()
        for protocol in list(self._left):
            self._drop(protocol)
        if self._protocol is not None and self._protocol.connected:
            gone: Deferred[object] = self._protocol.whenDisconnected()
            self._drop(self._protocol)
            await gone.addTimeout(self.settings.timeout, self._reactor, lambda *_: None)
        await self._dialler.close()

    async def _run_connected(
        self, operation: Operation, work: Callable[[Operation], Awaitable[T]]
    ) -> T:
        operation.protocol = protocol = self._usable() or await self._connected()
        operation.replicas = self._replicas
        protocol.operations += 1
        try:
            return await work(operation)
        finally:
            protocol.operations -= 1
            self._drop_if_left(protocol)

    def _usable(self) -> Protocol | None:
        """Return the connection if nothing has to be waited for, as nearly always."""
        protocol = self._protocol
        if protocol is None or not protocol.connected or self._closed:
            return None
        if protocol.unanswered >= MOST_UNANSWERED or protocol.stuck(self.settings.timeout):
            return None
        return protocol

    async def _connected(self) -> Protocol:
        """Return the connection; while it is made, operations wait for the same one."""
        if self._closed:
            raise self._unavailable("is not used any more")
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
            self._replicas = self._replicas_of(result)
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(result)

    def _replicas_of(self, protocol: Protocol) -> Replicas | None:
        """Return what waits for the replicas of a new connection; None where it is not to wait."""
        number, seconds = self.settings.wait_replicas, self.settings.wait_timeout
        return Replicas(protocol, number, seconds) if number else None

    async def _dial(self) -> Protocol:
        operation = self._operation()
        try:
            return await self._limited(operation, self._log_in(operation))
        except CancelledError as e:
            self._drop(operation.protocol)
            raise self._unavailable("is not used any more") from e
        except StoreUnavailable:
            self._drop(operation.protocol)
            raise

    async def _log_in(self, operation: Operation) -> Protocol:
        def new_protocol() -> Protocol:
            operation.protocol = Protocol(self._reactor.seconds)
            return operation.protocol

        return await self._dialler.dial(new_protocol)

    def _moved(self) -> None:
        """Leave a server that is not the primary any more."""
        if self._protocol is not None:
            self._leave(self._protocol)

    def _operation(self) -> Operation:
        now = self._reactor.seconds
        return Operation(now, now() + self.settings.timeout)

    async def _limited(self, operation: Operation, work: Coroutine[Any, Any, T]) -> T:
        result = Deferred.fromCoroutine(work)
        result.addTimeout(self.settings.timeout, self._reactor)
        try:
            return await result
        except REDIS_ERRORS as e:
            lost = operation.protocol.lost if operation.protocol is not None else None
            if operation.protocol is not None:
                await self._leave_if_useless(operation.protocol, e)
            raise self._unavailable(diagnose(e, lost, self._keys)) from e

    async def _leave_if_useless(self, protocol: Protocol, error: BaseException) -> None:
        """Leave a connection on which a call failed, where a new one may lead elsewhere."""
        if isinstance(error, defer.TimeoutError):
            await self._leave_if_stuck(protocol)
        elif is_not_primary(error) and self._age(protocol) >= REDIAL_AFTER:
            self._leave(protocol)

    def _age(self, protocol: Protocol) -> float:
        return float(self._reactor.seconds() - protocol.made_at)

    async def _leave_if_stuck(self, protocol: Protocol) -> None:
        """Leave a connection whose server has stopped answering.

        This process may be the late one, so what has arrived meanwhile is read first.
        """
        limit = self.settings.timeout
        if protocol is not self._protocol or not protocol.stuck(limit):
            return
        await deferLater(self._reactor, 0)
        if protocol is self._protocol and protocol.stuck(limit):
            self._leave(protocol)

    def _leave(self, protocol: Protocol) -> None:
        """Give a connection to no new operation; it ends with those that are under way."""
        if protocol is self._protocol:
            self._protocol = None
            self._left.add(protocol)
            self._drop_if_left(protocol)

    def _drop_if_left(self, protocol: Protocol) -> None:
        if protocol in self._left and not protocol.operations:
            self._drop(protocol)

    def _drop(self, protocol: Protocol | None) -> None:
        """End a connection, and drop what was not sent, so that it is not executed later."""
        if protocol is None:
            return
        self._left.discard(protocol)
        if protocol is self._protocol:
            self._protocol = None
        if protocol.connected:
            protocol.transport.abortConnection()

    def _unavailable(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"redis at {self._dialler.address} {what}")
