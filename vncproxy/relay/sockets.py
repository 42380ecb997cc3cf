"""What is set on every socket, downstream and upstream, at accept and connect."""

from __future__ import annotations

import socket
from contextlib import suppress

from twisted.internet.interfaces import INegotiated, ISSLTransport, ITCPTransport, ITransport
from zope.interface import Attribute, Interface


class IPassesOn(Interface):
    """A layer over a transport that reads a header first, and passes on all that follows."""

    peer_known = Attribute("Whether the header has come, which may say who the peer is.")
    transport = Attribute("The transport below.")
    wrappedProtocol = Attribute("What gets all that follows.")
    factory = Attribute("A ``WrappingFactory``, which counts the layer.")


class ISendsToTheEnd(Interface):
    """A transport of our own, which knows how to say that no more will come."""

    def finish_sending() -> None:
        """Let what was written leave, then half-close, or close where there is no half-close."""


KEEPALIVE_IDLE = 60
"""Seconds of silence before TCP asks whether the peer is still there."""
KEEPALIVE_INTERVAL = 15
KEEPALIVE_PROBES = 4
UNACKNOWLEDGED = 120
"""Seconds after which a peer that takes none of the bytes sent to it counts as gone."""


def tune(transport: ITransport) -> None:
    """Set TCP_NODELAY and the limits of silence; does nothing on what is not TCP.

    Autobahn never sets TCP_NODELAY on server connections, whatever its option says, and small
    updates that are held back by Nagle's algorithm are felt by whoever types.
    """
    # wrappers such as TLS pass the attribute of the transport below on
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


def shut_down_sending(transport: ITransport) -> None:
    """Let what was written leave, then tell the peer that no more will come.

    Plain TCP and unix sockets are half-closed, so that what the peer still sends can be read; TLS
    has no half-close and is closed.
    """
    if ISendsToTheEnd.providedBy(transport):
        transport.finish_sending()
        return
    encrypted = ISSLTransport.providedBy(transport) or INegotiated.providedBy(transport)
    if ITCPTransport.providedBy(transport) and not encrypted:
        transport.loseWriteConnection()
    else:
        transport.loseConnection()
