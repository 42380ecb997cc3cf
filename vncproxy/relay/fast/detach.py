"""Takes sockets out of their Twisted transports, and finds the reactor's epoll set.

Only this module uses names private to Twisted. A transport without the expected names keeps its
socket, and its session the plain relay; a test compares the names with the installed Twisted.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from select import epoll
from types import MethodType
from typing import Any

from OpenSSL.SSL import WantReadError
from twisted.internet.tcp import Connection
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.web.http import HTTPChannel

from ..sockets import IHeaderLayer

_BIO_CHUNK = 65536

TRANSPORT_NAMES = (
    *("connected", "disconnected", "disconnecting", "_writeDisconnecting"),
    *("dataBuffer", "offset", "_tempDataBuffer", "_tempDataLen"),
    *("fileno", "producer", "protocol", "socket", "TLS"),
)
"""Attributes of a transport that are read or deleted."""

TLS_NAMES = (
    *("_aborted", "_appSendBuffer", "_handshakeDone", "_lostTLSConnection", "_tlsConnection"),
    "factory",
)
"""The same of a TLS layer; newer releases have an ``_aggregator``, too."""


@dataclass(frozen=True, slots=True)
class Detached:
    """A connection without its transport.

    Attributes:
        socket: non-blocking, owned by the receiver of this value.
        pending: bytes written and not sent yet, encrypted already where there is TLS.
        tls: the ``OpenSSL.SSL.Connection`` over memory buffers; None without TLS.
    """

    socket: socket.socket
    pending: bytes
    tls: Any = None


def detachable(transport: Any) -> bool:
    """Return whether `detach` can take the socket of this transport now; changes nothing."""
    if IHeaderLayer.providedBy(transport) and not transport.peer_known:
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
    """Return whether a TLS layer has finished its handshake and does not close."""
    if not _has(tls, TLS_NAMES) or not tls._handshakeDone:
        return False
    return not (tls._lostTLSConnection or tls._aborted or tls._appSendBuffer)


def _has(thing: object, names: tuple[str, ...]) -> bool:
    try:
        _getter(names)(thing)
    except AttributeError:
        return False
    return True


@cache
def _getter(names: tuple[str, ...]) -> Callable[[object], object]:
    """Return a function that reads attributes: one call instead of one for each."""
    return attrgetter(*names)


def detach(transport: object) -> Detached:
    """Take the socket out of a `detachable` transport, which calls its protocol no more.

    Must not be called from the transport's own callbacks.
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
    # as after connectionLost: later calls of the transport cannot reach the socket
    del raw.protocol, raw.socket, raw.fileno
    _break_references(transport, tls, raw)
    return detached


def _break_references(transport: Any, tls: Any, raw: Any) -> None:
    """Delete circular references, which only the garbage collector would free."""
    if IHeaderLayer.providedBy(transport):
        transport.factory.unregisterProtocol(transport)
        transport.wrappedProtocol = None
    connector = vars(raw).pop("connector", None)
    if connector is not None:
        vars(connector).pop("factory", None)
    if tls is not None:
        tls.wrappedProtocol = None
        # TLS replaces methods of the transport by its own
        for name in [name for name, value in vars(raw).items() if _is_method_of(value, tls)]:
            delattr(raw, name)


def _is_method_of(value: object, owner: object) -> bool:
    return isinstance(value, MethodType) and value.__self__ is owner


def drain(connection: Any) -> bytes:
    """Return all encrypted bytes that a TLS connection has to send."""
    pieces = []
    while True:
        try:
            pieces.append(connection.bio_read(_BIO_CHUNK))
        except WantReadError:
            return b"".join(pieces)


def _layers(transport: Any) -> tuple[Any, Any]:
    """Return the TLS layer, if any, and the transport that owns the socket."""
    if IHeaderLayer.providedBy(transport):
        transport = transport.transport
    if isinstance(transport, TLSMemoryBIOProtocol):
        return transport, transport.transport
    if isinstance(transport, Connection) and transport.TLS:
        return getattr(transport, "protocol", None), transport
    return None, transport


def _end_tls(tls: Any) -> Any:
    """Take the connection out of a TLS layer, after encrypting what its aggregator buffers."""
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
    """Remove and return the bytes that an HTTP connection has received after its current request.

    They belong to the protocol that takes over the connection.
    """
    buffered: list[bytes] = channel._dataBuffer
    channel._dataBuffer = []
    return b"".join(buffered)
