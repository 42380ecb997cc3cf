"""Reaches consoles: dials, goes under TLS or into a web socket, and runs the handshakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from ..addresses import NOT_DIALLED, is_own
from ..errors import ConsoleEnded, UpstreamClosed, UpstreamUnreachable, UpstreamViolation
from ..handshakes import reach_console
from ..model import ConsoleEndpoint, Timeouts, TLSTrust, Transport
from ..relay.frames import WebSocketFraming
from ..relay.leg import Leg
from ..steps import EndOfStream, StartTLS, StepError, Steps
from ..tls import TLSClient
from .dial import dial
from .websocket import open_websocket

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Console:
    """A reached console.

    Attributes:
        server_init: the ServerInit message, which the viewer is to get first.
        host: on which it was reached; empty where that is this machine.
    """

    leg: Leg
    server_init: bytes
    host: str = ""


async def reach(endpoint: ConsoleEndpoint, timeouts: Timeouts, reactor: Any) -> Console:
    """Connect to a console and run its handshakes.

    Raises:
        UpstreamUnreachable: nothing answers there in time, or this machine itself does and may not.
        UpstreamViolation: the server does not do what its protocol says, or not in time.
        UpstreamClosed: the server closes the connection without a word.
        UpstreamRefused: the server refuses the proxy.
        UpstreamUntrusted: it is not verified, or offers less than what is configured.
        ConfigurationError: a file that is needed to verify it cannot be used.
    """
    leg = await dial(endpoint, timeouts, reactor)
    try:
        _check_peer(leg, endpoint)
        server_init = await _shake_hands(leg, endpoint, timeouts.handshake, reactor)
        return Console(leg, server_init, endpoint.host)
    except BaseException:
        leg.close(ConsoleEnded(), timeouts.linger)
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
            f"{endpoint}: {endpoint.host} is {peer} here, which is this machine and not dialled "
            f'blindly; write in addresses where its consoles are: "{endpoint.host}" = "…"',
            public=NOT_DIALLED,
        )


async def _shake_hands(leg: Leg, endpoint: ConsoleEndpoint, timeout: float, clock: Any) -> bytes:
    def secure(step: StartTLS) -> TLSClient:
        return TLSClient(step.trust, endpoint.host)

    try:
        if endpoint.transport is Transport.WSS:
            end = clock.seconds() + timeout
            opening = open_websocket(endpoint.host, endpoint.port, endpoint.path)
            await leg.converse(_under_tls(endpoint, opening), timeout, secure)
            leg.speak(WebSocketFraming(client=True))
            timeout = max(0.0, end - clock.seconds())
        return await leg.converse(_rfb(endpoint), timeout, secure)
    except EndOfStream as e:
        raise UpstreamClosed(f"{endpoint}: {e.detail}") from e
    except StepError as e:
        raise UpstreamViolation(f"{endpoint}: {e.detail}") from e


def _rfb(endpoint: ConsoleEndpoint) -> Steps[bytes]:
    steps = reach_console(endpoint.handshakes)
    return _under_tls(endpoint, steps) if endpoint.transport is Transport.TLS else steps


def _under_tls(endpoint: ConsoleEndpoint, steps: Steps[T]) -> Steps[T]:
    yield StartTLS(endpoint.tls or TLSTrust())
    return (yield from steps)
