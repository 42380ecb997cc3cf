"""What must be agreed on with a console's server, made from the data in its endpoint.

Each handshake is a generator of steps that knows no socket (see `vncproxy.handshake.steps`).
"""

from __future__ import annotations

import re

from ..errors import UpstreamClosed, UpstreamRefused, UpstreamViolation
from ..handshake.steps import EndOfStream, ReadUntil, Steps, Write
from ..model import Handshake, HTTPConnect
from ..rfb.security import initialise, secure
from ..rfb.versions import clean_reason

REPLY_LIMIT = 8192
"""Longest header of a reply to CONNECT, in bytes."""

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: .*)?\r?\n")


def reach_console(handshakes: tuple[Handshake, ...]) -> Steps[bytes]:
    """Run an endpoint's handshakes in their order, then exchange ClientInit for ServerInit.

    Returns:
        The ServerInit message.

    Raises:
        UpstreamViolation: the server does not do what its protocol says.
        UpstreamRefused: it refuses the proxy.
        UpstreamUntrusted: it is not verified, or offers less than what is configured.
    """
    tight_tail = yield from secure_console(handshakes)
    return (yield from initialise(tight_tail=tight_tail))


def secure_console(handshakes: tuple[Handshake, ...]) -> Steps[bool]:
    """Run an endpoint's handshakes in their order, up to the SecurityResult of the last one.

    Returns:
        Whether ServerInit will have the tail of security type Tight.

    Raises:
        UpstreamViolation, UpstreamRefused, UpstreamUntrusted: as `reach_console` does.
    """
    tight_tail = False
    for spec in handshakes:
        if isinstance(spec, HTTPConnect):
            yield from http_connect(spec)
        else:
            tight_tail = yield from secure(spec)
    return tight_tail


def http_connect(spec: HTTPConnect) -> Steps[None]:
    """Ask an HTTP server for a tunnel to the console; RFB may follow in the same segment.

    The answer is judged by its first line, at once: a VNC server in the place of the HTTP server
    sends one line and then waits.

    Raises:
        UpstreamRefused: any answer but 2xx, with its status line.
        UpstreamClosed: it closes without an answer.
        UpstreamViolation: it does not answer in HTTP.
    """
    lines = [f"CONNECT {spec.target} HTTP/1.1", *(f"{k}: {v}" for k, v in spec.headers)]
    yield Write("\r\n".join([*lines, "", ""]).encode())
    try:
        line = yield ReadUntil(b"\n", REPLY_LIMIT, "the first line of its reply to CONNECT")
    except EndOfStream as e:
        raise UpstreamClosed(e.detail, before_reply=True) from e
    status = _STATUS.fullmatch(line)
    if not status:
        raise UpstreamViolation(f"not an HTTP reply: {line[:16].decode('latin-1')!r}")
    if not status[1].startswith(b"2"):
        raise UpstreamRefused(
            f"CONNECT answered with {clean_reason(line[:128])}", http_status=int(status[1])
        )
    left = REPLY_LIMIT - len(line)
    while line.strip(b"\r\n"):
        line = yield ReadUntil(b"\n", left, "the header of its reply to CONNECT")
        left -= len(line)
