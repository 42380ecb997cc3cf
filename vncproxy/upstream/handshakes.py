"""The handshakes with the server of a console, in two parts: authentication, then ServerInit."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004

from ..errors import (
    ConsoleEnded,
    ConsoleInUse,
    UpstreamClosed,
    UpstreamRefused,
    UpstreamViolation,
)
from ..handshake.http_connect import http_connect
from ..handshake.steps import EndOfStream, StartTLS, StepError, Steps
from ..model import ConsoleEndpoint, Handshake, HTTPConnect, Timeouts, TLSTrust, Transport
from ..relay.handshaking import HandshakeTimeout, run_handshake
from ..relay.leg import Leg
from ..relay.websocket_framing import WebSocketFraming
from ..rfb.security import negotiate_security
from ..rfb.server_init import initialise
from ..tls.verification import TLSClient
from .websocket import open_websocket

T = TypeVar("T")

_WEB_SOCKETS = (Transport.WSS, Transport.WS)

CLOSE_FRAME_TIME = 1.0
"""Seconds to wait for the close frame of a server that has refused."""


class ConsoleHandshakes:
    """All handshakes of one connection to a console.

    Args:
        leg: without any handshake yet.
        end: when the time limit of all handshakes is reached, in seconds of the clock.

    Attributes:
        leg: the connection.
        peer_session: the session's id in another zone; empty where there is none.
    """

    def __init__(
        self, leg: Leg, endpoint: ConsoleEndpoint, timeouts: Timeouts, clock: Any, end: float
    ) -> None:
        self.leg = leg
        self.peer_session = ""
        self._endpoint = endpoint
        self._close_timeout = timeouts.linger
        self._clock = clock
        self._timeout = timeouts.handshake
        self._end = end

    async def authenticate(self) -> bool:
        """Run all handshakes up to the SecurityResult.

        Returns:
            Whether ServerInit will have the tail of security type Tight.

        Raises:
            UpstreamViolation: see `open_console`.
        """
        endpoint = self._endpoint
        if endpoint.transport in _WEB_SOCKETS:
            opening = open_websocket(endpoint.host, endpoint.port, endpoint.path, endpoint.headers)
            if endpoint.transport is Transport.WSS:
                opening = _under_tls(endpoint, opening)
            self.peer_session = await self._run(opening)
            self.leg.set_framing(WebSocketFraming(client=True))
        steps = configured_handshakes(endpoint.handshakes)
        if endpoint.transport is Transport.TLS:
            steps = _under_tls(endpoint, steps)
        try:
            return await self._run(steps)
        except UpstreamRefused as e:
            e.peer_close = await self._close_code()
            raise

    async def _close_code(self) -> int:
        """Return the code of the close frame that follows a refusal in a web socket."""
        if self._endpoint.transport not in _WEB_SOCKETS:
            return 0
        closed: Deferred[None] = Deferred()
        self.leg.deliver(lambda _: None, on_eof=lambda: closed.callback(None))
        if not self.leg.is_closing:
            with suppress(TimeoutError):
                await closed.addTimeout(CLOSE_FRAME_TIME, self._clock)
        close = self.leg.framing.peer_close
        return close.code if close else 0

    async def initialise(self, *, shared: bool, tight_tail: bool) -> bytes:
        """Send ClientInit; returns the ServerInit message.

        Raises:
            ConsoleInUse: the server closes here, as servers do that have another viewer.
            UpstreamViolation: see `open_console`.
        """
        try:
            return await self._run(initialise(shared=shared, tight_tail=tight_tail))
        except UpstreamClosed as e:
            raise ConsoleInUse(
                f"{e.detail}: it let the proxy in and closed then, as servers do that share no "
                "screen or have a viewer who shares none"
            ) from e

    def close(self) -> None:
        """Close the connection."""
        self.leg.close(ConsoleEnded(), self._close_timeout)

    async def _run(self, steps: Steps[T]) -> T:
        endpoint, left = self._endpoint, max(0.0, self._end - self._clock.seconds())
        try:
            return await run_handshake(
                self.leg, steps, left, lambda step: TLSClient(step.trust, endpoint.host)
            )
        except EndOfStream as e:
            raise UpstreamClosed(f"{endpoint}: {e.detail}") from e
        except HandshakeTimeout as e:
            # names the limit of the configuration, not the rest of it
            raise UpstreamViolation(f"{endpoint}: {HandshakeTimeout(self._timeout, e.what)}") from e
        except StepError as e:
            raise UpstreamViolation(f"{endpoint}: {e.detail}") from e


def _under_tls(endpoint: ConsoleEndpoint, steps: Steps[T]) -> Steps[T]:
    yield StartTLS(endpoint.tls or TLSTrust())
    return (yield from steps)


def configured_handshakes(handshakes: tuple[Handshake, ...]) -> Steps[bool]:
    """Run an endpoint's handshakes in their order, up to the SecurityResult of the last one.

    Returns:
        Whether ServerInit will have the tail of security type Tight.

    Raises:
        UpstreamViolation: the server violates its protocol.
        UpstreamRefused: it refuses the proxy.
        UpstreamUntrusted: it is not verified, or offers less security than is configured.
    """
    tight_tail = False
    for spec in handshakes:
        if isinstance(spec, HTTPConnect):
            yield from http_connect(spec)
        else:
            tight_tail = yield from negotiate_security(spec)
    return tight_tail
