"""The registry of sessions: lists, changes and ends them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter

from twisted.internet.defer import DeferredList
from zope.interface import implementer

from ..errors import ProxyStopping, SessionEnded
from ..interfaces import ISessionRegistry
from ..model import (
    ANY_SESSION,
    Changed,
    Decided,
    Decision,
    Ended,
    Messaged,
    Mode,
    SessionFilter,
    SessionInfo,
    VMAddress,
    cursor_of,
)
from ..pacing import Pace
from .changing import change_mode
from .consenting import decide
from .live import LiveSessions
from .state import SessionState


@implementer(ISessionRegistry)
class SessionRegistry(LiveSessions):
    """The sessions of this process."""

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
        pace, now, taken = Pace(self.services.reactor), self.services.reactor.seconds(), 0
        for session in await self._in_order(wanted, allows, after, pace):
            if limit is not None and taken >= limit:
                break
            await pace.step()
            if session.id in self._live:
                take(session.info(now))
                taken += 1

    async def _in_order(
        self,
        wanted: SessionFilter,
        allows: Callable[[VMAddress], bool] | None,
        after: str,
        pace: Pace,
    ) -> Iterable[SessionState]:
        places = []
        for session in list(self._candidates(wanted)):
            await pace.step()
            if wanted.accepts(session) and _is_allowed(session, allows):
                place = cursor_of(session)
                if place > after:
                    places.append((place, session))
        places.sort(key=itemgetter(0))
        return map(itemgetter(1), places)

    async def of_machine(self, vm: VMAddress) -> Sequence[SessionInfo]:
        """Return the sessions of a machine, oldest first."""
        return await self.list(SessionFilter(vm=vm))

    async def get(self, session_id: str) -> SessionInfo | None:
        """Return one session; None when there is none with this id."""
        session = self._live.get(session_id)
        return session.info(self.services.reactor.seconds()) if session else None

    async def decide(self, session_id: str, decision: Decision) -> Decided | None:
        """Take an approver's decision about one session; None where there is none with this id."""
        session = self._live.get(session_id)
        return None if session is None else decide(session, decision, self)

    async def end(self, session_id: str, why: SessionEnded, by: str = "") -> Ended:
        """End one session, if there is one with this id."""
        return Ended(await self.end_matching(why, SessionFilter(ids=frozenset({session_id}))))

    async def end_where(self, why: SessionEnded, wanted: SessionFilter, by: str = "") -> Ended:
        """End the sessions that meet all criteria; without any, all of them."""
        return Ended(await self.end_matching(why, wanted))

    async def change(self, session_id: str, mode: Mode, by: str = "") -> Changed:
        """Change the mode of a session, if there is one with this id."""
        session = self._live.get(session_id)
        if session is None or session.ending:
            return Changed(known=False)
        return Changed(known=True, reenters=await change_mode(session, mode, by, self))

    async def message(self, session_id: str, text: str, by: str = "") -> Messaged:
        """Show a text to the user of a session, if there is one with this id."""
        session = self._live.get(session_id)
        if session is None or session.ending:
            return Messaged(known=False)
        return Messaged(known=True, shown=session.tell_page("message", text=text))

    async def end_matching(self, why: SessionEnded, wanted: SessionFilter) -> int:
        """End the sessions of this process that meet criteria; returns how many."""
        pace, ended = Pace(self.services.reactor), 0
        for session in list(self.matching(wanted)):
            await pace.step()
            ended += not session.ending
            self._end_session(session, why)
        return ended

    def matching(self, wanted: SessionFilter) -> Iterator[SessionState]:
        """Yield the sessions of this process that meet criteria."""
        return (session for session in self._candidates(wanted) if wanted.accepts(session))

    def _candidates(self, wanted: SessionFilter) -> Iterable[SessionState]:
        """Return the sessions that may meet criteria: few, where those name some."""
        if wanted.ids is not None:
            return (self._live[each] for each in wanted.ids if each in self._live)
        if wanted.vm is not None:
            return self._of_vm.get(wanted.vm, ())
        return self._live.values()

    async def stop(self) -> None:
        """Refuse new sessions, end the live ones with a reason, wait until they are gone."""
        self.draining = True
        live = list(self._live.values())
        gone = [connection for session in live for connection in session.wait_until_gone()]
        for session in live:
            session.cancel(ProxyStopping())
        await DeferredList(gone)


def _is_allowed(session: SessionState, allows: Callable[[VMAddress], bool] | None) -> bool:
    return allows is None or (session.vm is not None and allows(session.vm))
