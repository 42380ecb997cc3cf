"""The cluster as one process takes part in it: put together, started and stopped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..config.redis import RedisSettings
from ..errors import EndedByAdministrator, SessionEnded, StoreUnavailable, VNCProxyError
from ..interfaces import IMachineFinder, IProxies, ISessionRegistry
from ..model import Activity, Announcement, Ended, Identity, MachineHost, SessionFilter, VMAddress
from ..redis.endpoint import IPrimary
from ..redis.link import OnOperation, RedisLink
from ..redis.outage import OutageLog
from ..redis.subscription import ISubscriber, Subscription
from ..text import printable
from . import finding
from .differences import DifferenceLog
from .following import OrderStream
from .giving import OrderGiver
from .keys import ClusterKeys
from .obeying import Obedience
from .order import Kind, Order, UnknownOrder, decode
from .presence import Presence
from .publisher import SessionPublisher
from .repeating import LateOrders
from .sessions import ClusterSessions

LOOKED_UP_AT_ONCE = 500
"""Tokens that are looked up by one call."""

TUNNEL = b'"tunnel"'
"""What no answer to an order holds, and each message about a tunnel does."""

DRIVER = b'"driver"'
"""What each message about the driver of a machine holds."""

Revoked = Callable[[Collection[str]], Awaitable[frozenset[str]]]
"""Returns those of some tokens, by their ids, that are revoked; it may raise StoreUnavailable."""


Sight = Callable[[VMAddress], Awaitable[MachineHost | None]]
"""Returns the host of a machine, None for one that is not known; it may raise VNCProxyError."""


class LocalSessions(Protocol):
    """What the cluster has of the registry of this process, beside `ISessionRegistry`."""

    async def end_matching(self, why: SessionEnded, wanted: SessionFilter) -> int:
        """End the sessions that meet criteria; returns how many."""


@implementer(IMachineFinder, IProxies, ISubscriber)
class Cluster:
    """What one process does for all proxies, and knows of them.

    Args:
        identity: of this process.
        settings: where Redis is.
        local: the sessions of this process.
        describe: returns what this process is at the moment.
        revoked: looks tokens up when orders were lost.
        drain: lets this process take no new sessions; does not wait.
        reactor: connects and measures time.
        primary: knows which server is the primary; what the settings say unless it is given.
        on_operation: is called at the end of each operation on Redis.
        outage: of another connection to Redis, so that an outage is logged once.

    Attributes:
        keys: the names of keys.
        link: the connection for calls.
        presence: the announcement of this process, and those of others.
        publisher: an observer of the sessions of this process.
        sessions: the sessions of all proxies.
        orders: how many orders of others were carried out, by their kind.
        sight: tells other processes where a machine is, as far as this one knows.
        proxies: how many proxies there were at the last heartbeat; 0 in all but one process of a
            proxy.
        on_tunnel: is called with each message of another process about a tunnel between zones.
        on_beat: are called at each heartbeat.
        on_machine: is called with each notice about a machine with several sessions.
        on_driver: is called with each message about the driver of a machine.
        on_subscribed: is called when notices arrive again; earlier ones may be missing.
    """

    log = Logger()

    def __init__(
        self,
        identity: Identity,
        settings: RedisSettings,
        local: Any,
        describe: Callable[[], Announcement],
        revoked: Revoked,
        drain: Callable[[], object],
        reactor: Any,
        primary: IPrimary | None = None,
        on_operation: OnOperation = lambda name, seconds, failed: None,
        outage: OutageLog | None = None,
    ) -> None:
        self.orders = Counter[str]({kind.value: 0 for kind in Kind})
        self.proxies = 0
        self.sight: Sight = _knows_none
        self.on_tunnel: Callable[[bytes], object] = _ignore
        self.on_beat: list[Callable[[], object]] = []
        self.on_machine: Callable[[bytes], object] = _ignore
        self.on_driver: Callable[[bytes], object] = _ignore
        self.on_subscribed: Callable[[], object] = _nothing
        self.keys = self._keys = keys = ClusterKeys(settings.prefix)
        self.link = self._link = link = RedisLink(reactor, settings, primary, on_operation, outage)
        me = identity.worker_id
        self._identity = identity
        self._local: ISessionRegistry = local
        self._ending: LocalSessions = local
        self._revoked = revoked
        self._drain = drain
        self._obedience = Obedience(identity, local, self._begin_draining)
        self._stream = OrderStream(link, keys, self._take, self._end_revoked, reactor)
        self._giver = OrderGiver(identity, link, keys, self._obedience, reactor)
        channels = (keys.orders, keys.machines, keys.acks(me))
        self._subscription = Subscription(
            reactor, settings, channels, self, primary=link.primary, outage=link.outage
        )
        self._differences = DifferenceLog(reactor)
        self.presence = Presence(link, keys, describe, reactor)
        self.presence.on_heartbeat = self._on_heartbeat
        self.publisher = SessionPublisher(link, (keys.sessions(me), keys.changes), local, reactor)
        self.sessions = ClusterSessions(
            identity, local, link, keys, self.presence, self._giver, reactor
        )
        self._late = LateOrders(self._giver, self.presence, self.sessions, reactor)

    def start(self) -> None:
        """Announce this process, and obey orders from now on."""
        self._stream.start()
        self._subscription.start()
        self.presence.start()

    async def stop(self) -> None:
        """End the announcement, and close all connections."""
        self._stream.stop()
        self.publisher.stop()
        self._late.stop()
        await self._subscription.close()
        await self.presence.stop()
        await self._link.close()

    async def workers(self) -> Sequence[Announcement]:
        """Return the processes of all proxies, those of one proxy in a row."""
        return await self.presence.workers()

    async def activity(self) -> Activity:
        """Return these, and a mark that differs after each change of a session."""
        return await self.presence.activity()

    async def drain(self, proxy: str, by: str) -> Ended:
        """Let all processes of a proxy take no new sessions, and move or end those they have."""
        order = self._giver.new_order(Kind.DRAIN, SessionFilter(proxy=proxy), by=by)
        return await self._giver.give(order)

    def announce(self) -> None:
        """Announce this process now, since something about it has changed."""
        announcing = Deferred.fromCoroutine(self.presence.announce())
        announcing.addErrback(lambda why: why.trap(StoreUnavailable))

    async def find_machine(self, vm: VMAddress) -> Sequence[MachineHost]:
        """Return the host of a machine as each other process knows it."""
        return await self._giver.find(self._giver.new_order(Kind.FIND, SessionFilter(vm=vm)))

    def replace(self, name: str, by: str, why: str) -> None:
        """End a session of another process, since another one has taken its place.

        Args:
            name: ``<worker id>/<session id>``.
            by: the new session, for the log.
            why: the code of the reason.
        """
        worker_id, _, replaced = name.partition("/")
        wanted = SessionFilter(ids=frozenset({replaced}))
        order = self._giver.new_order(Kind.END, wanted, reason=why, by=by, worker=worker_id)
        giving = Deferred.fromCoroutine(self._giver.give(order))
        giving.addErrback(self._not_replaced, name)

    def _not_replaced(self, failure: Failure, name: str) -> None:
        failure.trap(StoreUnavailable)
        self.log.warn(
            "session {session}, whose place another one has taken, may go on: {why}",
            session=name,
            why=str(failure.value),
        )

    def _begin_draining(self) -> None:
        """Take no new sessions, and let others know at once."""
        self._drain()
        self.announce()

    @property
    def unconfirmed(self) -> int:
        """How many processes did not confirm an order of this one in time."""
        return self._giver.unconfirmed

    @property
    def gaps(self) -> int:
        """How many times orders may have been lost."""
        return self._stream.gaps

    def refusal(self) -> VNCProxyError | None:
        """Return why no session may begin now: orders may have been missed; None when it may."""
        return self._stream.refusal()

    def subscribed(self) -> None:
        """Read the orders that were given meanwhile."""
        self._stream.subscribed()
        self.on_subscribed()

    def interrupted(self, reason: str) -> None:
        """Let no session begin until orders are read again."""
        self._stream.interrupted()

    def message_received(self, channel: str, message: bytes) -> None:
        """Take a wake-up, or the answer to an order."""
        if channel == self._keys.orders:
            self._stream.read()
        elif channel == self._keys.machines:
            self.on_machine(message)
        elif DRIVER in message:
            self.on_driver(message)
        elif TUNNEL in message:
            self.on_tunnel(message)
        else:
            self._giver.confirmed(message)

    async def tell(self, worker_id: str, message: str) -> bool:
        """Send a message about a tunnel to another process; returns whether there is one.

        Raises:
            StoreUnavailable: it was not sent.
        """
        channel = self._keys.acks(worker_id)
        receivers = await self._link.run(
            lambda redis: redis.command("PUBLISH", channel, message), "ask_for_tunnel"
        )
        return bool(receivers)

    def local_address(self) -> str:
        """Return this machine's address of the connection to Redis; empty where there is none."""
        connection = self._link.connection
        return "" if connection is None else str(connection.transport.getHost().host)

    async def _on_heartbeat(self, written: int) -> None:
        for each in self.on_beat:
            each()
        self._stream.read()
        await self.publisher.check(written)
        self._late.begin_repeating()
        if self._identity.worker <= 1:  # one process of each proxy
            workers = await self.presence.workers()
            self.proxies = len({each.identity.proxy_id for each in workers})
            self._differences.check(workers)

    async def _take(self, entry: str, text: bytes) -> None:
        """Carry out an order from the stream, and confirm it."""
        try:
            order = decode(text)
            if order.giver == self._identity.worker_id or not self._obedience.concerns(order):
                return
            self.orders[order.kind.value] += 1
            if order.kind in (Kind.FIND, Kind.CHANGE):
                self._begin_beside(order)
                return
            self._confirm(order.id, order.giver, await self._obedience.answer(order))
        except UnknownOrder as e:
            what, order_id, giver = e.args
            self._log_skipped(entry, what)
            if giver != self._identity.worker_id:
                self._confirm(order_id, giver, {"ended": 0, "unknown": True})
        except ValueError as e:
            self._log_skipped(entry, str(e))
        except CancelledError:  # reading ends
            raise
        except Exception:  # noqa: BLE001 one order must not keep the next ones from being read
            self.log.failure("order {entry} was not carried out", entry=entry)

    def _begin_beside(self, order: Order) -> None:
        """Begin to carry out an order that takes a while; the next ones do not wait for it."""
        obey = self._find_here if order.kind is Kind.FIND else self._change_here
        begun = Deferred.fromCoroutine(obey(order))
        begun.addErrback(
            lambda why: self.log.failure("order {order} was not carried out", why, order=order.id)
        )

    async def _change_here(self, order: Order) -> None:
        """Change what the user of a session may do, and answer."""
        self._confirm(order.id, order.giver, {"ended": 0, **await self._obedience.change(order)})

    async def _find_here(self, order: Order) -> None:
        answer: dict[str, object] = {"ended": 0}
        try:
            found = await self.sight(order.wanted.vm) if order.wanted.vm else None
            answer |= {"found": finding.encode(found)} if found is not None else {}
        except VNCProxyError as e:
            self.log.debug("{vm} is not known here: {why}", vm=order.wanted.vm, why=e)
        self._confirm(order.id, order.giver, answer)

    def _log_skipped(self, entry: str, why: str) -> None:
        self.log.warn(
            "order {entry} in redis is skipped: {why}", entry=entry, why=printable(why, 200)
        )

    def _confirm(self, order_id: str, giver: str, answer: dict[str, object]) -> None:
        """Answer the giver of an order, if it waits for an answer."""
        if not giver:
            return
        me = self._identity.worker_id
        text = json.dumps({"order": order_id, "worker": me, **answer})
        channel = self._keys.acks(giver)
        sending = Deferred.fromCoroutine(
            self._link.run(lambda redis: redis.command("PUBLISH", channel, text), "confirm_order")
        )
        sending.addErrback(lambda why: why.trap(StoreUnavailable))

    async def _end_revoked(self) -> None:
        """End the sessions whose token is revoked, when the order to do so may be lost."""
        tokens = sorted({each.token_id for each in await self._local.list()} - {""})
        for at in range(0, len(tokens), LOOKED_UP_AT_ONCE):
            revoked = await self._revoked(tokens[at : at + LOOKED_UP_AT_ONCE])
            if revoked:
                why = EndedByAdministrator("its token was revoked")
                await self._ending.end_matching(why, SessionFilter(tokens=revoked))


async def _knows_none(vm: VMAddress) -> MachineHost | None:
    """Return nothing: no backend was given that knows machines."""
    return None


def _ignore(_: object) -> None:
    """Do nothing."""


def _nothing() -> None:
    """Do nothing."""
