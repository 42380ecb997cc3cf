"""The handshakes with a console's server in two parts: the login, and its screen."""

from __future__ import annotations

from typing import Any, TypeVar

from ..errors import ConsoleEnded, ConsoleInUse, UpstreamClosed, UpstreamViolation
from ..handshake.steps import EndOfStream, StartTLS, StepError, Steps
from ..model import ConsoleEndpoint, Timeouts, TLSTrust, Transport
from ..relay.handshaking import HandshakeTimeout, run_handshake
from ..relay.leg import Leg
from ..relay.websocket_framing import WebSocketFraming
from ..rfb.security import initialise
from ..tls.verification import TLSClient
from .handshakes import secure_console
from .websocket import open_websocket

T = TypeVar("T")


class Approach:
    """One connection to a console on its way through the handshakes.

    Args:
        leg: nothing was said on it yet.
        clock: the handshakes together take no longer than ``timeouts.handshake`` from now on.

    Attributes:
        leg: the connection.
    """

    def __init__(self, leg: Leg, endpoint: ConsoleEndpoint, timeouts: Timeouts, clock: Any) -> None:
        self.leg = leg
        self._endpoint = endpoint
        self._linger = timeouts.linger
        self._clock = clock
        self._timeout = timeouts.handshake
        self._end = clock.seconds() + timeouts.handshake

    async def secure(self) -> bool:
        """Run everything up to the SecurityResult.

        Returns:
            Whether ServerInit will have the tail of security type Tight.

        Raises:
            UpstreamViolation: see `reach`.
        """
        endpoint = self._endpoint
        if endpoint.transport is Transport.WSS:
            opening = open_websocket(endpoint.host, endpoint.port, endpoint.path, endpoint.headers)
            await self._converse(_under_tls(endpoint, opening))
            self.leg.set_framing(WebSocketFraming(client=True))
        steps = secure_console(endpoint.handshakes)
        if endpoint.transport is Transport.TLS:
            steps = _under_tls(endpoint, steps)
        return await self._converse(steps)

    async def initialise(self, *, tight_tail: bool) -> bytes:
        """Ask for the screen; returns the ServerInit message.

        Raises:
            ConsoleInUse: the server ends the connection here, as one does that has another viewer.
            UpstreamViolation: see `reach`.
        """
        try:
            return await self._converse(initialise(tight_tail=tight_tail))
        except UpstreamClosed as e:
            raise ConsoleInUse(
                f"{e.detail}: it let the proxy in and closed then, as servers do that share no "
                "screen or have a viewer who shares none"
            ) from e

    def close(self) -> None:
        """Close the connection."""
        self.leg.close(ConsoleEnded(), self._linger)

    async def _converse(self, steps: Steps[T]) -> T:
        endpoint, left = self._endpoint, max(0.0, self._end - self._clock.seconds())
        try:
            return await run_handshake(
                self.leg, steps, left, lambda step: TLSClient(step.trust, endpoint.host)
            )
        except EndOfStream as e:
            raise UpstreamClosed(f"{endpoint}: {e.detail}") from e
        except HandshakeTimeout as e:
            # what was left of the time is not what an operator has set
            raise UpstreamViolation(f"{endpoint}: {HandshakeTimeout(self._timeout, e.what)}") from e
        except StepError as e:
            raise UpstreamViolation(f"{endpoint}: {e.detail}") from e


def _under_tls(endpoint: ConsoleEndpoint, steps: Steps[T]) -> Steps[T]:
    yield StartTLS(endpoint.tls or TLSTrust())
    return (yield from steps)
