"""One side of a session on its Twisted transport: bytes in order, whatever the framing.

A leg first speaks handshakes (`Leg.converse`), then delivers to whoever is joined with it
(`Leg.deliver`). What arrives in between is kept, and the transport is paused before that grows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import ConnectionLost, SessionEnded, VNCProxyError
from ..steps import Dialogue, StepError, Steps
from .frames import FrameError, Framing
from .sockets import shut_down_sending

T = TypeVar("T")

UNREAD_LIMIT = 65536
"""Bytes that nobody asked for yet, above which a leg stops reading."""


class TooSlow(StepError):
    """A handshake was not over within its time limit."""


@implementer(IPushProducer)
class Leg(Protocol):
    """One side of a session.

    Args:
        framing: how its bytes are framed.
        clock: for time limits.
        gone: why the session ends when this side closes the connection.

    Attributes:
        received: number of payload bytes that came from this side.
        heard: when the last byte came, in seconds of the clock.
        paused: whether reading is stopped.
        full: whether the outgoing buffer is full.
        framing: how its bytes are framed.
        over: whether this side is over, and nothing more is sent or delivered.
        ended: fires with why this side is over, as soon as it is; never fails.
        closed: fires when the transport is gone.
    """

    transport: Any

    def __init__(self, framing: Framing, clock: IReactorTime, gone: type[SessionEnded]) -> None:
        self.received = 0
        self.heard = clock.seconds()
        self.ended: Deferred[VNCProxyError] = Deferred()
        self.closed: Deferred[None] = Deferred()
        self.framing = framing
        self._clock = clock
        self._gone = gone
        self.over = False
        self._unread = bytearray()
        self._receive: Callable[[bytes], None] = self._keep
        self._receive_eof: Callable[[], None] = _nothing
        self._on_full: Callable[[bool], None] = _ignore
        self.paused = False
        self.full = False
        self._owed_reply = b""
        self._cut: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Watch the outgoing buffer of the transport."""
        self.transport.registerProducer(self, True)

    async def converse(self, steps: Steps[T], timeout: float) -> T:
        """Run a handshake on this leg; what it leaves over is kept for the next one.

        Args:
            timeout: seconds the whole handshake may take.

        Raises:
            TooSlow: it took longer.
            VNCProxyError: whatever the handshake raises; `EndOfStream` where it lacks bytes when
                this side is over.
        """
        dialogue, progress = Dialogue(steps), Deferred[None]()
        progress.addTimeout(timeout, self._clock)

        def advance(change: Callable[[], None]) -> None:
            if progress.called:
                return
            try:
                change()
            except VNCProxyError:
                self.send(dialogue.outgoing())
                progress.errback(Failure())
            else:
                self.send(dialogue.outgoing())
                if dialogue.done:
                    progress.callback(None)

        self._receive_eof = lambda: advance(dialogue.receive_eof)
        self.deliver(lambda data: advance(lambda: dialogue.receive(data)))
        advance(_nothing)
        if self.over:
            self._receive_eof()
        try:
            await progress
        except TimeoutError as e:
            raise TooSlow(f"handshake not over within {timeout} s") from e
        finally:
            self._receive, self._receive_eof = self._keep, _nothing
            self._keep(dialogue.leftover())
        return dialogue.result

    def deliver(
        self, receive: Callable[[bytes], None], on_full: Callable[[bool], None] | None = None
    ) -> None:
        """Give what was kept, and all that arrives from now on, to a receiver.

        Args:
            on_full: told whether this leg's outgoing buffer is `full`, whenever that changes.
        """
        self._receive = receive
        self._on_full = on_full or _ignore
        unread = bytes(self._unread)
        self._unread.clear()
        self.resume()
        if unread:
            receive(unread)

    def send(self, payload: bytes) -> None:
        """Send payload bytes; does nothing once this side is over."""
        if payload and not self.over:
            self.transport.write(self.framing.encode(payload))

    def ping(self) -> bool:
        """Ask the peer for a sign of life; False where framing or a full buffer forbid it."""
        question = b"" if self.over or self.full else self.framing.ping()
        if question:
            self.transport.write(question)
        return bool(question)

    def pause(self) -> None:
        """Stop reading from this side."""
        if not self.paused and not self.over:
            self.paused = True
            self.transport.pauseProducing()

    def resume(self) -> None:
        """Read from this side again."""
        if self.paused:
            self.paused = False
            self.transport.resumeProducing()

    def close(self, why: VNCProxyError, linger: float, session_id: str = "") -> None:
        """Say farewell and close, once what was sent has left.

        What the peer still sends is read and dropped: unread bytes would turn the close into a
        reset, which destroys the farewell.

        Args:
            linger: seconds after which the connection is cut.
            session_id: named in the farewell where only an administrator can help.
        """
        if self._cut is None and not self.closed.called:
            self._cut = self._clock.callLater(linger, self.transport.abortConnection)
        if self.over:
            return
        self._finish(why)
        self.resume()
        farewell = self.framing.close(why.close_code, why.sentence(session_id))
        if farewell:
            self.transport.write(farewell)
        else:
            shut_down_sending(self.transport)

    def dataReceived(self, data: bytes) -> None:
        """Take bytes from the transport."""
        self.heard = self._clock.seconds()
        try:
            payload = self.framing.receive(data)
        except FrameError as e:
            self._violated(e)
            return
        if payload and not self.over:
            self.received += len(payload)
            self._receive(payload)
        reply = self.framing.replies()
        if self.framing.ended:
            self._finish(self._gone("closed by a close frame"))
            self.transport.write(reply)
            self.transport.loseConnection()
        elif not self.over:
            self._reply(reply)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note that the transport is gone."""
        if reason.check(ConnectionDone):
            self._finish(self._gone("closed by the peer"))
        else:
            self._finish(ConnectionLost(reason.getErrorMessage()))
        if self._cut is not None and self._cut.active():
            self._cut.cancel()
        self.closed.callback(None)

    def pauseProducing(self) -> None:
        """Take note that the outgoing buffer is full; called by the transport."""
        self.full = True
        self._on_full(True)

    def resumeProducing(self) -> None:
        """Take note that the outgoing buffer has room; called by the transport."""
        self.full = False
        owed, self._owed_reply = self._owed_reply, b""
        self._reply(owed)
        self._on_full(False)

    def stopProducing(self) -> None:
        """Do nothing: `connectionLost` follows."""

    def _keep(self, payload: bytes) -> None:
        self._unread += payload
        if len(self._unread) > UNREAD_LIMIT:
            self.pause()

    def _reply(self, reply: bytes) -> None:
        """Send what the framing answers; only the newest is kept while the buffer is full."""
        if self.full:
            self._owed_reply = reply or self._owed_reply
        elif reply:
            self.transport.write(reply)

    def _violated(self, error: FrameError) -> None:
        self.transport.write(self.framing.close(error.reply_code, "protocol error"))
        self._finish(error)
        self.transport.loseConnection()

    def _finish(self, why: VNCProxyError) -> None:
        if self.over:
            return
        self.over = True
        self.transport.unregisterProducer()
        self._receive = _ignore
        self.ended.callback(why)
        self._receive_eof()


def _ignore(_: object) -> None:
    """Drop what arrives."""


def _nothing() -> None:
    """Do nothing."""
