"""One side of a session on its Twisted transport: bytes in order, whatever the framing.

A leg gives what arrives to one receiver at a time (`Leg.deliver`): first to handshakes, then to the
other leg. Bytes that arrive in between are kept, and the transport is paused before they are many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
    ITLSTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.tcp import Server
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import ConnectionLost, SessionEnded, UpstreamViolation, VNCProxyError
from .frames import CLOSE_REASON_LIMIT, FrameError, Framing, RawFraming
from .sockets import shut_down_sending
from .verifier import TLSVerifier

UNREAD_LIMIT = 65536
"""Bytes that nobody asked for yet, above which a leg stops reading."""

DROP_LIMIT = 16 << 20
"""Bytes that a side may still send when it is over; whoever sends more does not mean to close."""


@implementer(IPushProducer, IHandshakeListener)
class Leg(Protocol):
    """One side of a session.

    Args:
        framing: how its bytes are framed.
        clock: for time limits.
        gone: why the session ends when this side closes the connection.

    Attributes:
        clock: the same.
        received: number of payload bytes that came from this side.
        heard: when the last byte came, in seconds of the clock.
        paused: whether reading is stopped.
        full: whether the outgoing buffer is full.
        framing: how its bytes are framed.
        over: whether this side is over, and nothing more is sent or delivered.
        ended: fires with why this side is over, as soon as it is; never fails.
        on_lost: called when the transport is gone; an idle session has no room for a Deferred.
    """

    transport: Any

    def __init__(self, framing: Framing, clock: IReactorTime, gone: type[SessionEnded]) -> None:
        self.received = 0
        self.heard = clock.seconds()
        self.ended: Deferred[VNCProxyError] = Deferred()
        self.on_lost: Callable[[], object] | None = None
        self._closed: Deferred[None] | None = None
        self.framing = framing
        self.clock = clock
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
        self._dropped = 0
        self._lost = False
        self._verifier: TLSVerifier | None = None
        self._secured: Deferred[None] | None = None

    @property
    def closed(self) -> Deferred[None]:
        """Fires when the transport is gone; made for whoever asks, for few ever do."""
        if self._closed is None:
            self._closed = Deferred()
            if self._lost and self.transport is None:
                self._closed.callback(None)
        return self._closed

    def connectionMade(self) -> None:
        """Watch the outgoing buffer of the transport."""
        self.transport.registerProducer(self, True)

    def start_tls(self, verifier: TLSVerifier) -> Deferred[None]:
        """Go on under TLS, as its client; nothing may be sent until it is up.

        Returns:
            Fires when the server is verified; fails with a ``VNCProxyError`` when it is not.

        Raises:
            UpstreamViolation: there is TLS or a framing already.
        """
        transport = self.transport
        plain = ITLSTransport.providedBy(transport) and not ISSLTransport.providedBy(transport)
        if not plain or not isinstance(self.framing, RawFraming):
            raise UpstreamViolation("TLS within TLS or within a web socket is not supported")
        self._verifier, self._secured = verifier, Deferred()
        # an adopted socket counts as a server's, for which TLS has the other direction
        transport.startTLS(verifier, not isinstance(transport, Server))
        return self._secured

    def handshakeCompleted(self) -> None:
        """Verify the server; called by the TLS layer."""
        secured, self._secured = self._secured, None
        if secured is None or self._verifier is None:
            return
        try:
            self._verifier.verify()
        except Exception:  # noqa: BLE001 who waits is told whatever it is
            secured.errback(Failure())
        else:
            secured.callback(None)

    def speak(self, framing: Framing) -> None:
        """Frame bytes differently from now on; what was kept is received anew."""
        self.framing = framing
        unread = bytes(self._unread)
        self._unread.clear()
        self.received -= len(unread)
        if unread:
            self.dataReceived(unread)

    def deliver(
        self,
        receive: Callable[[bytes], None],
        on_full: Callable[[bool], None] | None = None,
        on_eof: Callable[[], None] | None = None,
    ) -> None:
        """Give the bytes that were kept, and all that arrive from now on, to a receiver.

        Args:
            on_full: called with `full` whenever that changes.
            on_eof: called once this side is over.
        """
        self._receive = receive
        self._on_full = on_full or _ignore
        self._receive_eof = on_eof or _nothing
        unread = bytes(self._unread)
        self._unread.clear()
        self.resume()
        if unread:
            receive(unread)

    def stop_delivering(self, unread: bytes) -> None:
        """Keep what arrives from now on, behind the bytes that the receiver has not used."""
        self._receive, self._receive_eof = self._keep, _nothing
        self._keep(unread)

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

    def hold(self, full: bool) -> None:
        """Stop reading while the other side is full."""
        if full:
            self.pause()
        else:
            self.resume()

    def close(self, why: VNCProxyError, linger: float, session_id: str = "") -> None:
        """Say farewell and close, once what was sent has left.

        What the peer still sends is read and dropped, within `DROP_LIMIT`: unread bytes would turn
        the close into a reset, which destroys the farewell.

        Args:
            linger: seconds after which the connection is cut.
            session_id: named in the farewell of a refusal.
        """
        if self._cut is None and not self._lost:
            self._cut = self.clock.callLater(linger, self.transport.abortConnection)
        if self.over:
            return
        self._finish(why)
        self.resume()
        words = why.sentence(session_id, CLOSE_REASON_LIMIT)
        farewell = self.framing.close(why.close_code, words)
        if farewell:
            self.transport.write(farewell)
        else:
            shut_down_sending(self.transport)

    def dataReceived(self, data: bytes) -> None:
        """Take bytes from the transport."""
        self.heard = self.clock.seconds()
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
            self._send_last(reply)
        elif not self.over:
            self._reply(reply)
        else:
            self._drop(len(data))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note that the transport is gone."""
        self._lost = True
        secured, self._secured = self._secured, None
        if secured is not None and self._verifier is not None:
            secured.errback(self._verifier.failure(reason))
        if reason.check(ConnectionDone):
            self._finish(self._gone("closed by the peer"))
        else:
            self._finish(ConnectionLost(reason.getErrorMessage()))
        if self._cut is not None and self._cut.active():
            self._cut.cancel()
        # a pump and its leg know each other: without this they wait for the garbage collector
        self.paused, self.transport = False, None
        if self.on_lost is not None:
            self.on_lost()
        if self._closed is not None:
            self._closed.callback(None)

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

    def _drop(self, size: int) -> None:
        self._dropped += size
        if self._dropped > DROP_LIMIT:
            self.transport.abortConnection()

    def _reply(self, reply: bytes) -> None:
        """Send what the framing answers; only the newest is kept while the buffer is full."""
        if self.full:
            self._owed_reply = reply or self._owed_reply
        elif reply:
            self.transport.write(reply)

    def _violated(self, error: FrameError) -> None:
        self._finish(error)
        self._send_last(self.framing.close(error.reply_code, "protocol error"))

    def _send_last(self, frame: bytes) -> None:
        if self._lost:  # by what its payload has set off
            return
        transport = self.transport  # which is forgotten when it fails to write
        transport.write(frame)
        transport.loseConnection()

    def _finish(self, why: VNCProxyError) -> None:
        if self.over:
            return
        self.over = True
        # a TCP transport under TLS has no protocol any more once it is lost, and fails
        if not self._lost:
            self.transport.unregisterProducer()
        self._receive = self._on_full = _ignore
        self.ended.callback(why)
        self._receive_eof()


def _ignore(_: object) -> None:
    """Drop what arrives."""


def _nothing() -> None:
    """Do nothing."""
