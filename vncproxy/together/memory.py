"""The sessions of a machine in this process, where nothing is shared with others."""

from __future__ import annotations

from zope.interface import implementer

from ..interfaces import IMachineSessions
from ..model import SessionFilter, VMAddress
from ..session.registry import SessionRegistry


@implementer(IMachineSessions)
class MemoryMachineSessions:
    """The sessions of one process."""

    def __init__(self, sessions: SessionRegistry) -> None:
        self._sessions = sessions

    async def has(self, vm: VMAddress, session_id: str) -> bool:
        """Tell whether a machine has a live session with an id, one that has joined none."""
        wanted = SessionFilter(vm=vm, ids=frozenset({session_id}))
        return any(
            not each.ending and each.joins is None for each in self._sessions.matching(wanted)
        )
