"""The registry of sessions: lists and ends them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twisted.internet.defer import DeferredList
from zope.interface import implementer

from ..errors import ProxyStopping, SessionEnded
from ..interfaces import ISessionRegistry
from ..model import SessionInfo, VMAddress
from .live import LiveSessions
from .state import SessionState


@implementer(ISessionRegistry)
class SessionRegistry(LiveSessions):
    """The sessions of this process."""

    async def list(self, *, vm: VMAddress | None = None) -> Sequence[SessionInfo]:
        """Return all sessions, or those of one machine."""
        now = self.services.reactor.seconds()
        return [session.info(now) for session in self._of(vm)]

    async def end(self, session_id: str, why: SessionEnded) -> bool:
        """End one session; False when there is none with this id."""
        session = self._live.get(session_id)
        if session:
            session.cancel(why)
        return session is not None

    async def end_where(
        self,
        why: SessionEnded,
        *,
        vm: VMAddress | None = None,
        user: str | None = None,
        token_id: str | None = None,
    ) -> int:
        """End the sessions that match all criteria given; returns how many."""
        matching = [
            info.id
            for info in await self.list(vm=vm)
            if user in (None, info.user) and token_id in (None, info.token_id)
        ]
        for session_id in matching:
            await self.end(session_id, why)
        return len(matching)

    async def stop(self) -> None:
        """Refuse new sessions, end the live ones with a reason, wait until they are gone."""
        self.draining = True
        live = list(self._live.values())
        gone = [connection for session in live for connection in session.wait_until_gone()]
        for session in live:
            session.cancel(ProxyStopping())
        await DeferredList(gone)

    def _of(self, vm: VMAddress | None) -> Iterable[SessionState]:
        return self._live.values() if vm is None else self._of_vm.get(vm, ())
