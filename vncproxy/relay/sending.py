"""Sends on Twisted's transports at once, instead of in the reactor's next turn.

A transport keeps what is written until the reactor reports its socket as writable: for each message
two changes of the epoll set, and a turn of the reactor. The sockets of handshakes and of Redis have
room nearly always, so what their kernel accepts is sent here, and the transport gets the rest.
"""

from __future__ import annotations

from socket import MSG_PEEK
from typing import Any

from twisted.internet.main import CONNECTION_LOST
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure

from .sockets import IHeaderLayer


def send_at_once(transport: Any, data: bytes) -> None:
    """Send bytes behind those written before; the transport sends what the kernel does not accept.

    A broken connection is reported to its protocol later, as after a write to the transport.
    """
    idle, sent = idle_connection(transport), 0
    if idle is not None:
        try:
            sent = idle.socket.send(data)
        except BlockingIOError:
            pass
        except OSError:
            _report_loss(idle)
    if sent < len(data):
        transport.write(data[sent:])


def idle_connection(transport: Any) -> Any:
    """Return the ``Connection`` of a transport that has nothing to send; None for any other one.

    TLS layers, closing transports and transports without Twisted's present names are others.
    """
    if not isinstance(transport, Connection):
        if not IHeaderLayer.providedBy(transport):
            return None
        transport = transport.transport
        # a TLS layer has the attributes of the transport below, past which it must not be sent
        if not isinstance(transport, Connection):
            return None
    try:
        if transport._tempDataBuffer or len(transport.dataBuffer) > transport.offset:
            return None
        if transport.TLS or transport._writeDisconnecting or transport.disconnecting:
            return None
        if getattr(transport, "_sendmsgQueue", None) or not transport.connected:
            return None
    except AttributeError:
        return None
    return transport


def _report_loss(connection: Any) -> None:
    """Report an error of the socket, which the kernel reports once, after what is left to read."""
    try:
        if connection.socket.recv(1, MSG_PEEK):
            return  # the transport reads first, and fails when it sends
    except OSError:
        pass
    connection.reactor.callLater(0, _lose, connection)


def _lose(connection: Any) -> None:
    if connection.connected:
        connection.connectionLost(Failure(CONNECTION_LOST))
