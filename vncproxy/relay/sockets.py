"""What is set on every socket, downstream and upstream, at accept and connect."""

from __future__ import annotations

import socket

from twisted.internet.interfaces import INegotiated, ISSLTransport, ITCPTransport, ITransport

KEEPALIVE_IDLE = 60
"""Seconds of silence before TCP asks whether the peer is still there."""
KEEPALIVE_INTERVAL = 15
KEEPALIVE_PROBES = 4


def tune(transport: ITransport) -> None:
    """Set TCP_NODELAY and keepalive; does nothing on what is not TCP.

    Autobahn never sets TCP_NODELAY on server connections, whatever its option says, and small
    updates that are held back by Nagle's algorithm are felt by whoever types.
    """
    get_handle = getattr(transport, "getHandle", None)
    handle = get_handle() if get_handle else None
    # a TLS connection's handle passes socket calls on
    family = getattr(handle, "family", None)
    if handle is None or family not in (None, socket.AF_INET, socket.AF_INET6):
        return
    try:
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    except (AttributeError, OSError):
        return


def shut_down_sending(transport: ITransport) -> None:
    """Let what was written leave, then tell the peer that no more will come.

    Plain TCP and unix sockets are half-closed, so that what the peer still sends can be read; TLS
    has no half-close and is closed.
    """
    encrypted = ISSLTransport.providedBy(transport) or INegotiated.providedBy(transport)
    if ITCPTransport.providedBy(transport) and not encrypted:
        transport.loseWriteConnection()
    else:
        transport.loseConnection()
