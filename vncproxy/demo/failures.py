"""Tells the person at the terminal why a console is not shown: nobody else is to be asked."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from ..errors import ClientError, ClientGone, ProxyStopping, VNCProxyError
from ..interfaces import ISessionObserver
from ..model import SessionInfo


@implementer(ISessionObserver)
class Trouble:
    """Says what goes wrong with sessions, with the cause.

    Args:
        say: is given each line.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        """Say why a console was not shown, unless it was the user's fault, or nobody waits."""
        if not isinstance(error, ClientError | ClientGone | ProxyStopping):
            where = f"{session.vm} " if session.vm else ""
            self._say(f"{where}not shown (id {session.id}): {error}")

    def opened(self, session: SessionInfo) -> None:
        """Say nothing."""

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """Say why a console ended, unless its user has left or everything ends."""
        if not isinstance(why, ClientGone | ProxyStopping):
            self._say(f"{session.vm} ended (id {session.id}): {why}")
