"""JSON, redirects and cookies as answers."""

from __future__ import annotations

import json

from twisted.web.http import Request

from ..api.reply import Reply, refused
from ..errors import VNCProxyError


def send(request: Request, reply: Reply[object]) -> bytes:
    """Set the status and headers of an answer, and return its body."""
    request.setResponseCode(reply.status)
    request.setHeader("Content-Type", reply.content_type)
    request.setHeader("Cache-Control", "no-store")
    for name, value in reply.headers:
        request.setHeader(name, value)
    if isinstance(reply.body, bytes):
        return reply.body
    return json.dumps(reply.body, ensure_ascii=False).encode() + b"\n"


def failed(request: Request, error: VNCProxyError) -> bytes:
    """Return the answer that says what is wrong, in the shape of the API's errors."""
    return send(request, refused(error))


def lead(request: Request, url: str, *cookies: str) -> bytes:
    """Send a browser elsewhere."""
    request.setResponseCode(303)
    request.setHeader("Location", url)
    request.setHeader("Cache-Control", "no-store")
    request.setHeader("Content-Type", "text/plain; charset=utf-8")
    add_cookies(request, *cookies)
    return b""


def add_cookies(request: Request, *cookies: str) -> None:
    """Set or remove cookies."""
    for cookie in cookies:
        request.responseHeaders.addRawHeader("Set-Cookie", cookie)
