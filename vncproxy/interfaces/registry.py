"""The seam of the registry: the live sessions of this proxy, or of all proxies."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from zope.interface import Interface

from ..errors import SessionEnded, VNCProxyError
from ..model import SessionInfo, VMAddress


class ISessionRegistry(Interface):
    """The live sessions, those that are still opening included."""

    def refusal() -> VNCProxyError | None:
        """Return why this proxy would refuse a new session now; None when it would not."""

    def list(*, vm: VMAddress | None = None) -> Awaitable[Sequence[SessionInfo]]:
        """Return all sessions, or those of one machine."""

    def end(session_id: str, why: SessionEnded) -> Awaitable[bool]:
        """End one session; False when there is none with this id."""

    def end_where(
        why: SessionEnded,
        *,
        vm: VMAddress | None = None,
        user: str | None = None,
        token_id: str | None = None,
    ) -> Awaitable[int]:
        """End the sessions that match all criteria given; returns how many."""
