"""Receivers of the events of sessions."""

from __future__ import annotations

from zope.interface import Interface

from ..errors import VNCProxyError
from ..model import SessionInfo


class ISessionObserver(Interface):
    """Who is told about sessions: the audit log, the metrics. It must not fail."""

    def refused(session: SessionInfo, error: VNCProxyError) -> None:
        """A session ended before the user saw a screen."""

    def opened(session: SessionInfo) -> None:
        """Bytes flow; ``seconds`` is how long opening took."""

    def closed(session: SessionInfo, why: VNCProxyError) -> None:
        """An opened session is over."""
