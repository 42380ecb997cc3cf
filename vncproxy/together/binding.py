"""Binds sessions that join others to those: they end together, in whichever process they are.

A guest has no control where the user who made the link has none any more.

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
from ..model import JoinKind, Mode, SessionFilter, SessionInfo, SessionPhase, VMAddress
from ..session.registry import SessionRegistry
from ..session.state import SessionState
from .people import OfMachine
from .viewers import require_room


class Binding:
    """The sessions of this process that have joined others.

    Args:
        sessions: of this process.
        machines: tells whether the others still live.
        of_machine: returns the sessions of a machine, in all processes.

    Attributes:
        on_notice: is called with the machine of each notice.
    """

    log = Logger()

    def __init__(
        self, sessions: SessionRegistry, machines: IMachineSessions, of_machine: OfMachine
    ) -> None:
        self.on_notice: Callable[[VMAddress], object] = lambda vm: None
        self._sessions = sessions
        self._machines = machines
        self._of_machine = of_machine
        self._joined: dict[str, SessionState] = {}

    async def require_host(self, session: SessionState) -> None:
        """Make sure that the session lives, and does not wait, to which this one's token belongs.

        A guest only views where the other's user may not control the machine any more, unless an
        administrator has set the guest's own mode.

        Call it when the store counts this one: if the other ends later, its end is noticed.

        Raises:
            TokenExpired: it has ended, or it waits for consent or approval.
            ConsoleInUse: the console is shown to one viewer, which it has.
            StoreUnavailable: that is not known.
        """
        joins = session.joins
        assert joins is not None and session.vm is not None
        self._joined[session.id] = session
        if not await self._machines.find(session.vm, joins.session):
            raise self._refusal(session, f"session {joins.session} has ended")
        found = await self._of_machine(session.vm)
        host = next((each for each in found if each.id == joins.session), None)
        if host is not None and host.state is SessionPhase.WAITING:
            raise self._refusal(session, f"session {joins.session} waits")
        await require_room(self._sessions.services.backends, session.vm)
        if host is not None and joins.kind is JoinKind.GUEST:
            _narrow(session, host)

    def _refusal(self, session: SessionState, why: str) -> TokenExpired:
        assert session.vm is not None
        del self._joined[session.id]
        return TokenExpired(f"token {session.token_id[:12]}: {why}").about(session.vm, session.user)

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


def _narrow(session: SessionState, host: SessionInfo) -> None:
    """Take the control from a guest, before its console is there, if its host has lost it."""
    assert session.grant is not None
    lost = host.mode is Mode.VIEW_ONLY and not host.held
    if lost and session.grant.mode is None:
        session.rights.set_mode(Mode.VIEW_ONLY)


def _end(session: SessionState) -> None:
    assert session.joins is not None
    session.cancel(JoinedSessionEnded(f"session {session.joins.session}"))
