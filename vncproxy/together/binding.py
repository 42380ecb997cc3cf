"""Binds sessions that join others to those: they end together, in whichever process they are.

A process learns of the end of its own sessions at once, and of those of others by a notice; where
that is lost, it asks at its next heartbeat.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..errors import JoinedSessionEnded, StoreUnavailable, TokenExpired
from ..interfaces import IMachineSessions
from ..model import SessionFilter, VMAddress
from ..session.registry import SessionRegistry
from ..session.state import SessionState
from .viewers import require_room


class Binding:
    """The sessions of this process that have joined others.

    Args:
        sessions: of this process.
        machines: tells whether the others still live.

    Attributes:
        on_notice: is called with the machine of each notice.
    """

    log = Logger()

    def __init__(self, sessions: SessionRegistry, machines: IMachineSessions) -> None:
        self.on_notice: Callable[[VMAddress], object] = lambda vm: None
        self._sessions = sessions
        self._machines = machines
        self._joined: dict[str, SessionState] = {}

    async def require_host(self, session: SessionState) -> None:
        """Make sure that the session lives to which the token of this one belongs.

        Call it when the store counts this one: if the other ends later, its end is noticed.

        Raises:
            TokenExpired: it has ended.
            ConsoleInUse: the console is shown to one viewer, which it has.
            StoreUnavailable: that is not known.
        """
        joins = session.joins
        assert joins is not None and session.vm is not None
        self._joined[session.id] = session
        if not await self._machines.find(session.vm, joins.session):
            del self._joined[session.id]
            detail = f"token {session.token_id[:12]}: session {joins.session} has ended"
            raise TokenExpired(detail).about(session.vm, session.user)
        await require_room(self._sessions.services.backends, session.vm)

    def session_left(self, session: SessionState) -> None:
        """End the sessions that have joined one of this process, which has ended."""
        if session.vm is not None:
            self.left(session.vm, session.id)

    def left(self, vm: VMAddress, session_id: str) -> None:
        """End the sessions at a machine that have joined one which has ended."""
        for session in list(self._sessions.matching(SessionFilter(vm=vm))):
            if session.joins is not None and session.joins.session == session_id:
                _end(session)

    def noticed(self, message: bytes) -> None:
        """Take a notice of another process; one that is malformed is ignored."""
        try:
            notice = json.loads(message)
            vm, name = VMAddress.parse(notice["vm"]), notice["session"].partition("/")[2]
            if notice["event"] == "left":
                self.left(vm, name)
            self.on_notice(vm)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
            self.log.warn("a notice about a machine cannot be read: {why}", why=repr(e)[:200])

    def check(self) -> None:
        """Look for sessions whose end was not noticed; without any that joined, it asks nothing."""
        self._joined = {each.id: each for each in self._joined.values() if not each.ending}
        if self._joined:
            checking = Deferred.fromCoroutine(self._check())
            checking.addErrback(lambda why: why.trap(StoreUnavailable))

    async def _check(self) -> None:
        for session in list(self._joined.values()):
            joins, vm = session.joins, session.vm
            assert joins is not None and vm is not None
            if not await self._machines.find(vm, joins.session):
                _end(session)


def _end(session: SessionState) -> None:
    assert session.joins is not None
    session.cancel(JoinedSessionEnded(f"session {session.joins.session}"))
