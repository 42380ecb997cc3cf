"""Prints on the terminal why a console is not shown, or why it ended."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from ..errors import ClientError, ClientGone, ProxyStopping, VNCProxyError
from ..interfaces import ISessionObserver
from ..model import SessionInfo


@implementer(ISessionObserver)
class FailurePrinter:
    """Prints a line, with the cause, for each session that fails.

    Args:
        print_line: called with each line.
    """

    def __init__(self, print_line: Callable[[str], object]) -> None:
        self._print = print_line

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        """Print why a console was not shown, unless the user caused it or has left."""
        if not isinstance(error, ClientError | ClientGone | ProxyStopping):
            where = f"{session.vm} " if session.vm else ""
            self._print(f"{where}not shown (id {session.id}): {error}")

    def opened(self, session: SessionInfo) -> None:
        """Do nothing."""

    def changed(self, session: SessionInfo, by: str) -> None:
        """Do nothing."""

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """Print why a console ended, unless its user has left or the proxy is stopping."""
        if not isinstance(why, ClientGone | ProxyStopping):
            self._print(f"{session.vm} ended (id {session.id}): {why}")
