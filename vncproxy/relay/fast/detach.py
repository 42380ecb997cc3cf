"""Takes sockets out of their Twisted transports, and looks into the reactor.

This is the one place that knows names which are private to Twisted. What does not look exactly as
expected is left where it is, and goes on with the plain relay; a test compares the names with the
installed Twisted, so that a new release which moves them is noticed.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from select import epoll
from types import MethodType
from typing import Any

from OpenSSL.SSL import WantReadError
from twisted.internet.tcp import Connection
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.web.http import HTTPChannel

from ..sockets import IPassesOn

_BIO_CHUNK = 65536

TRANSPORT_NAMES = (
    *("connected", "disconnected", "disconnecting", "_writeDisconnecting"),
    *("dataBuffer", "offset", "_tempDataBuffer", "_tempDataLen"),
    *("fileno", "producer", "protocol", "socket", "TLS"),
)
"""What is read from a transport, or taken away from it."""

TLS_NAMES = (
    *("_aborted", "_appSendBuffer", "_handshakeDone", "_lostTLSConnection", "_tlsConnection"),
    "factory",
)
"""The same of a TLS layer; newer ones have an ``_aggregator``, too."""


@dataclass(frozen=True, slots=True)
class Detached:
    """A connection without its transport.

    Attributes:
        socket: non-blocking, and owned by the receiver of this value.
        pending: what was written and has not left yet, encrypted already where there is TLS.
        tls: the ``OpenSSL.SSL.Connection`` over memory buffers; None without TLS.
    """

    socket: socket.socket
    pending: bytes
    tls: Any = None


def detachable(transport: Any) -> bool:
    """Tell whether `detach` can take this transport now, without changing anything."""
    if IPassesOn.providedBy(transport) and not transport.peer_known:
        return False
    tls, raw = _layers(transport)
    if type(raw).__module__ not in ("twisted.internet.tcp", "twisted.internet.unix"):
        return False
    if not isinstance(raw, Connection) or not _has(raw, TRANSPORT_NAMES):
        return False
    if not raw.connected or raw.disconnecting or raw._writeDisconnecting:
        return False
    if getattr(raw, "_sendmsgQueue", None):
        return False
    return tls is None or _tls_detachable(tls)


def _tls_detachable(tls: Any) -> bool:
    """Tell whether a TLS layer neither shakes hands nor ends."""
    if not _has(tls, TLS_NAMES) or not tls._handshakeDone:
        return False
    return not (tls._lostTLSConnection or tls._aborted or tls._appSendBuffer)


def _has(thing: object, names: tuple[str, ...]) -> bool:
    return all(hasattr(thing, name) for name in names)


def detach(transport: object) -> Detached:
    """Take a socket; its transport is dead afterwards, and tells nobody.

    Call it only outside of the transport's own callbacks, on what is `detachable`.
    """
    tls, raw = _layers(transport)
    connection = None if tls is None else _end_tls(tls)
    raw.stopReading()
    raw.stopWriting()
    pending = bytes(raw.dataBuffer[raw.offset :]) + b"".join(raw._tempDataBuffer)
    if connection is not None:
        pending += drain(connection)
    detached = Detached(raw.socket, pending, connection)
    raw.connected, raw.disconnected, raw.producer = 0, 1, None
    raw.dataBuffer, raw.offset, raw._tempDataBuffer, raw._tempDataLen = b"", 0, [], 0
    # as when a connection is lost: whoever still calls the transport cannot reach the socket
    del raw.protocol, raw.socket, raw.fileno
    _part(transport, tls, raw)
    return detached


def _part(transport: Any, tls: Any, raw: Any) -> None:
    """Let go of what know each other, and would wait for the garbage collector."""
    if IPassesOn.providedBy(transport):
        transport.factory.unregisterProtocol(transport)
        transport.wrappedProtocol = None
    connector = vars(raw).pop("connector", None)
    if connector is not None:
        vars(connector).pop("factory", None)
    if tls is not None:
        tls.wrappedProtocol = None
        # methods that TLS puts in the place of the transport's own
        for name in [name for name, value in vars(raw).items() if _is_method_of(value, tls)]:
            delattr(raw, name)


def _is_method_of(value: object, owner: object) -> bool:
    return isinstance(value, MethodType) and value.__self__ is owner


def drain(connection: Any) -> bytes:
    """Return all that a TLS connection wants to send."""
    pieces = []
    while True:
        try:
            pieces.append(connection.bio_read(_BIO_CHUNK))
        except WantReadError:
            return b"".join(pieces)


def _layers(transport: Any) -> tuple[Any, Any]:
    """Return the TLS layer, or None, and the transport that has the socket."""
    if IPassesOn.providedBy(transport):
        transport = transport.transport
    if isinstance(transport, TLSMemoryBIOProtocol):
        return transport, transport.transport
    if isinstance(transport, Connection) and transport.TLS:
        return getattr(transport, "protocol", None), transport
    return None, transport


def _end_tls(tls: Any) -> Any:
    """Let a TLS layer encrypt what it has held back, and forget it."""
    aggregator = getattr(tls, "_aggregator", None)
    if aggregator is not None:
        aggregator.close()
        for thing, name in ((tls, "write"), (aggregator, "_write")):
            vars(thing).pop(name, None)
    connection = tls._tlsConnection
    connection.set_app_data(None)
    tls._lostTLSConnection = True
    tls.factory.unregisterProtocol(tls)
    return connection


def epoll_set_of(reactor: Any) -> int:
    """Return the file descriptor of an epoll reactor's set; -1 for any other reactor."""
    poller = getattr(reactor, "_poller", None)
    if isinstance(poller, epoll) and callable(getattr(reactor, "timeout", None)):
        return poller.fileno()
    return -1


def take_pipelined(channel: HTTPChannel) -> bytes:
    """Return what an HTTP connection has received behind the request that it serves, and keep none.

    Another protocol takes the connection over, and is given these bytes.
    """
    buffered: list[bytes] = channel._dataBuffer
    channel._dataBuffer = []
    return b"".join(buffered)
