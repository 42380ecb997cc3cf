"""The registry of sessions: lists and ends them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from twisted.internet.defer import DeferredList
from zope.interface import implementer

from ..errors import ProxyStopping, SessionEnded
from ..interfaces import ISessionRegistry
from ..model import Ended, SessionFilter, SessionInfo, VMAddress, cursor_of
from ..pacing import Pace
from .live import LiveSessions
from .state import SessionState


@implementer(ISessionRegistry)
class SessionRegistry(LiveSessions):
    """The sessions of this process."""

    async def list(
        self,
        *,
        vm: VMAddress | None = None,
        user: str | None = None,
        token_id: str | None = None,
        proxy: str | None = None,
        backends: frozenset[str] | None = None,
        allows: Callable[[VMAddress], bool] | None = None,
        limit: int | None = None,
        after: str = "",
    ) -> Sequence[SessionInfo]:
        """Return the sessions that meet all criteria given, oldest first."""
        tokens = None if token_id is None else frozenset({token_id})
        wanted = SessionFilter(vm, user, proxy, backends, tokens=tokens)
        chosen = sorted(self.matching(wanted), key=cursor_of)
        if allows is not None:
            chosen = [each for each in chosen if each.vm is not None and allows(each.vm)]
        if after:
            chosen = [session for session in chosen if cursor_of(session) > after]
        now = self.services.reactor.seconds()
        return [session.info(now) for session in chosen[:limit]]

    async def get(self, session_id: str) -> SessionInfo | None:
        """Return one session; None when there is none with this id."""
        session = self._live.get(session_id)
        return session.info(self.services.reactor.seconds()) if session else None

    async def end(self, session_id: str, why: SessionEnded, by: str = "") -> Ended:
        """End one session, if there is one with this id."""
        return Ended(await self.end_matching(why, SessionFilter(ids=frozenset({session_id}))))

    async def end_where(
        self,
        why: SessionEnded,
        *,
        vm: VMAddress | None = None,
        user: str | None = None,
        token_id: str | None = None,
        proxy: str | None = None,
        backends: frozenset[str] | None = None,
        ids: frozenset[str] | None = None,
        by: str = "",
    ) -> Ended:
        """End the sessions that meet all criteria given; without any, all of them."""
        tokens = None if token_id is None else frozenset({token_id})
        wanted = SessionFilter(vm, user, proxy, backends, ids, tokens)
        return Ended(await self.end_matching(why, wanted))

    async def end_matching(self, why: SessionEnded, wanted: SessionFilter) -> int:
        """End the sessions of this process that meet criteria; returns how many."""
        pace, ended = Pace(self.services.reactor), 0
        for session in list(self.matching(wanted)):
            await pace.step()
            ended += not session.ending
            session.cancel(why)
        return ended

    def matching(self, wanted: SessionFilter) -> Iterator[SessionState]:
        """Yield the sessions of this process that meet criteria."""
        chosen: Iterable[SessionState] = self._live.values()
        if wanted.ids is not None:
            chosen = (self._live[each] for each in wanted.ids if each in self._live)
        elif wanted.vm is not None:
            chosen = self._of_vm.get(wanted.vm, ())
        return (session for session in chosen if wanted.accepts(session))

    async def stop(self) -> None:
        """Refuse new sessions, end the live ones with a reason, wait until they are gone."""
        self.draining = True
        live = list(self._live.values())
        gone = [connection for session in live for connection in session.wait_until_gone()]
        for session in live:
            session.cancel(ProxyStopping())
        await DeferredList(gone)
