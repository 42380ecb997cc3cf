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
from zope.interface import alsoProvides, implementer

from ..errors import ConnectionLost, SessionEnded, UpstreamViolation, VNCProxyError
from .framing import CLOSE_REASON_LIMIT, FrameError, Framing
from .raw_framing import RawFraming
from .sending import send_at_once
from .sockets import IHeaderLayer, shut_down_sending
from .verifier import TLSVerifier

UNREAD_LIMIT = 65536
"""Bytes kept for the next receiver, above which a leg stops reading."""

DROP_LIMIT = 16 << 20
"""Bytes that are read and dropped while a leg closes; more of them abort the connection."""


@implementer(IPushProducer, IHandshakeListener)
class Leg(Protocol):
    """One side of a session.

    Args:
        framing: how its bytes are framed.
        clock: for time limits.
        closed_by_peer: the error with which the session ends when the peer closes the connection.

    Attributes:
        clock: the same.
        bytes_received: number of payload bytes that came from the peer.
        last_received_at: when the last byte came, in seconds of the clock.
        paused: whether reading is stopped.
        held: whether it is to stay stopped although the other leg has room.
        full: whether the outgoing buffer is full.
        framing: how its bytes are framed.
        is_closing: whether this side closes or is closed; nothing more is sent or delivered.
        close_reason: fires with the reason as soon as `is_closing` is true; never fails.
        on_lost: called when the transport is closed; costs less memory than a Deferred.
        say: returns a reason in the language of its peer.
    """

    transport: Any
    held = False

    def __init__(
        self, framing: Framing, clock: IReactorTime, closed_by_peer: type[SessionEnded]
    ) -> None:
        self.bytes_received = 0
        self.last_received_at = clock.seconds()
        self.close_reason: Deferred[VNCProxyError] = Deferred()
        self.on_lost: Callable[[], object] | None = None
        self.say: Callable[[str], str] = str
        self._closed: Deferred[None] | None = None
        self.framing = framing
        self.clock = clock
        self._closed_by_peer = closed_by_peer
        self.is_closing = False
        self._unread = bytearray()
        self._receive: Callable[[bytes], None] = self._keep
        self._receive_eof: Callable[[], None] = _ignore
        self._on_full: Callable[[bool], None] = _ignore
        self.paused = False
        self.full = False
        self._pending_reply = b""
        self._abort_timer: IDelayedCall | None = None
        self._bytes_dropped = 0
        self._lost = False
        self._verifier: TLSVerifier | None = None
        self._tls_verified: Deferred[None] | None = None

    @property
    def closed(self) -> Deferred[None]:
        """Fires when the transport is closed; made on the first use, to save memory."""
        if self._closed is None:
            self._closed = Deferred()
            if self._lost and self.transport is None:
                self._closed.callback(None)
        return self._closed

    def connectionMade(self) -> None:
        """Register with the transport, to be called when its outgoing buffer is full."""
        self.transport.registerProducer(self, True)

    def start_tls(self, verifier: TLSVerifier, *, serve: bool = False) -> Deferred[None]:
        """Start TLS; nothing may be sent before it is established.

        Args:
            serve: as its server; else as its client.

        Returns:
            Fires when the server is verified; fails with a ``VNCProxyError`` when it is not.

        Raises:
            UpstreamViolation: the connection uses TLS or a WebSocket already.
        """
        transport = self.transport
        plain = ITLSTransport.providedBy(transport) and not ISSLTransport.providedBy(transport)
        if not plain or not isinstance(self.framing, RawFraming):
            raise UpstreamViolation("TLS within TLS or within a web socket is not supported")
        self._verifier, self._tls_verified = verifier, Deferred()
        # startTLS has the direction of the transport: an adopted socket has a server's
        transport.startTLS(verifier, _is_server(transport) is serve)
        if IHeaderLayer.providedBy(transport):
            alsoProvides(transport, ISSLTransport)
        return self._tls_verified

    def handshakeCompleted(self) -> None:
        """Verify the server; called by the TLS layer."""
        verified, self._tls_verified = self._tls_verified, None
        if verified is None or self._verifier is None:
            return
        try:
            self._verifier.verify()
        except Exception:  # noqa: BLE001 the caller gets any error
            verified.errback(Failure())
        else:
            verified.callback(None)

    def set_framing(self, framing: Framing) -> None:
        """Change the framing; the bytes that were kept are decoded again."""
        self.framing = framing
        unread = bytes(self._unread)
        self._unread.clear()
        self.bytes_received -= len(unread)
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
            on_eof: called once when this side closes.
        """
        self._receive = receive
        self._on_full = on_full or _ignore
        self._receive_eof = on_eof or _ignore
        unread = bytes(self._unread)
        self._unread.clear()
        self.resume()
        if unread:
            receive(unread)

    def stop_delivering(self, unread: bytes) -> None:
        """Keep what arrives from now on, behind the bytes that the receiver has not used."""
        self._receive, self._receive_eof = self._keep, _ignore
        self._keep(unread)

    def send(self, payload: bytes) -> None:
        """Send payload bytes; does nothing once this side closes."""
        if payload and not self.is_closing:
            send_at_once(self.transport, self.framing.encode(payload))

    def ping(self) -> bool:
        """Send a ping; returns False where the framing has none or the outgoing buffer is full."""
        frame = b"" if self.is_closing or self.full else self.framing.ping()
        if frame:
            self.transport.write(frame)
        return bool(frame)

    def tell(self, text: str) -> None:
        """Send a text message between those of the payload, where the framing has any."""
        if not self.is_closing:
            self.transport.write(self.framing.text(text))

    def pause(self) -> None:
        """Stop reading from this side."""
        if not self.paused and not self.is_closing:
            self.paused = True
            self.transport.pauseProducing()

    def resume(self) -> None:
        """Read from this side again."""
        if self.paused:
            self.paused = False
            self.transport.resumeProducing()

    def set_paused(self, paused: bool) -> None:
        """Stop reading while the other leg's outgoing buffer is full."""
        if paused:
            self.pause()
        elif not self.held:
            self.resume()

    def hold(self) -> None:
        """Stop reading until `let_go`, whatever room the other leg has."""
        self.held = True
        self.pause()

    def let_go(self, other_is_full: bool) -> None:
        """Read again, unless the other leg's outgoing buffer is full."""
        self.held = False
        if not other_is_full:
            self.resume()

    def close(self, why: VNCProxyError, close_timeout: float, session_id: str = "") -> None:
        """Send a close frame, or half-close, after what was sent, and wait for the peer's close.

        Bytes that still arrive are read and dropped, up to `DROP_LIMIT`: unread bytes would turn
        the close into a reset, by which the peer loses the close frame.

        Args:
            close_timeout: seconds after which the connection is aborted.
            session_id: named in the close frame of a refusal.
        """
        if self._abort_timer is None and not self._lost:
            self._abort_timer = self.clock.callLater(close_timeout, self.transport.abortConnection)
        if self.is_closing:
            return
        self._begin_close(why)
        self.resume()
        sentence = why.sentence(session_id, CLOSE_REASON_LIMIT, self.say)
        frame = self.framing.close(why.close_code, sentence)
        self.transport.write(frame) if frame else shut_down_sending(self.transport)

    def dataReceived(self, data: bytes) -> None:
        """Receive bytes; called by the transport."""
        self.last_received_at = self.clock.seconds()
        try:
            payload = self.framing.receive(data)
        except FrameError as e:
            self._close_for_violation(e)
            return
        if payload and not self.is_closing:
            self.bytes_received += len(payload)
            self._receive(payload)
        reply = self.framing.replies()
        if self.framing.close_received:
            self._begin_close(self._closed_by_peer("closed by a close frame"))
            self._send_and_disconnect(reply)
        elif not self.is_closing:
            self._send_reply(reply)
        else:
            self._count_dropped(len(data))

    def take_payload(self, payload: bytes) -> None:
        """Receive payload bytes that were counted already; called by the transport."""
        if not self.is_closing:
            self._receive(payload)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close this side and cancel its timer; called by the transport."""
        self._lost = True
        verified, self._tls_verified = self._tls_verified, None
        if verified is not None and self._verifier is not None:
            verified.errback(self._verifier.failure(reason))
        if reason.check(ConnectionDone):
            self._begin_close(self._closed_by_peer("closed by the peer"))
        else:
            self._begin_close(ConnectionLost(reason.getErrorMessage()))
        if self._abort_timer is not None and self._abort_timer.active():
            self._abort_timer.cancel()
        # a pump and its leg refer to each other: free them without the garbage collector
        self.paused, self.transport = False, None
        if self.on_lost is not None:
            self.on_lost()
        if self._closed is not None:
            self._closed.callback(None)

    def pauseProducing(self) -> None:
        """The outgoing buffer is full; called by the transport."""
        self.full = True
        self._on_full(True)

    def resumeProducing(self) -> None:
        """The outgoing buffer has room again; called by the transport."""
        self.full = False
        reply, self._pending_reply = self._pending_reply, b""
        self._send_reply(reply)
        self._on_full(False)

    def stopProducing(self) -> None:
        """Do nothing: the transport calls `connectionLost` next."""

    def _keep(self, payload: bytes) -> None:
        self._unread += payload
        if len(self._unread) > UNREAD_LIMIT:
            self.pause()

    def _count_dropped(self, size: int) -> None:
        self._bytes_dropped += size
        if self._bytes_dropped > DROP_LIMIT:
            self.transport.abortConnection()

    def _send_reply(self, reply: bytes) -> None:
        """Send the framing's reply; only the newest is kept while the buffer is full."""
        if self.full:
            self._pending_reply = reply or self._pending_reply
        elif reply:
            self.transport.write(reply)

    def _close_for_violation(self, error: FrameError) -> None:
        self._begin_close(error)
        self._send_and_disconnect(self.framing.close(error.reply_code, "protocol error"))

    def _send_and_disconnect(self, frame: bytes) -> None:
        if self._lost:  # the receiver of the payload has closed it
            return
        transport = self.transport  # connectionLost, called by a failed write, sets it to None
        transport.write(frame)
        transport.loseConnection()

    def _begin_close(self, why: VNCProxyError) -> None:
        if self.is_closing:
            return
        self.is_closing = True
        # once lost, a TCP transport under TLS has no protocol and would raise
        if not self._lost:
            self.transport.unregisterProducer()
        self._receive = self._on_full = _ignore
        self.close_reason.callback(why)
        self._receive_eof()


def _is_server(transport: Any) -> bool:
    below = transport.transport if IHeaderLayer.providedBy(transport) else transport
    return isinstance(below, Server)


def _ignore(*_: object) -> None:
    """Drop what arrives."""
