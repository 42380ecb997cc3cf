"""Connects to the server of a console: from an endpoint to a leg without any handshake."""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
)
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from ..errors import ConsoleEnded, UpstreamUnreachable
from ..model import ConsoleEndpoint, Timeouts, Transport
from ..relay.leg import Leg
from ..relay.raw_framing import RawFraming
from ..relay.sockets import probe_soon, set_socket_options
from ..text import system_message


class _OneLeg(Factory[Leg]):
    noisy = False

    def __init__(self, leg: Leg) -> None:
        self._leg = leg

    def buildProtocol(self, addr: object) -> Leg:
        return self._leg


async def connect_transport(endpoint: ConsoleEndpoint, timeouts: Timeouts, reactor: Any) -> Leg:
    """Connect to the server of a console, without TLS, which the handshakes start.

    TCP probes a silent server each second, until `set_socket_options` is called after them.
    Names are resolved by the reactor's resolver, in its threads.

    Raises:
        UpstreamUnreachable: no connection within ``timeouts.connect``.
    """
    leg = Leg(RawFraming(), reactor, ConsoleEnded)
    factory = _OneLeg(leg)
    try:
        await _connect(endpoint, factory, timeouts.connect, reactor)
    except (TimeoutError, ConnectTimeout) as e:
        raise UpstreamUnreachable(
            f"{endpoint}: no answer within {timeouts.connect} s, timeouts.connect"
        ) from e
    except (ConnectError, DNSLookupError, OSError, ValueError) as e:
        raise UpstreamUnreachable(f"{endpoint}: {system_message(e)}") from e
    set_socket_options(leg.transport)
    probe_soon(leg.transport)
    return leg


def _connect(endpoint: ConsoleEndpoint, factory: _OneLeg, timeout: float, reactor: Any) -> Any:
    match endpoint.transport:
        case Transport.TCP | Transport.TLS | Transport.WSS:
            kind = _tcp_endpoint(endpoint.host)
            client: Any = kind(reactor, endpoint.host, endpoint.port, timeout=timeout)
        case Transport.WS:
            client = endpoint.dialled
        case Transport.UNIX:
            client = UNIXClientEndpoint(reactor, endpoint.path, timeout=timeout)
        case Transport.FD:
            return _adopt(endpoint.fd, factory, reactor)
    return client.connect(factory).addErrback(_as_cancelled).addTimeout(timeout, reactor)


def _as_cancelled(failure: Failure) -> Failure:
    """Convert the error that endpoints have of their own for a cancelled Deferred."""
    return Failure(CancelledError()) if failure.check(ConnectingCancelledError) else failure


def _tcp_endpoint(host: str) -> Any:
    """Return the endpoint class for a host: an address needs no resolver."""
    if isIPAddress(host):
        return TCP4ClientEndpoint
    return TCP6ClientEndpoint if isIPv6Address(host) else HostnameEndpoint


def _adopt(fd: int, factory: _OneLeg, reactor: Any) -> Deferred[None]:
    """Adopt a connected socket; the reactor duplicates its descriptor."""
    adopted: Deferred[None] = Deferred()
    try:
        with socket.socket(fileno=os.dup(fd)) as duplicate:
            family = duplicate.family
        reactor.adoptStreamConnection(fd, family, factory)
    finally:
        os.close(fd)
    adopted.callback(None)
    return adopted
