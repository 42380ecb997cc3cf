"""Counts changes of the live sessions of one process."""

from __future__ import annotations

from zope.interface import implementer

from ..errors import VNCProxyError
from ..interfaces import ISessionObserver
from ..model import SessionInfo


@implementer(ISessionObserver)
class ChangeCount:
    """Counts the sessions that began, changed and ended.

    Attributes:
        value: how many times.
    """

    def __init__(self) -> None:
        self.value = 0

    def known(self, session_id: str) -> None:
        """Count a session of which more is known."""
        self.value += 1

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        """Count a session that did not open."""
        self.value += 1

    def opened(self, session: SessionInfo) -> None:
        """Count a session that opened."""
        self.value += 1

    def changed(self, session: SessionInfo, by: str) -> None:
        """Count a session whose mode has changed."""
        self.value += 1

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """Count a session that ended."""
        self.value += 1
