"""One link, at both of its ends: lines each way, and the end of a link that has become silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from .messages import LONGEST, End, Message, Ping, decode, encode

PING: Final = 2.0
"""Seconds between two pings of one end."""

SILENCE: Final = 7.0
"""Seconds without a line after which the other end is given up."""


class Control(LineOnlyReceiver):
    """One end of a link.

    It is silent until `begin`, since the connection may have to become a link first.

    Args:
        on_message: takes each message but pings and ends.
        on_end: is called once when the link has ended, with the reason.

    Attributes:
        began_at: when, in seconds of the clock.
        ended: whether it is over.
    """

    delimiter = b"\n"
    MAX_LENGTH = LONGEST
    transport: Any

    def __init__(
        self,
        clock: IReactorTime,
        on_message: Callable[[Message], object],
        on_end: Callable[[str], object],
    ) -> None:
        self.began_at = self._received_at = clock.seconds()
        self.ended = False
        self._clock = clock
        self._on_message = on_message
        self._on_end = on_end
        self._reason = ""
        self._timer: IDelayedCall | None = None

    def begin(self) -> None:
        """Send pings, and expect some, from now on."""
        self._received_at = self._clock.seconds()
        self._timer = self._clock.callLater(PING, self._tick)

    def send(self, message: Message) -> None:
        """Send a message; does nothing once the link has ended."""
        if not self.ended and self.connected:
            self.sendLine(encode(message))

    def end(self, why: str) -> None:
        """Say why, and close."""
        self._reason = self._reason or why
        self.send(End(why))
        if self.connected:
            self.transport.loseConnection()

    def abort(self, why: str) -> None:
        """Close at once."""
        self._reason = self._reason or why
        if self.connected:
            self.transport.abortConnection()

    def lineReceived(self, line: bytes) -> None:
        """Take a line."""
        self._received_at = self._clock.seconds()
        try:
            message = decode(line)
        except ValueError as e:
            self.abort(f"the other end sent what is no message: {e}")
            return
        if isinstance(message, End):
            self._reason = self._reason or f"the other end says: {message.why}"
            self.transport.loseConnection()
        elif message is not None and not isinstance(message, Ping):
            self._on_message(message)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Close: the other end does not speak this protocol."""
        self.abort(f"a line of more than {LONGEST} bytes")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell that the link has ended."""
        self.connected = 0
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if not self.ended:
            self.ended = True
            self._on_end(self._reason or f"the connection was lost: {reason.getErrorMessage()}")

    def _tick(self) -> None:
        silent = self._clock.seconds() - self._received_at
        if silent > SILENCE:
            self.abort(f"nothing was received for {silent:.0f} s")
            return
        self.send(Ping())
        self._timer = self._clock.callLater(PING, self._tick)
