"""The sessions of one process as the cluster sees them."""

from __future__ import annotations

from tests.doubles.api import MemorySessions
from vncproxy.errors import SessionEnded
from vncproxy.model import SessionFilter


class LocalSessions(MemorySessions):
    """Sessions that end at once, and orders' way to end them."""

    async def end_matching(self, why: SessionEnded, wanted: SessionFilter) -> int:
        found = [session.id for session in self.live.values() if wanted.accepts(session)]
        for session_id in found:
            await self.end(session_id, why)
        return len(found)
