"""Receives what a server publishes on some channels, over a connection that comes back by itself.

A server keeps nothing for a subscriber that is away, so the owner is called at each interruption
and each new beginning: what was published between the two is lost, and has to be read elsewhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import txredisapi
from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Interface

from ..config.redis import RedisSettings
from ..errors import StoreUnavailable
from .diagnosis import OF_MASTER, OF_REDIS, OF_SENTINEL, REDIS_ERRORS, PrimaryMoved, diagnose
from .dialler import Dialler
from .endpoint import IPrimary
from .outage import OutageLog

KEEPALIVE = 5.0
"""Seconds between two pings."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two attempts to connect; each pause is twice the last one, half of it random."""


class ISubscriber(Interface):
    """Receives what a subscription delivers. Its methods must not fail."""

    def subscribed() -> None:
        """Called when messages arrive from now on; earlier ones may have been lost.

        The first time is included.
        """

    def interrupted(reason: str) -> None:  # noqa: N805
        """Called when no messages arrive until `subscribed` is called again.

        Once for each call of `subscribed`, unless the subscription is closed.

        Args:
            reason: a sentence for the log.
        """

    def message_received(channel: str, message: bytes) -> None:  # noqa: N805
        """Take one message, in the order of their publication in each channel."""


class SubscriberProtocol(txredisapi.SubscriberProtocol):  # type: ignore[misc]
    """A connection that hands messages on, and counts what it receives.

    Attributes:
        received: number of messages and answers.
        lost: why the connection ended, once it has.
        closed: fires when it has ended.
        on_lost: is called when it ends, before ``closed`` fires.
    """

    def __init__(self, on_message: Callable[[str, bytes], None]) -> None:
        super().__init__(charset=None, convertNumbers=False)
        self.received = 0
        self.lost: BaseException | None = None
        self.closed: Deferred[None] = Deferred()
        self.on_lost: Callable[[], object] = _nothing
        self._on_message = on_message

    def replyReceived(self, reply: Any) -> None:
        """Take a message or an answer."""
        self.received += 1
        super().replyReceived(reply)

    def messageReceived(self, pattern: bytes | None, channel: bytes, message: bytes) -> None:
        """Hand a message on."""
        self._on_message(channel.decode("utf-8", "replace"), message)

    def connectionLost(self, reason: Failure) -> None:
        """Fail the calls that wait."""
        self.lost = self.lost or reason.value
        super().connectionLost(reason)
        self.on_lost()
        self.closed.callback(None)


class Channels:
    """Keeps a connection subscribed to some channels, from `start` to `close`.

    Args:
        reactor: connects, resolves names and measures time.
        settings: of the server; ``timeout`` limits connecting, and the answer to a ping.
        primary: knows where the server is, for each connection.
        channels: their full names.
        owner: takes the messages.
        of_sentinel: whether the server is a sentinel.
        keepalive: seconds between two pings.
        spread: returns a number from 0 to 1, so that many proxies do not come back at once.
        outage: of another connection to the same server, so that an outage is logged once.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: RedisSettings,
        primary: IPrimary,
        channels: Sequence[str],
        owner: ISubscriber,
        *,
        of_sentinel: bool = False,
        keepalive: float = KEEPALIVE,
        spread: Callable[[], float] = random.random,
        outage: OutageLog | None = None,
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._channels = tuple(channels)
        self._owner = owner
        self._dialler = Dialler(reactor, settings, primary, self._moved)
        self._keepalive = keepalive
        self._spread = spread
        self._kind = "sentinel" if of_sentinel else "redis"
        self._keys = OF_SENTINEL if of_sentinel else OF_MASTER if settings.sentinels else OF_REDIS
        self._outage = outage or OutageLog(
            f"the subscription to {self._kind} at {settings.address}", reactor.seconds
        )
        self._running: Deferred[None] | None = None
        self._protocol: SubscriberProtocol | None = None
        self._pause = SHORTEST_PAUSE
        self._end_pause: Callable[[], object] = _nothing
        self._closed = False

    def start(self) -> None:
        """Connect, and connect again whenever the connection ends."""
        assert self._running is None, "a subscription is started once"
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(self._failed)

    async def try_once(self) -> None:
        """Connect, subscribe, and end the connection, instead of `start`.

        Raises:
            StoreUnavailable: that does not work.
        """
        try:
            await self._subscribe_in_time()
        finally:
            await self._disconnect()
            await self._dialler.close()

    async def close(self) -> None:
        """End the connection; after this, the owner's methods are not called any more."""
        self._closed = True
        if self._running is not None:
            self._running.cancel()
            await self._running
        await self._dialler.close()

    async def _run(self) -> None:
        while not self._closed:
            try:
                await self._serve_one_connection()
            except StoreUnavailable as e:
                if self._closed:
                    return
                self._outage.report(e.detail)
            await self._pause_or_move()
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _pause_or_move(self) -> None:
        """Wait before another attempt, but not when there is another primary."""
        pause = Deferred[None]()
        timer = self._reactor.callLater(
            self._pause * (1 + self._spread()) / 2, pause.callback, None
        )
        self._end_pause = partial(pause.callback, None)
        try:
            await pause
        finally:
            self._end_pause = _nothing
            if timer.active():
                timer.cancel()

    def _moved(self) -> None:
        """Leave a server that is not the primary any more."""
        if self._protocol is not None and self._protocol.connected:
            self._protocol.lost = PrimaryMoved()
            self._protocol.transport.abortConnection()
        self._pause = SHORTEST_PAUSE
        end_pause, self._end_pause = self._end_pause, _nothing
        end_pause()

    async def _serve_one_connection(self) -> None:
        """Connect, subscribe, and receive until the connection ends.

        Raises:
            StoreUnavailable: why it ended.
        """
        try:
            protocol = await self._subscribe_in_time()
            self._owner.subscribed()
            self._outage.recovered()
            self._pause = SHORTEST_PAUSE
            while await self._is_alive(protocol):
                pass
            error = self._interruption(protocol)
            self._owner.interrupted(error.detail)
            raise error
        finally:
            await self._disconnect()

    async def _disconnect(self) -> None:
        last, self._protocol = self._protocol, None
        if last is not None and last.connected:
            last.transport.abortConnection()
            await last.closed

    async def _subscribe_in_time(self) -> SubscriberProtocol:
        subscribing = Deferred.fromCoroutine(self._subscribe())
        subscribing.addTimeout(self._settings.timeout, self._reactor)
        try:
            return await subscribing
        except REDIS_ERRORS as e:
            lost = None if self._protocol is None else self._protocol.lost
            raise self._unavailable(diagnose(e, lost, self._keys)) from e

    async def _subscribe(self) -> SubscriberProtocol:
        protocol = await self._dialler.dial(self._make_protocol)
        for channel in self._channels:  # one by one: txredisapi expects one answer to a call
            await protocol.subscribe(channel)
        return protocol

    def _make_protocol(self) -> SubscriberProtocol:
        self._protocol = SubscriberProtocol(self._owner.message_received)
        return self._protocol

    async def _is_alive(self, protocol: SubscriberProtocol) -> bool:
        """Wait, send a ping, and tell whether anything was received within the time limit.

        This process may be the late one, so what has arrived meanwhile is read first.
        """
        await self._wait(self._keepalive, protocol)
        if not protocol.connected:
            return False
        before = protocol.received
        protocol.execute_command("PING").addErrback(lambda why: why.trap(*REDIS_ERRORS))
        await self._wait(self._settings.timeout, protocol)
        await deferLater(self._reactor, 0)
        return bool(protocol.connected) and protocol.received > before

    async def _wait(self, seconds: float, protocol: SubscriberProtocol) -> None:
        """Wait for some time, or until the connection ends."""
        if not protocol.connected:
            return
        woken: Deferred[None] = Deferred()
        timer = self._reactor.callLater(seconds, woken.callback, None)
        protocol.on_lost = partial(woken.callback, None)
        try:
            await woken
        finally:
            protocol.on_lost = _nothing
            if timer.active():
                timer.cancel()

    def _interruption(self, protocol: SubscriberProtocol) -> StoreUnavailable:
        error = TimeoutError() if protocol.connected else txredisapi.ConnectionError()
        return self._unavailable(diagnose(error, protocol.lost, self._keys))

    def _unavailable(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"{self._kind} at {self._dialler.address} {what}")

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("the subscription to redis has failed", failure)


def _nothing() -> None:
    pass
