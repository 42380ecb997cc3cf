"""Options of every socket, set at accept and connect, and the half-close of any transport."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

from twisted.internet.interfaces import INegotiated, ISSLTransport, ITCPTransport, ITransport
from zope.interface import Attribute, Interface


class IHeaderLayer(Interface):
    """A layer over a transport that reads a header first, and passes on the bytes after it."""

    peer_known = Attribute("Whether the header, which may contain the peer's address, has come.")
    transport = Attribute("The transport below.")
    wrappedProtocol = Attribute("The protocol that receives the bytes after the header.")
    factory = Attribute("The ``WrappingFactory`` that registers the layer.")


class IFinishesSending(Interface):
    """A transport that half-closes by itself: a pump."""

    def finish_sending() -> None:
        """Half-close after everything written is sent; close where there is no half-close."""


KEEPALIVE_IDLE = 60
"""Seconds without a packet after which TCP sends keepalive probes."""
KEEPALIVE_INTERVAL = 15
KEEPALIVE_PROBES = 4
FIRST_PROBES = 1
"""The same seconds, and those between probes, while a server has to speak first."""
UNACKNOWLEDGED = 120
"""Seconds for which sent bytes may stay unacknowledged before TCP drops the connection."""
UNREAD = 65536
"""Bytes of a refused connection that are read before it is closed."""


def set_socket_options(transport: ITransport) -> None:
    """Set TCP_NODELAY, keepalive and the user timeout; does nothing on other sockets than TCP.

    Autobahn does not set TCP_NODELAY on server connections, whatever its option says, and Nagle's
    algorithm delays small updates noticeably.
    """
    # layers such as TLS have the attribute of the transport below
    handle = getattr(transport, "socket", None)
    if not isinstance(handle, socket.socket) or handle.family == socket.AF_UNIX:
        return
    with suppress(OSError):  # the peer is gone already
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED * 1000)


def probe_soon(transport: ITransport) -> None:
    """Let TCP probe a silent connection each second, until `set_socket_options` is called again.

    Linux drops the last packet of a handshake when the server's accept queue is full. The client
    is connected then and the server is not, for ever if the client waits for the server's first
    bytes: QEMU has room for one connection, TigerVNC for five. A probe is answered by a reset.
    """
    handle = getattr(transport, "socket", None)
    if isinstance(handle, socket.socket) and handle.family != socket.AF_UNIX:
        with suppress(OSError):  # the peer is gone already
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, FIRST_PROBES)
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, FIRST_PROBES)


def drop_unread(transport: ITransport) -> None:
    """Read what has arrived and drop it: unread bytes would turn a close into a reset."""
    handle = getattr(transport, "socket", None)
    if isinstance(handle, socket.socket):
        with suppress(OSError):  # nothing has arrived
            handle.recv(UNREAD)


def shut_down_sending(transport: ITransport) -> None:
    """Half-close after everything written is sent.

    Plain TCP and unix sockets can still be read after it; TLS has no half-close and is closed.
    """
    if IFinishesSending.providedBy(transport):
        transport.finish_sending()
        return
    encrypted = ISSLTransport.providedBy(transport) or INegotiated.providedBy(transport)
    if ITCPTransport.providedBy(transport) and not encrypted:
        transport.loseWriteConnection()
    else:
        transport.loseConnection()


def reset_on_close(connection: socket.socket) -> None:
    """Let a socket be closed with a reset; what waits to be sent is lost then."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
