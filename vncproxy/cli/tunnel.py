"""Connects one VNC viewer of this machine to a console through the proxy's ``CONNECT``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory

from ..addresses import bracketed
from ..downstream.links import behind_path, token_of
from ..errors import ClientGone, UpstreamViolation, VNCProxyError
from ..handshake.http_connect import http_connect
from ..handshake.steps import StartTLS, StepError, Steps
from ..model import ConsoleEndpoint, HTTPConnect, Timeouts, TLSTrust, Transport
from ..relay import plain
from ..relay.handshaking import run_handshake
from ..relay.leg import Leg
from ..relay.raw_framing import RawFraming
from ..rfb.greeting import refuse
from ..tls.verification import TLSClient
from ..tokens.access_url import access_url
from ..upstream.transport import connect_transport

ANSWER_TIME = 60.0
"""Seconds that the proxy may take to locate and reach the console."""
TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True)
class Link:
    """A parsed access URL.

    Attributes:
        target: the target of ``CONNECT``: path and query, with the token.
        secure: whether to speak TLS.
    """

    host: str
    port: int
    target: str = field(repr=False)
    secure: bool

    @classmethod
    def parse(cls, url: str) -> Link:
        """Parse an access URL.

        Raises:
            ValueError: it is invalid; the message does not contain it.
        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:
            raise ValueError("that is no URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an access URL begins with http:// or https:// and a host")
        path, query = parts.path or "/", parts.query
        token = token_of(f"{path}?{query}", parts.fragment)
        if not token:
            raise ValueError(
                "an access URL holds ?token=; quote it, so that the shell keeps it whole"
            )
        secure = parts.scheme == "https"
        target = f"{path}?{query}"
        if token_of(f"?{query}") != token or f"token={token}" not in query:
            target = access_url(f"{behind_path(path)[0]}?{query}".rstrip("?"), token)
        return cls(parts.hostname, port or (443 if secure else 80), target, secure)

    @property
    def netloc(self) -> str:
        """Host and port as a header names them."""
        host = bracketed(self.host)
        return f"{host}:{self.port}"


async def serve(
    link: Link, port: int, ca_file: str, print_line: Callable[[str], object], reactor: Any
) -> None:
    """Wait for a viewer, connect it to the console, and return when one of them has left.

    The token is redeemed when the viewer has connected, and not before.

    Args:
        ca_file: as in ``TLSTrust``.
        print_line: called with the address that the viewer connects to.

    Raises:
        VNCProxyError: there is no console; the viewer has got the reason.
        OSError: the port cannot be used.
    """
    viewer = await _viewer(port, print_line, reactor)
    try:
        console = await _console(link, TLSTrust(ca_file=ca_file), reactor)
    except VNCProxyError as e:
        with suppress(VNCProxyError):
            await run_handshake(viewer, refuse(str(e)), TIMEOUTS.linger)
        await _close(e, viewer)
        raise
    why = await plain.join(viewer, console)
    await _close(why, viewer, console)


async def _viewer(port: int, print_line: Callable[[str], object], reactor: Any) -> Leg:
    only = _OneViewer(reactor)
    try:
        listening = await TCP4ServerEndpoint(reactor, port, 1, "127.0.0.1").listen(only)
    except CannotListenError as e:
        raise OSError(getattr(e.socketError, "strerror", None) or str(e)) from e
    print_line(f"viewer: 127.0.0.1:{listening.getHost().port}")
    leg = await only.arrived
    await listening.stopListening()
    return leg


async def _console(link: Link, trust: TLSTrust, reactor: Any) -> Leg:
    endpoint = ConsoleEndpoint(Transport.TCP, host=link.host, port=link.port)
    leg = await connect_transport(endpoint, TIMEOUTS, reactor)
    try:
        await run_handshake(
            leg, _ask(link, trust), ANSWER_TIME, lambda step: TLSClient(step.trust, link.host)
        )
    except StepError as e:
        await _close(ClientGone(), leg)
        raise UpstreamViolation(f"{link.netloc}: {e.detail}") from e
    except BaseException:
        await _close(ClientGone(), leg)
        raise
    return leg


def _ask(link: Link, trust: TLSTrust) -> Steps[None]:
    if link.secure:
        yield StartTLS(trust)
    yield from http_connect(HTTPConnect(link.target, (("Host", link.netloc),)))


async def _close(why: VNCProxyError, *legs: Leg) -> None:
    for leg in legs:
        leg.close(why, TIMEOUTS.linger)
    await DeferredList([leg.closed for leg in legs])


class _OneViewer(Factory[Leg]):
    """Makes a leg of the first connection, and closes further ones."""

    noisy = False

    def __init__(self, clock: IReactorTime) -> None:
        self.arrived: Deferred[Leg] = Deferred()
        self._clock = clock
        self._taken = False

    def buildProtocol(self, addr: object) -> Leg | None:
        if self._taken:
            return None
        self._taken = True
        leg = Leg(RawFraming(), self._clock, ClientGone)
        self._clock.callLater(0, self.arrived.callback, leg)  # it has no transport before that
        return leg
