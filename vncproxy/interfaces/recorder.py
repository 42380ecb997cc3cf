"""What records sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from zope.interface import Interface

from ..model import SessionInfo
from .stage import IStage


class IRecorder(Interface):
    """Records sessions; it is told of their ends as an observer."""

    def record(
        session: SessionInfo, server_init: bytes, on_trouble: Callable[[str], object]
    ) -> Sequence[IStage]:
        """Begin to record a session whose console is there.

        Args:
            server_init: the ServerInit message of its server.
            on_trouble: called, once and with a sentence for the log, when it cannot be recorded
                any more.

        Returns:
            The stages that copy what passes: that of the server's bytes comes before all others of
            its direction, that of the viewer's behind them.
        """

    def begin(session_id: str) -> Deferred[None]:
        """Write the first bytes of a session at once.

        Returns:
            Fires when they are written, or the session is not recorded any more; it may be
            cancelled.
        """
