"""Opens consoles: connects to an endpoint and runs its handshakes.

A login that has begun is finished also when its caller is cancelled: servers such as TigerVNC lock
an address out after a few connections that end before authentication. It begins with the attempt
to connect: the server may have accepted the connection before the proxy knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred

from ..addresses import NOT_DIALLED, is_own, meaning
from ..errors import ConnectionLost, UpstreamClosed, UpstreamUnreachable
from ..model import ConsoleEndpoint, RFBSecurity, Timeouts, Transport
from ..relay.leg import Leg
from ..relay.sockets import FIRST_PROBES, set_socket_options
from .background import finish_in_background
from .handshakes import ConsoleHandshakes
from .transport import connect_transport


@dataclass(frozen=True, slots=True)
class Console:
    """A console whose handshakes are done.

    Attributes:
        server_init: the ServerInit message, the first bytes for the viewer.
        host: its host; empty for this machine.
        is_vnc_server: as `is_vnc_server` returns.
        peer_session: the session's id in the zone that shows the console; empty for none.
    """

    leg: Leg
    server_init: bytes
    host: str = ""
    is_vnc_server: bool = False
    peer_session: str = ""


async def open_console(
    endpoint: ConsoleEndpoint,
    timeouts: Timeouts,
    reactor: Any,
    on_connected: Callable[[], object] = lambda: None,
    *,
    shared: bool = True,
) -> Console:
    """Connect to a console and run its handshakes.

    When it is cancelled, the login still runs to its end. Then the connection is closed without
    ClientInit, which could disconnect another viewer.

    Args:
        on_connected: is called between connecting and the handshakes.
        shared: whether the server is to leave its other viewers connected.

    Raises:
        UpstreamUnreachable: no connection in time, or one to this machine where that is forbidden.
        UpstreamViolation: the server violates its protocol, or exceeds a time limit.
        UpstreamClosed: the server closes the connection without a reason.
        UpstreamRefused: the server refuses the proxy.
        UpstreamBusy: it refuses all connections for a while.
        ConsoleInUse: it has another viewer, and admits one.
        UpstreamUntrusted: it is not verified, or offers less security than is configured.
        ConfigurationError: a file that is needed to verify it cannot be used.
    """
    handshakes, tight_tail = await _login(endpoint, timeouts, reactor, on_connected)
    try:
        server_init = await handshakes.initialise(shared=shared, tight_tail=tight_tail)
    except BaseException:
        handshakes.close()
        raise
    peer = handshakes.peer_session
    return Console(handshakes.leg, server_init, endpoint.host, is_vnc_server(endpoint), peer)


def is_vnc_server(endpoint: ConsoleEndpoint) -> bool:
    """Return whether an endpoint is a VNC server itself: no tunnel, no single-use ticket.

    A login there can be tried again without asking a backend.
    """
    plain = endpoint.transport in (Transport.TCP, Transport.UNIX, Transport.FD)
    return plain and all(isinstance(each, RFBSecurity) for each in endpoint.handshakes)


async def try_login(endpoint: ConsoleEndpoint, timeouts: Timeouts, reactor: Any) -> None:
    """Connect to a console, log in, and close without asking for the screen.

    Viewers of the console are not disturbed, and no server counts it as a failed attempt.

    Raises:
        VNCProxyError: as `open_console` does.
    """
    handshakes, _ = await _login(endpoint, timeouts, reactor)
    handshakes.close()
    await handshakes.leg.closed


def _login(
    endpoint: ConsoleEndpoint,
    timeouts: Timeouts,
    reactor: Any,
    on_connected: Callable[[], object] = lambda: None,
) -> Deferred[tuple[ConsoleHandshakes, bool]]:
    """Log in, to the end also when cancelled; returns `ConsoleHandshakes.authenticate`'s, too."""
    login = Deferred.fromCoroutine(_log_in(endpoint, timeouts, reactor, on_connected))
    return finish_in_background(login, lambda result: result[0].close())


async def _log_in(
    endpoint: ConsoleEndpoint, timeouts: Timeouts, reactor: Any, on_connected: Callable[[], object]
) -> tuple[ConsoleHandshakes, bool]:
    """Connect and log in; connect again where the server has never accepted the connection."""
    leg = await connect_transport(endpoint, timeouts, reactor)
    on_connected()
    end = reactor.seconds() + timeouts.handshake
    while True:
        handshakes = ConsoleHandshakes(leg, endpoint, timeouts, reactor, end)
        try:
            return handshakes, await _authenticate(handshakes, endpoint)
        except UpstreamClosed:
            if reactor.seconds() >= end or not await _is_unaccepted(leg, endpoint):
                raise
        leg = await connect_transport(endpoint, timeouts, reactor)


async def _authenticate(handshakes: ConsoleHandshakes, endpoint: ConsoleEndpoint) -> bool:
    """Run the handshakes of a login, as `ConsoleHandshakes.authenticate` does, or close."""
    try:
        _check_peer(handshakes.leg, endpoint)
        tight_tail = await handshakes.authenticate()
    except BaseException:
        handshakes.close()
        raise
    set_socket_options(handshakes.leg.transport)
    return tight_tail


async def _is_unaccepted(leg: Leg, endpoint: ConsoleEndpoint) -> bool:
    """Return whether a probe of a silent connection has shown that the server does not know it.

    Only of a server that speaks first, since any other one may have read what was sent, and only
    over TCP, since a file descriptor is good once.
    """
    silence = leg.clock.seconds() - leg.last_received_at
    dialled = endpoint.transport is Transport.TCP and is_vnc_server(endpoint)
    if leg.bytes_received or silence < FIRST_PROBES or not dialled:
        return False
    return isinstance(await leg.close_reason, ConnectionLost)


def _check_peer(leg: Leg, endpoint: ConsoleEndpoint) -> None:
    """Refuse a name that resolved to this machine, before anything is sent.

    Raises:
        UpstreamUnreachable: it did, and the configuration does not allow it.
    """
    if endpoint.allow_loopback or not endpoint.host:
        return
    peer = str(leg.transport.getPeer().host)
    if is_own(peer):
        raise UpstreamUnreachable(
            f"{endpoint}: {endpoint.host} is {peer} here, which is {meaning(peer)} and not dialled "
            f'blindly; write in addresses where its consoles are: "{endpoint.host}" = "…"',
            public=NOT_DIALLED,
        )
