"""HTTP CONNECT: asks an HTTP server for a tunnel, as its client."""

from __future__ import annotations

import re

from ..errors import UpstreamClosed, UpstreamRefused, UpstreamViolation
from ..model import HTTPConnect
from .reasons import clean_reason
from .steps import EndOfStream, ReadUntil, Steps, Write

REPLY_LIMIT = 8192
"""Longest header of a reply to CONNECT, in bytes."""

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: .*)?\r?\n")


def http_connect(spec: HTTPConnect) -> Steps[None]:
    """Ask an HTTP server for a tunnel to the console; RFB may follow in the same segment.

    Its first line is checked before more is read: a VNC server in the place of the HTTP server
    sends one line and then waits.

    Raises:
        UpstreamRefused: the status is not 2xx; with the status line.
        UpstreamClosed: the server closes without a reply.
        UpstreamViolation: the reply is not HTTP.
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
