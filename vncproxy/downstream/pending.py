"""A user's connection from its HTTP request until it is a leg."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from ..errors import ClientGone, VNCProxyError
from ..relay.framing import Framing
from ..relay.handshaking import run_handshake
from ..relay.leg import Leg
from ..rfb.greeting import Greeting
from ..session.state import SessionState
from .channel import ConsoleChannel

RECEIVE_LIMIT = 16384
"""Bytes that a viewer may send before it is answered; real viewers send none."""


class PendingConnection(Protocol):
    """Keeps bytes received before the leg exists, and ends the session when the connection is lost.

    Attributes:
        leg: None until `become_leg`.
        greeting: the state of the RFB greeting with the viewer.
        session: the user's session, once it is started.
    """

    transport: Any

    def __init__(self, channel: ConsoleChannel, clock: IReactorTime) -> None:
        self.leg: Leg | None = None
        self.greeting = Greeting()
        self._channel = channel
        self._clock = clock
        self._received = bytearray()
        self._lost = False
        self.session: SessionState | None = None

    def dataReceived(self, data: bytes) -> None:
        """Keep bytes for the leg."""
        self._received += data
        if len(self._received) > RECEIVE_LIMIT:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the session."""
        self._lost = True
        cancel_session(self.session, ClientGone("closed by the peer"))

    def become_leg(self, framing: Framing) -> Leg:
        """Turn the connection into a leg, which receives the bytes kept so far."""
        self.leg = leg = Leg(framing, self._clock, ClientGone)
        # not a bound method: the leg lives longer, and would keep this object in memory
        leg.close_reason.addCallback(partial(cancel_session, self.session))
        leg.on_lost = self._channel.slot
        self._channel.hand_over(leg)
        if self._received:
            leg.dataReceived(bytes(self._received))
            self._received.clear()
        return leg


async def refuse_viewer(
    leg: Leg, greeting: Greeting, error: VNCProxyError, session_id: str, close_timeout: float
) -> None:
    """Send the reason within RFB, if the greeting still allows one, and close with its code.

    Returns when the connection is closed.
    """
    with suppress(VNCProxyError):
        sentence = error.sentence(session_id, say=leg.say)
        await run_handshake(leg, greeting.refuse(sentence), close_timeout)
    leg.close(error, close_timeout, session_id)
    await leg.closed


def cancel_session(session: SessionState | None, why: VNCProxyError) -> VNCProxyError:
    """End a session, if there is one, for the reason its user's connection closed; returns it."""
    if session is not None:
        session.cancel(why)
    return why
