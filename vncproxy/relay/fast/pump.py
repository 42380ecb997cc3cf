"""A socket as a flow of the dispatcher, and as the transport of a leg.

A pump replaces a leg's Twisted transport, and sends directly to the other pump: bytes are received
into the dispatcher's buffer, a frame's header is written in front of them, and one ``send`` sends
both. Other cases go through `Leg.dataReceived`, as in the plain relay. The docstring of the package
has the way of a byte.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from enum import Enum

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from zope.interface import implementer

from ...interfaces import IGuard
from ..leg import Leg
from ..sockets import IFinishesSending, reset_on_close
from ..websocket_framing import WebSocketFraming
from .detach import Detached
from .dispatcher import GONE, HEAD_ROOM, READABLE, WRITABLE, Dispatcher
from .frames import gather_payload, mask_frame, unmask_frames, write_head
from .tapped import SendsPayload

BULK, INTERACTIVE = 32768, 4096
"""A read of at least the first makes a flow bulk; one of less than the second, interactive."""

_NOT_READABLE = WRITABLE | GONE

_MOVES, _POINTER_LENGTH = b"\5\0", 6
"""How a PointerEvent without buttons begins, and its length (RFC 6143 section 7.5.5)."""


class FramingType(Enum):
    """The framings that have shortcuts."""

    RAW = "raw"
    WEBSOCKET = "websocket"
    WEBSOCKET_CLIENT = "websocket client"
    OTHER = "other"


_COPIED = (FramingType.WEBSOCKET, FramingType.OTHER)
"""The framings whose bytes are copied, as those of a direction with stages are."""


class Closing(Enum):
    """What follows after the pending bytes are sent."""

    NOT = "not"
    HALF = "shut down sending"
    WHOLE = "close"


@implementer(IFinishesSending)
class Pump:
    """One side of a joined pair, without TLS.

    Args:
        leg: gets this transport.
        framing_type: selects the shortcuts.
        detached: the socket, and the bytes to be sent first.
        seconds: the clock.
    """

    __slots__ = (
        "_bulk",
        "_closing",
        "_copies",
        "_dispatcher",
        "_events",
        "_fd",
        "_framing_type",
        "_guard",
        "_leg",
        "_other",
        "_pending",
        "_seconds",
        "_socket",
    )

    def __init__(
        self,
        leg: Leg,
        framing_type: FramingType,
        detached: Detached,
        dispatcher: Dispatcher,
        seconds: Callable[[], float],
    ) -> None:
        self._leg = leg
        self._framing_type = framing_type
        self._socket = detached.socket
        self._fd = detached.socket.fileno()
        self._dispatcher = dispatcher
        self._seconds = seconds
        self._pending = bytearray(detached.pending)
        self._other: SendsPayload | None = None
        self._guard: IGuard | None = None
        self._copies = True
        self._bulk = False
        self._closing = Closing.NOT
        self._events = 0
        dispatcher.add(self._fd, self)

    def join(self, other: SendsPayload | None, guard: IGuard | None = None) -> None:
        """Start, passing received bytes to another pump; to the leg if there is none.

        What the leg's stages parse, or a tap copies, is read in small pieces: other sessions wait
        meanwhile.

        Args:
            guard: says which payload may go to the other pump; the leg's stages get the rest.
        """
        self._other, self._guard = other, guard
        is_direct = isinstance(other, Pump) and guard is None
        self._copies = not is_direct or self._framing_type in _COPIED
        self._set_events(READABLE | (WRITABLE if self._pending else 0))
        if self._pending:
            self._leg.pauseProducing()

    # called by the dispatcher

    def ready(self, events: int) -> None:
        """Read once, and send pending bytes.

        Reading comes first: after a reset a write would fail, and unread bytes would be lost.
        """
        try:
            if events & self._events & READABLE:
                self._receive()
                if events & GONE:
                    return
            if events & _NOT_READABLE and self._events & WRITABLE:
                self._flush()
        except OSError as e:
            self._disconnect(ConnectionLost(e.strerror))
        except Exception as e:  # noqa: BLE001 one session's defect must not stop the others
            self._dispatcher.log.failure("a relay failed")
            self._disconnect(e)

    def _receive(self) -> None:
        dispatcher = self._dispatcher
        window = dispatcher.shared_window if self._copies else dispatcher.window
        try:
            size = self._socket.recv_into(window)
        except BlockingIOError:
            return
        if not size:
            self._disconnect(ConnectionDone())
            return
        if size >= BULK or self._bulk:
            self._update_priority(size)
        self._pass_on(HEAD_ROOM, HEAD_ROOM + size)

    def _pass_on(self, start: int, end: int) -> None:
        """Pass decrypted bytes in the dispatcher's buffer to the other side."""
        leg, other = self._leg, self._other
        if other is None or leg.is_closing or self._framing_type is FramingType.OTHER:
            self._pass_to_leg(bytes(self._dispatcher.view[start:end]))
        elif self._framing_type is FramingType.WEBSOCKET:
            self._pass_on_frames(start, end, other)
        elif self._framing_type is FramingType.WEBSOCKET_CLIENT:
            self._pass_on_payload(start, end, other)
        else:
            leg.last_received_at = self._seconds()
            leg.bytes_received += end - start
            guard = self._guard
            # a pointer that moves is looked at here: a call costs as much again
            if guard is None or (
                end - start == _POINTER_LENGTH
                and guard.is_quiet
                and self._dispatcher.buffer.startswith(_MOVES, start)
            ):
                other.send_payload(start, end)
            else:
                self._pass_guarded(start, end, other, guard)

    def _pass_guarded(self, start: int, end: int, other: SendsPayload, guard: IGuard) -> None:
        """Send payload that the guard lets pass; the leg's stages process the rest."""
        if guard.passes(self._dispatcher.buffer, start, end):
            other.send_payload(start, end)
            return
        self._leg.take_payload(bytes(self._dispatcher.view[start:end]))
        if self._leg.is_closing:
            self._dispatcher.end_turn()

    def _pass_on_frames(self, start: int, end: int, other: SendsPayload) -> None:
        """Unmask short, whole frames in place and send their payload; the leg gets the rest."""
        out = at = start
        if self._leg.framing.between_messages:
            out, at = unmask_frames(self._dispatcher.buffer, start, end)
        self._pass_on_parts(start, out, at, end, other)

    def _pass_on_payload(self, start: int, end: int, other: SendsPayload) -> None:
        """Send the payload of a server's binary frames; the leg gets the rest."""
        framing = self._leg.framing
        assert isinstance(framing, WebSocketFraming)
        begin, out, at = gather_payload(self._dispatcher.view, framing, start, end)
        self._pass_on_parts(begin, out, at, end, other)

    def _pass_on_parts(self, begin: int, out: int, at: int, end: int, other: SendsPayload) -> None:
        """Send the payload from ``begin`` to ``out``; the leg gets ``at`` to ``end``."""
        leg, rest = self._leg, bytes(self._dispatcher.view[at:end])
        if out > begin:
            leg.last_received_at = self._seconds()
            leg.bytes_received += out - begin
            guard = self._guard
            if guard is None or (
                out - begin == _POINTER_LENGTH
                and guard.is_quiet
                and self._dispatcher.buffer.startswith(_MOVES, begin)
            ):
                other.send_payload(begin, out)
            else:
                self._pass_guarded(begin, out, other, guard)
        if rest:
            self._pass_to_leg(rest)

    def _pass_to_leg(self, data: bytes) -> None:
        self._leg.dataReceived(data)
        if self._leg.is_closing or self._leg.held:
            self._dispatcher.end_turn()

    # sending

    def send_payload(self, start: int, end: int) -> None:
        """Send payload in the dispatcher's buffer, with a frame's header for a WebSocket."""
        if self._leg.is_closing:
            return
        if self._framing_type is FramingType.OTHER:
            self._leg.send(bytes(self._dispatcher.view[start:end]))
            return
        buffer, view = self._dispatcher.buffer, self._dispatcher.view
        if self._framing_type is FramingType.WEBSOCKET:
            start = write_head(buffer, start, end - start)
        elif self._framing_type is FramingType.WEBSOCKET_CLIENT:
            start = mask_frame(buffer, view, start, end)
        self._send(view[start:end])

    def write(self, data: bytes) -> None:
        """Send bytes as they are; called by the leg."""
        if self._closing is Closing.NOT and self._fd >= 0:
            self._send(memoryview(data))

    def _send(self, data: memoryview) -> None:
        """Send at once what the kernel accepts, and keep the rest."""
        if self._pending:
            self._pending += data
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as e:
            self._disconnect(ConnectionLost(e.strerror))
            return
        if sent < len(data):
            self._pending += data[sent:]
            self._set_events(self._events | WRITABLE)
            if not self._leg.is_closing:
                self._leg.pauseProducing()

    def _flush(self) -> None:
        try:
            with memoryview(self._pending) as data:
                sent = self._socket.send(data)
        except BlockingIOError:
            return
        del self._pending[:sent]
        if self._pending:
            return
        self._set_events(self._events & ~WRITABLE)
        match self._closing:
            case Closing.NOT if not self._leg.is_closing:
                self._leg.resumeProducing()
            case Closing.HALF:
                self._socket.shutdown(socket.SHUT_WR)
            case Closing.WHOLE:
                self._disconnect(ConnectionDone())

    # called by the leg, as on any transport

    def pauseProducing(self) -> None:
        """Stop reading."""
        self._set_events(self._events & ~READABLE)

    def resumeProducing(self) -> None:
        """Read again."""
        self._set_events(self._events | READABLE)

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """Do nothing: the leg is called about a full buffer until it closes."""

    def unregisterProducer(self) -> None:
        """Do nothing."""

    def loseConnection(self) -> None:
        """Close after the pending bytes are sent."""
        self._closing = Closing.WHOLE
        if not self._pending:
            self._disconnect(ConnectionDone())

    def finish_sending(self) -> None:
        """Shut down sending after the pending bytes are sent."""
        self._closing = Closing.HALF
        if not self._pending and self._fd >= 0:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError as e:
                self._disconnect(ConnectionLost(e.strerror))

    def abortConnection(self) -> None:
        """Close at once, with a reset."""
        self._disconnect(ConnectionAborted())

    def getHandle(self) -> socket.socket:
        """Return the socket."""
        return self._socket

    def _set_events(self, events: int) -> None:
        if self._fd >= 0 and events != self._events:
            self._dispatcher.change(self._fd, self._bulk, self._events, events)
            self._events = events

    def _update_priority(self, size: int) -> None:
        bulk = size >= BULK or (self._bulk and size >= INTERACTIVE)
        if bulk is not self._bulk:
            self._bulk = bulk
            self._dispatcher.reclassify(self._fd, bulk, self._events)

    def _disconnect(self, why: Exception) -> None:
        if self._fd < 0:
            return
        self._dispatcher.remove(self._fd, self._bulk, self._events)
        self._fd, self._events, self._other = -1, 0, None
        self._pending = bytearray()
        if isinstance(why, ConnectionAborted):
            reset_on_close(self._socket)
        self._socket.close()
        self._dispatcher.end_turn()
        self._leg.connectionLost(Failure(why))
