"""What the API asks of the registry of live sessions (`vncproxy.session.registry`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..errors import SessionEnded, VNCProxyError
from ..model import SessionInfo, VMAddress


class LiveSessions(Protocol):
    """The live sessions of this proxy."""

    def refusal(self) -> VNCProxyError | None:
        """Return why a new session would be refused now; None when it would not."""

    def list(self) -> Sequence[SessionInfo]:
        """Return all sessions, those that are still opening included."""

    def end(self, session_id: str, why: SessionEnded) -> bool:
        """End one session; False when there is none with this id."""

    def end_where(
        self,
        why: SessionEnded,
        *,
        vm: VMAddress | None = None,
        user: str | None = None,
        token_id: str | None = None,
    ) -> int:
        """End the sessions that match all criteria given; returns how many."""
