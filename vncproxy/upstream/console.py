"""Reaches consoles: dials, goes under TLS or into a web socket, and runs the handshakes.

A login that has begun is finished also when nobody waits any more: servers such as TigerVNC's lock
an address out after a few connections that end before they have authenticated. A connection that is
being made has begun: the server may have it before the proxy knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred

from ..addresses import NOT_DIALLED, is_own, meaning
from ..errors import UpstreamUnreachable
from ..model import ConsoleEndpoint, RFBSecurity, Timeouts, Transport
from ..relay.leg import Leg
from .dial import dial
from .login import Approach
from .unattended import unattended


@dataclass(frozen=True, slots=True)
class Console:
    """A reached console.

    Attributes:
        server_init: the ServerInit message, which the viewer is to get first.
        host: on which it was reached; empty where that is this machine.
        is_vnc_server: whether a VNC server itself was dialled, which can be asked again for little.
    """

    leg: Leg
    server_init: bytes
    host: str = ""
    is_vnc_server: bool = False


async def reach(endpoint: ConsoleEndpoint, timeouts: Timeouts, reactor: Any) -> Console:
    """Connect to a console and run its handshakes.

    Cancelled, it goes on until the server trusts the proxy, and closes then, without asking for the
    screen: that could throw another viewer out.

    Raises:
        UpstreamUnreachable: nothing answers there in time, or this machine itself does and may not.
        UpstreamViolation: the server does not do what its protocol says, or not in time.
        UpstreamClosed: the server closes the connection without a word.
        UpstreamRefused: the server refuses the proxy.
        UpstreamBusy: it admits nobody for a while.
        ConsoleInUse: it has another viewer, and admits one.
        UpstreamUntrusted: it is not verified, or offers less than what is configured.
        ConfigurationError: a file that is needed to verify it cannot be used.
    """
    approach, tight_tail = await _login(endpoint, timeouts, reactor)
    try:
        server_init = await approach.initialise(tight_tail=tight_tail)
    except BaseException:
        approach.close()
        raise
    return Console(approach.leg, server_init, endpoint.host, is_vnc_server(endpoint))


def is_vnc_server(endpoint: ConsoleEndpoint) -> bool:
    """Return whether an endpoint is a VNC server, with no tunnel and nothing that is good once."""
    plain = endpoint.transport in (Transport.TCP, Transport.UNIX, Transport.FD)
    return plain and all(isinstance(each, RFBSecurity) for each in endpoint.handshakes)


async def try_login(endpoint: ConsoleEndpoint, timeouts: Timeouts, reactor: Any) -> None:
    """Connect to a console, log in, and close without asking for the screen.

    Whoever looks at the console notices nothing, and no server counts it as a failed attempt.

    Raises:
        VNCProxyError: as `reach` does.
    """
    approach, _ = await _login(endpoint, timeouts, reactor)
    approach.close()
    await approach.leg.closed


def _login(
    endpoint: ConsoleEndpoint, timeouts: Timeouts, reactor: Any
) -> Deferred[tuple[Approach, bool]]:
    """Log in at a console, unattended if need be; returns what `Approach.secure` does, too."""
    begun = Deferred.fromCoroutine(_log_in(endpoint, timeouts, reactor))
    return unattended(begun, lambda result: result[0].close())


async def _log_in(
    endpoint: ConsoleEndpoint, timeouts: Timeouts, reactor: Any
) -> tuple[Approach, bool]:
    leg = await dial(endpoint, timeouts, reactor)
    approach = Approach(leg, endpoint, timeouts, reactor)
    try:
        _check_peer(leg, endpoint)
        return approach, await approach.secure()
    except BaseException:
        approach.close()
        raise


def _check_peer(leg: Leg, endpoint: ConsoleEndpoint) -> None:
    """Refuse a name that was resolved to this machine itself, before anything is sent.

    Raises:
        UpstreamUnreachable: it was, and no operator wrote that it may be.
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
