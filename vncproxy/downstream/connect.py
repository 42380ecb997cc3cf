"""TCP viewers: ``CONNECT …?token=… HTTP/1.x``, answered when the console is connected.

The Java viewer sends HTTP/1.0 without headers, expects a status line that begins with
``HTTP/1.1 200 ``, and shows the rest of any other status line to the user.
"""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from ..errors import VNCProxyError
from ..model import Grant
from ..relay.leg import Leg
from ..relay.raw_framing import RawFraming
from ..session.downstream import IDownstream
from ..session.live import LiveSessions
from ..session.session import Session
from ..session.user_request import UserRequest
from .channel import ConsoleChannel
from .http_refusal import http_refusal
from .pending import PendingConnection, refuse_viewer


@implementer(IDownstream)
class ConnectDownstream(PendingConnection):
    """A TCP viewer's connection."""

    def __init__(self, channel: ConsoleChannel, close_timeout: float, clock: IReactorTime) -> None:
        super().__init__(channel, clock)
        self._close_timeout = close_timeout

    def begin(self, user_request: UserRequest, live: LiveSessions) -> None:
        """Take the connection from its channel and start the session."""
        self._channel.hand_over(self)
        Session(user_request, self, live).start()

    async def admit(self, grant: Grant) -> None:
        """Do nothing: the response is sent when the console is connected."""

    async def open(self) -> Leg:
        """Answer 200 and return the leg; RFB follows."""
        self.transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
        return self.become_leg(RawFraming())

    async def refuse(self, error: VNCProxyError, session_id: str) -> None:
        """Answer with the reason in the status line, and as a body for other clients.

        A viewer that was answered 200 gets the reason within RFB.
        """
        if self._lost:
            return
        if self.leg is not None:
            await refuse_viewer(self.leg, self.greeting, error, session_id, self._close_timeout)
            return
        sentence = error.sentence(session_id)
        self.transport.write(http_refusal(error.status, sentence, retry_after=error.retry_after))
        leg = self.become_leg(RawFraming())
        leg.close(error, self._close_timeout)
        await leg.closed
