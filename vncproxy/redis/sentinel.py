"""One sentinel: what it answers, and what it announces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from zope.interface import implementer

from ..addresses import is_dialable
from ..config.redis import RedisSettings
from ..errors import StoreUnavailable
from .channels import Channels, ISubscriber
from .diagnosis import OF_SENTINEL, REDIS_ERRORS, diagnose
from .dialler import Dialler
from .endpoint import FixedPrimary
from .protocol import Protocol

Address = tuple[str, int]
"""Host name or IP address, and port."""

SWITCHES = ("+switch-master", "+promoted-slave")
"""Channels of what is announced when there is another primary.

The sentinel that leads a failover announces the second one as soon as there is a new primary, and
all sentinels announce the first one when the other replicas follow it, some seconds later. The old
primary, if it lives, takes changes that will be lost until the sentinels demote it.
"""


class Sentinel:
    """A sentinel that is asked over a connection of its own, which is made when it is needed.

    Args:
        reactor: connects, resolves names and measures the time limit.
        settings: where the sentinel is.
        master: the name of the primary.
        time_limit: seconds for an answer, connecting included.
        trust: what `trusted` returned for the sentinels, where they speak TLS.
    """

    def __init__(
        self,
        reactor: Any,
        settings: RedisSettings,
        master: str,
        time_limit: float,
        trust: Any = None,
    ) -> None:
        self.address = settings.address
        self.host = settings.host
        self._reactor = reactor
        self._settings = settings
        self._master = master
        self._time_limit = time_limit
        self._server = FixedPrimary(reactor, settings, trust)
        self._dialler = Dialler(reactor, settings, self._server, lambda: None)
        self._lock = DeferredLock()
        self._protocol: Protocol | None = None

    async def primary(self) -> Address | None:
        """Return where the primary is, None where the sentinel does not know the name.

        Raises:
            StoreUnavailable: the sentinel does not answer, or not in a way that can be used.
        """
        answer = await self.ask("GET-MASTER-ADDR-BY-NAME", self._master)
        if answer is None:
            return None
        try:
            host, port = answer[0].decode(), int(answer[1])
        except (AttributeError, IndexError, TypeError, ValueError):
            host, port = "", 0
        if not (is_dialable(host) and 0 < port < 65536):
            raise StoreUnavailable(f"sentinel at {self.address} names no usable address")
        return host, port

    async def ask(self, *words: str) -> Any:
        """Return the answer to a command that begins with ``SENTINEL``.

        Raises:
            StoreUnavailable: the sentinel does not answer, or refuses.
        """
        asking = Deferred.fromCoroutine(self._ask(words)).addTimeout(
            self._time_limit, self._reactor
        )
        try:
            return await asking
        except REDIS_ERRORS as e:
            lost = None if self._protocol is None else self._protocol.lost
            what = diagnose(e, lost, OF_SENTINEL)
            raise StoreUnavailable(f"sentinel at {self.address} {what}") from e

    async def _ask(self, words: tuple[str, ...]) -> Any:
        async with self._lock:
            try:
                protocol = self._protocol
                if protocol is None or not protocol.connected:
                    protocol = await self._dialler.dial(self._make_protocol)
                return await protocol.execute_command("SENTINEL", *words)
            except (CancelledError, *REDIS_ERRORS):
                self._abort()
                raise

    def _make_protocol(self) -> Protocol:
        self._protocol = Protocol(self._reactor.seconds)
        return self._protocol

    async def disconnect(self) -> None:
        """End the connection; the next question makes a new one."""
        if self._protocol is not None and self._protocol.connected:
            gone: Deferred[object] = self._protocol.whenDisconnected()
            self._abort()
            await gone

    def _abort(self) -> None:
        if self._protocol is not None and self._protocol.connected:
            self._protocol.transport.abortConnection()

    def announcements(
        self, announced: Callable[[Address], None], subscribed: Callable[[], None]
    ) -> Channels:
        """Return a subscription to what it announces, which is not started yet.

        Args:
            announced: is called with the address of a new primary.
            subscribed: is called when that works from now on; earlier announcements may be lost.
        """
        owner = _Announcements(self._master, announced, subscribed)
        return Channels(
            self._reactor, self._settings, self._server, SWITCHES, owner, of_sentinel=True
        )


@implementer(ISubscriber)
class _Announcements:
    """Reads what a sentinel announces about one master."""

    def __init__(
        self,
        master: str,
        announced: Callable[[Address], None],
        subscribed: Callable[[], None],
    ) -> None:
        self._master = master
        self._announced = announced
        self.subscribed = subscribed

    def interrupted(self, reason: str) -> None:
        """Do nothing: the subscription logs it."""

    def message_received(self, channel: str, message: bytes) -> None:
        """Read a message.

        ``+switch-master``: master, old host, old port, new host, new port. ``+promoted-slave``:
        ``slave``, name, host, port, ``@``, master, host, port.
        """
        match channel, message.decode("utf-8", "replace").split():
            case "+switch-master", [master, _, _, host, port]:
                pass
            case "+promoted-slave", ["slave", _, host, port, "@", master, _, _]:
                pass
            case _:
                return
        if master == self._master and port.isdecimal():
            self._announced((host, int(port)))
