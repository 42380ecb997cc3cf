"""The sessions of one process as the cluster sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.doubles.api import MemorySessions
from vncproxy.errors import SessionEnded
from vncproxy.model import SessionFilter, SessionInfo


class LocalSessions(MemorySessions):
    """Sessions that end at once, and orders' way to end them.

    Attributes:
        after_list: is called once, between the making of a list and its end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.after_list: Callable[[], object] | None = None

    async def list(self, *args: Any, **options: Any) -> Sequence[SessionInfo]:
        found = await super().list(*args, **options)
        after, self.after_list = self.after_list, None
        if after is not None:
            after()
        return found

    async def end_matching(self, why: SessionEnded, wanted: SessionFilter) -> int:
        found = [session.id for session in self.live.values() if wanted.accepts(session)]
        for session_id in found:
            await self.end(session_id, why)
        return len(found)
