"""Receivers of the events of sessions."""

from __future__ import annotations

from collections.abc import Mapping

from zope.interface import Interface

from ..errors import VNCProxyError
from ..model import SessionInfo


class ISessionObserver(Interface):
    """A receiver of session events, such as audit and metrics; its methods must not raise."""

    def refused(session: SessionInfo, error: VNCProxyError) -> None:
        """Called when a session ended before the user saw a screen."""

    def opened(session: SessionInfo) -> None:
        """Called when the relay starts; ``session.seconds`` is how long opening took."""

    def changed(session: SessionInfo, by: str) -> None:
        """Called when ``session.mode`` of an open session has changed.

        Args:
            by: the name of who has changed it.
        """

    def closed(session: SessionInfo, why: VNCProxyError) -> None:
        """Called when an opened session has ended."""


class IEventObserver(ISessionObserver):
    """A receiver that is also told of what happens to a session in between."""

    def noted(session: SessionInfo, event: str, members: Mapping[str, object]) -> None:
        """Called when something has happened.

        Args:
            event: ``accept``, ``approve``, ``withdraw`` or ``deny``.
            members: more about it, by name.
        """
