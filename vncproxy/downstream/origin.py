"""The origin of the page that makes a request, and which origins may open consoles."""

from __future__ import annotations

from dataclasses import dataclass

from twisted.web.http import Request

from .forwarded import Network, is_believed
from .headers import first_element, header_lines


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the site believes.

    Attributes:
        origins: origins of pages that may open consoles, the public URL's own among them.
        proxies: networks of reverse proxies whose ``X-Forwarded-*`` headers are believed.
        secure: whether the public URL is ``https``, so that cookies need not travel without TLS.
        cookie_path: path of the public URL, for cookies.
    """

    origins: frozenset[str]
    proxies: tuple[Network, ...] = ()
    secure: bool = False
    cookie_path: str = "/"


def foreign_origin(request: Request, trust: Trust) -> str | None:
    """Return the page's origin when it may not open consoles by the configuration alone.

    Without an Origin header it is not a browser that asks.
    """
    lines = header_lines(request, "origin")
    if not lines:
        return None
    origin = lines[0].lower().rstrip("/")
    allowed = trust.origins | {own_origin(request, trust)}
    return None if origin in allowed else origin[:256]


def own_origin(request: Request, trust: Trust) -> str:
    """Return the origin under which the user asked for this very request."""
    scheme = "https" if request.isSecure() else "http"
    host = first_element(request, "host", "")
    if is_believed(request, trust.proxies):
        scheme = first_element(request, "x-forwarded-proto", scheme)
        host = first_element(request, "x-forwarded-host", host)
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    return f"{scheme}://{host.removesuffix(default)}".lower()
