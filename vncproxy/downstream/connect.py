"""TCP viewers: ``CONNECT …?token=… HTTP/1.x``, answered when the console is connected.

The Java viewer sends HTTP/1.0 without headers, expects a status line that begins with
``HTTP/1.1 200 ``, and shows the rest of any other status line to the user.
"""

from __future__ import annotations

import random

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
        leg = self._answer(error, session_id)
        leg.close(error, self._close_timeout)
        await leg.closed

    def _answer(self, error: VNCProxyError, session_id: str) -> Leg:
        # a backend's message may have line breaks, which would end the status line
        text = " ".join(error.sentence(session_id).split()).encode("ascii", "replace")
        self.transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
            b"Connection: close\r\n%s\r\n%s\n"
            % (error.status, text, len(text) + 1, _retry_after(error), text)
        )
        return self.become_leg(RawFraming())


def _retry_after(error: VNCProxyError) -> bytes:
    """Return a ``Retry-After`` header with a random time, so that clients do not retry at once."""
    if not error.retry_after:
        return b""
    return b"Retry-After: %d\r\n" % random.randint(1, error.retry_after)  # noqa: S311
