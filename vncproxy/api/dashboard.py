"""The operator's dashboard: a page without secrets, which asks for a key for ``/v1``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from twisted.web.http import CACHED
from twisted.web.server import Request

from ..downstream.static_files import TYPES, WholeFile, find_file, takes_gzip
from ..web import DASHBOARD, STATIC, content_security_policy
from .reply import BINARY, Reply, error_body

FILES: Final = b"/static/"
"""What the paths of the page's files begin with."""

POLICY: Final = content_security_policy("'none'") + (
    "; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The content security policy: no frames around it, and no markup or script made of text."""

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Server": "vncproxy",
}


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks for the page: at the root, where programs find the versions."""
    if request.path != b"/" or request.method not in (b"GET", b"HEAD"):
        return False
    request.setHeader("Vary", "Accept")
    accepted = request.requestHeaders.getRawHeaders(b"accept") or []
    return any(b"text/html" in each.lower() for each in accepted)


def render_page(request: Request) -> bytes:
    """Send the page."""
    return _send(request, WholeFile(str(DASHBOARD)))


def render_file(request: Request) -> bytes:
    """Send one of the page's files; 404 where there is none."""
    name = request.path.removeprefix(FILES).decode("latin-1")
    found = find_file(STATIC, name) if request.method in (b"GET", b"HEAD") else None
    if found is None:
        missing = Reply(404, error_body("not-found", "there is nothing at this path"))
        body = missing.render(request)
        return b"" if request.method == b"HEAD" else body
    return _send(request, found)


def _send(request: Request, file: WholeFile) -> bytes:
    """Send a file, unless the browser's copy is current."""
    content = file.content()
    body, tag = content.plain, f'"{content.tag}"'
    for name, value in _HEADERS.items():
        request.setHeader(name, value)
    request.setHeader("Content-Type", TYPES.get(Path(file.path).suffix, BINARY))
    request.responseHeaders.addRawHeader("Vary", "Accept-Encoding")
    if content.compressed is not None and takes_gzip(request):
        body, tag = content.compressed, f'"{content.tag}-gzip"'
        request.setHeader("Content-Encoding", "gzip")
    if request.setETag(tag.encode()) is CACHED:
        return b""
    request.setHeader("Content-Length", str(len(body)))
    return b"" if request.method == b"HEAD" else body
