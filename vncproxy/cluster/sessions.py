"""The sessions of all proxies: those of this process, and those that others wrote to Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from heapq import merge
from operator import itemgetter
from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from ..errors import SessionEnded, VNCProxyError
from ..interfaces import ISessionRegistry
from ..model import (
    ANY_SESSION,
    Announcement,
    Changed,
    Decided,
    Decision,
    Ended,
    Identity,
    Messaged,
    Mode,
    SessionFilter,
    SessionInfo,
    VMAddress,
)
from ..pacing import Pace
from ..redis.link import RedisLink
from ..text import printable
from . import announcements, records, scripts
from .giving import OrderGiver
from .keys import ClusterKeys
from .order import Kind
from .presence import Presence

Place = tuple[str, Callable[[], SessionInfo | None]]
"""The cursor of a session, and a function that returns it; None where it is malformed."""

Lists = list[Iterable[Place]]


def _accepts(
    wanted: SessionFilter, allows: Callable[[VMAddress], bool] | None, session: SessionInfo
) -> bool:
    if not wanted.accepts(session):
        return False
    return allows is None or (session.vm is not None and allows(session.vm))


def _itself(session: SessionInfo) -> SessionInfo:
    return session


@implementer(ISessionRegistry)
class ClusterSessions:
    """The sessions of all proxies.

    Args:
        identity: of this process.
        local: the sessions of this process, which are always up to date.
        link: the connection for calls.
        keys: the names of keys.
        presence: which other processes there are.
        giver: ends sessions of other processes.
        reactor: a clock.
    """

    log = Logger()

    def __init__(
        self,
        identity: Identity,
        local: ISessionRegistry,
        link: RedisLink,
        keys: ClusterKeys,
        presence: Presence,
        giver: OrderGiver,
        reactor: Any,
    ) -> None:
        self._identity = identity
        self._local = local
        self._link = link
        self._keys = keys
        self._presence = presence
        self._giver = giver
        self._reactor = reactor

    def refusal(self) -> VNCProxyError | None:
        """Return why this process would refuse a new session now; None when it would not."""
        return self._local.refusal()

    async def list(
        self,
        wanted: SessionFilter = ANY_SESSION,
        *,
        allows: Callable[[VMAddress], bool] | None = None,
        limit: int | None = None,
        after: str = "",
    ) -> Sequence[SessionInfo]:
        """Return the sessions that meet all criteria, oldest first."""
        found: list[SessionInfo] = []
        await self.visit(found.append, wanted, allows=allows, limit=limit, after=after)
        return found

    async def visit(
        self,
        take: Callable[[SessionInfo], object],
        wanted: SessionFilter = ANY_SESSION,
        *,
        allows: Callable[[VMAddress], bool] | None = None,
        limit: int | None = None,
        after: str = "",
    ) -> None:
        """Call a function with each of these sessions."""
        here = await self._local.list(wanted, allows=allows, limit=limit, after=after)
        lists: Lists = [[(session.cursor, partial(_itself, session)) for session in here]]
        for worker in await self._other_workers(wanted.proxy):
            lists.append(await self._of_worker(worker, wanted, after))
        await self._take_first(take, lists, partial(_accepts, wanted, allows), limit)

    async def _take_first(
        self,
        take: Callable[[SessionInfo], object],
        lists: Iterable[Iterable[Place]],
        accepts: Callable[[SessionInfo], bool],
        limit: int | None,
    ) -> None:
        """Take the first sessions of several lists, each of which is in order."""
        pace, taken = Pace(self._reactor), 0
        for _, read in merge(*lists, key=itemgetter(0)):
            if limit is not None and taken >= limit:
                break
            await pace.step()
            session = read()
            if session is not None and accepts(session):
                take(session)
                taken += 1

    async def of_machine(self, vm: VMAddress) -> Sequence[SessionInfo]:
        """Return the sessions of a machine, oldest first."""
        keys, me = self._keys, self._identity.worker_id
        args = keys.session_lists, keys.announcements
        sets = [keys.live(f"vm:{vm}"), keys.live(f"joined:{vm}")]
        now, lines = await self._link.run(
            lambda redis: redis.query(scripts.SESSIONS_OF_MACHINE, sets, *args),
            "sessions_of_machine",
        )
        found, words = list(await self._local.of_machine(vm)), iter(lines.split(b"\n"))
        for worker, announcement, text in zip(words, words, words, strict=False):
            worker_id = worker.decode("utf-8", "replace")
            session = self._read_of(worker_id, announcement, text, now)
            if worker_id != me and session is not None and session[0].vm == vm:
                found.append(session[0])
        return sorted(found, key=lambda session: session.cursor)

    async def get(self, session_id: str) -> SessionInfo | None:
        """Return one session; None when there is none with this id."""
        here = await self._local.get(session_id)
        if here is not None:
            return here
        found = await self._find(session_id)
        return found[0] if found else None

    async def end(self, session_id: str, why: SessionEnded, by: str = "") -> Ended:
        """End one session, if there is one with this id."""
        if ended := await self._local.end(session_id, why, by):
            return ended
        found = await self._find(session_id)
        if found is None:
            return Ended(0)
        wanted = SessionFilter(ids=frozenset({session_id}))
        return await self._end(wanted, why, by, found[1].identity.worker_id)

    async def change(self, session_id: str, mode: Mode, by: str = "") -> Changed:
        """Change what the user of a session may do, if there is one with this id."""
        changed: Changed = await self._local.change(session_id, mode, by)
        found = None if changed.known else await self._find(session_id)
        if found is None:
            return changed
        wanted, worker = SessionFilter(ids=frozenset({session_id})), found[1].identity.worker_id
        order = self._giver.new_order(Kind.CHANGE, wanted, by=by, worker=worker, mode=mode)
        return await self._giver.change(order)

    async def decide(self, session_id: str, decision: Decision) -> Decided | None:
        """Take an approver's decision about one session; None where there is none with this id."""
        if (decided := await self._local.decide(session_id, decision)) is not None:
            return decided
        found = await self._find(session_id)
        if found is None:
            return None
        wanted, worker = SessionFilter(ids=frozenset({session_id})), found[1].identity.worker_id
        order = self._giver.new_order(Kind.DECIDE, wanted, by=decision.approver, worker=worker)
        return await self._giver.decide(replace(order, decision=decision))

    async def message(self, session_id: str, text: str, by: str = "") -> Messaged:
        """Show a text to the user of one session, if there is one with this id."""
        messaged: Messaged = await self._local.message(session_id, text, by)
        found = None if messaged.known else await self._find(session_id)
        if found is None:
            return messaged
        wanted, worker = SessionFilter(ids=frozenset({session_id})), found[1].identity.worker_id
        order = self._giver.new_order(Kind.MESSAGE, wanted, by=by, worker=worker)
        return await self._giver.message(replace(order, text=text))

    async def end_where(self, why: SessionEnded, wanted: SessionFilter, by: str = "") -> Ended:
        """End the sessions that meet all criteria."""
        return await self._end(wanted, why, by)

    async def _end(
        self, wanted: SessionFilter, why: SessionEnded, by: str, worker: str = ""
    ) -> Ended:
        order = self._giver.new_order(Kind.END, wanted, reason=why.code, by=by, worker=worker)
        return await self._giver.give(order)

    async def _other_workers(self, proxy: str | None) -> Iterable[Announcement]:
        """Return the other processes of a proxy, or of all; without Redis where there are none."""
        me = self._identity
        if proxy == me.proxy_id and not me.worker:
            return ()
        return [
            each
            for each in await self._presence.workers()
            if each.identity.worker_id != me.worker_id
            and proxy in (None, each.identity.proxy_id, each.identity.name)
        ]

    async def of_worker(self, worker: Announcement, wanted: SessionFilter) -> Sequence[SessionInfo]:
        """Return those sessions of another process that meet criteria."""
        places = await self._of_worker(worker, wanted, "")
        found = [session for _, read in places if (session := read()) is not None]
        return [session for session in found if wanted.accepts(session)]

    async def _of_worker(
        self, worker: Announcement, wanted: SessionFilter, after: str
    ) -> Iterator[Place]:
        """Return the sessions that a process has written and that may meet criteria, in order.

        They are kept as they were written until they are read: many thousand objects would let the
        collector of garbage stop the process for a tenth of a second.
        """
        key, pace = self._keys.sessions(worker.identity.worker_id), Pace(self._reactor)
        now, lines = await self._link.run(
            lambda redis: redis.query(scripts.READ_SESSIONS, [key]), "list_sessions"
        )
        texts, places = records.texts_of(wanted), []
        for line in lines.split(b"\n") if lines else ():
            await pace.step()
            if all(text in line for text in texts):
                place = records.cursor(line)
                if place > after:
                    places.append((place, line))
        places.sort()
        return ((place, partial(self._read, line, worker, now)) for place, line in places)

    async def _find(self, session_id: str) -> tuple[SessionInfo, Announcement] | None:
        """Return a session of another process, and the process; None when there is none."""
        keys, args = self._keys, (self._keys.session_lists, session_id, self._keys.announcements)
        now, *found = await self._link.run(
            lambda redis: redis.query(scripts.FIND_SESSION, [keys.workers], *args), "find_session"
        )
        if not found:
            return None
        text, worker_id, announcement = found
        return self._read_of(worker_id.decode("utf-8", "replace"), announcement, text, now)

    def _read_of(
        self, worker_id: str, announcement: bytes, text: bytes, now: int
    ) -> tuple[SessionInfo, Announcement] | None:
        """Return a session and its process; None where one of them is malformed."""
        try:
            worker = announcements.decode(worker_id, announcement)
        except ValueError:
            return None
        session = self._read(text, worker, now)
        return (session, worker) if session else None

    def _read(self, text: bytes, worker: Announcement, now: int) -> SessionInfo | None:
        try:
            return records.read(records.parse(text), worker, now)
        except ValueError as e:
            self._log_malformed(worker, e)
            return None

    def _log_malformed(self, worker: Announcement, error: ValueError) -> None:
        self.log.warn(
            "a session of proxy {proxy} in redis cannot be read: {why}",
            proxy=printable(worker.identity.name),
            why=printable(str(error), 200),
        )
