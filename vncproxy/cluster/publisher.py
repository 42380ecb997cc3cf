"""Writes the sessions of this process to Redis, in batches."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from itertools import islice
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import StoreUnavailable, VNCProxyError
from ..interfaces import ISessionObserver
from ..model import SessionInfo
from ..redis.link import Operation, RedisLink
from . import scripts
from .keys import LEASE
from .records import encode

DELAY = 0.1
"""Seconds for which changes are collected."""

AT_ONCE = 200
"""Sessions that are written, and removed, by one call."""

REFRESH_ALL = 12
"""Heartbeats within which each session is written again, if bytes were moved."""


class LocalSessions(Protocol):
    """The sessions of this process, as far as they are written."""

    def get(self, session_id: str) -> Awaitable[SessionInfo | None]:
        """Return one session."""

    def list(self) -> Awaitable[Sequence[SessionInfo]]:
        """Return all sessions."""


@implementer(ISessionObserver)
class SessionPublisher:
    """Keeps the sessions of this process in Redis as they are.

    What cannot be written is written at the first heartbeat after Redis is back, everything anew.

    Args:
        link: the connection for calls.
        keys: of the sessions of this process, and of the count of changes.
        sessions: what to write.
        reactor: a clock.
    """

    log = Logger()

    def __init__(
        self, link: RedisLink, keys: Sequence[str], sessions: LocalSessions, reactor: Any
    ) -> None:
        self._link = link
        self._keys = keys
        self._sessions = sessions
        self._reactor = reactor
        self._changed: dict[str, None] = {}
        self._gone: dict[str, None] = {}
        self._written: dict[str, int] = {}
        self._anew = False
        self._differed = False
        self._writing: Deferred[None] | None = None

    def known(self, session_id: str) -> None:
        """Write a session of which more is known now, such as whose it is."""
        self._changed[session_id] = None
        self._write_soon()

    def opened(self, session: SessionInfo) -> None:
        """Write a session that opened."""
        self.known(session.id)

    def changed(self, session: SessionInfo, by: str) -> None:
        """Write a session whose mode has changed."""
        self.known(session.id)

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        """Remove a session that did not open."""
        self._forget(session.id)

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """Remove a session that ended."""
        self._forget(session.id)

    def stop(self) -> None:
        """Write nothing more."""
        if self._writing is not None:
            self._writing.cancel()

    async def check(self, written: int) -> None:
        """Refresh what Redis has; write everything anew where it is not what was written.

        Args:
            written: number of sessions of this process that Redis has.
        """
        idle = self._writing is None
        differs = idle and written != len(self._written)
        if self._anew or (differs and self._differed):
            await self._begin_anew()
        self._differed = differs
        count = -(-len(self._written) // REFRESH_ALL)
        for session_id in list(islice(self._written, count)):
            moved = self._written.pop(session_id)  # the next heartbeat goes on with others
            self._written[session_id] = moved
            session = await self._sessions.get(session_id)
            if session is not None and _moved(session) != moved:
                self._changed[session_id] = None
        self._write_soon()

    def _forget(self, session_id: str) -> None:
        self._changed.pop(session_id, None)
        self._gone[session_id] = None
        self._write_soon()

    def _write_soon(self) -> None:
        if self._writing is None and (self._changed or self._gone):
            self._writing = Deferred.fromCoroutine(self._write())
            self._writing.addErrback(self._failed).addBoth(self._write_ended)

    def _write_ended(self, _: object) -> None:
        self._writing = None

    async def _begin_anew(self) -> None:
        """Let everything be written again; what changes while the list is made is added to it."""
        self._anew = True
        self._written.clear()
        for session in await self._sessions.list():
            self._changed[session.id] = None
        if not self._changed:
            self._gone[""] = None  # so that the old ones are removed

    async def _write(self) -> None:
        await deferLater(self._reactor, DELAY)
        while self._changed or self._gone:
            changed, gone = _take(self._changed), _take(self._gone)
            try:
                await self._write_batch(changed, gone)
            except StoreUnavailable:  # the link has logged it
                self._anew = True
                self._changed.clear()
                self._gone.clear()
                return

    async def _write_batch(self, changed: Iterable[str], gone: Sequence[str]) -> None:
        known = [await self._sessions.get(session_id) for session_id in changed]
        sessions = [session for session in known if session is not None]
        anew = self._anew

        async def write(redis: Operation) -> None:
            now = await redis.redis_time()
            pairs = [word for each in sessions for word in (each.id, encode(each, now))]
            head = int(LEASE * 1000), int(anew), len(gone)
            await redis.change(scripts.WRITE_SESSIONS, self._keys, *head, *gone, *pairs)

        await self._link.run(write, "write_sessions")
        if anew:
            self._anew = False
        self._written.update({session.id: _moved(session) for session in sessions})
        for session_id in gone:
            self._written.pop(session_id, None)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._anew = True
            self.log.failure("sessions were not written to redis", failure)


def _moved(session: SessionInfo) -> int:
    """Return how many bytes it has moved."""
    return session.bytes_down + session.bytes_up


def _take(names: dict[str, None]) -> list[str]:
    """Remove the first names, and return them."""
    taken = list(islice(names, AT_ONCE))
    for name in taken:
        del names[name]
    return taken
