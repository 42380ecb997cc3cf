"""Takes sockets out of their Twisted transports.

This is the one place that knows names which are private to Twisted. What does not look exactly as
expected is left where it is, and goes on with the plain relay; a test compares the names with the
installed Twisted, so that a new release which moves them is noticed.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from OpenSSL.SSL import WantReadError
from twisted.internet.tcp import Connection
from twisted.protocols.tls import TLSMemoryBIOProtocol

_BIO_CHUNK = 65536


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


def detachable(transport: object) -> bool:
    """Tell whether `detach` can take this transport now, without changing anything."""
    tls, raw = _layers(transport)
    if type(raw).__module__ not in ("twisted.internet.tcp", "twisted.internet.unix"):
        return False
    if not isinstance(raw, Connection) or not raw.connected or raw.disconnecting:
        return False
    if raw._writeDisconnecting or getattr(raw, "_sendmsgQueue", None):
        return False
    return tls is None or (tls._handshakeDone and not tls._lostTLSConnection and not tls._aborted)


def detach(transport: object) -> Detached:
    """Take a socket; its transport is dead afterwards, and tells nobody.

    Call it only outside of the transport's own callbacks, on what is `detachable`.
    """
    tls, raw = _layers(transport)
    connection = None if tls is None else _finish_tls(tls)
    raw.stopReading()
    raw.stopWriting()
    pending = bytes(raw.dataBuffer[raw.offset :]) + b"".join(raw._tempDataBuffer)
    if connection is not None:
        pending += drain(connection)
    raw.connected = 0
    raw.producer = raw.protocol = None
    raw.dataBuffer, raw._tempDataBuffer = b"", []
    return Detached(raw.socket, pending, connection)


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
    if isinstance(transport, TLSMemoryBIOProtocol):
        return transport, transport.transport
    if isinstance(transport, Connection) and transport.TLS:
        return transport.protocol, transport
    return None, transport


def _finish_tls(tls: Any) -> Any:
    aggregator = getattr(tls, "_aggregator", None)
    if aggregator is not None:
        aggregator.close()
    connection = tls._tlsConnection
    for plain in tls._appSendBuffer:
        connection.sendall(plain)
    tls._appSendBuffer = []
    tls._lostTLSConnection = True
    return connection
