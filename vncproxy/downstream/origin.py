"""The origin of the page that makes a request, and which origins may open consoles."""

from __future__ import annotations

from dataclasses import dataclass, field

from twisted.web.http import Request

from ..origins import allows, origin_of
from .forwarded import Forwarding
from .headers import header_lines


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the site believes.

    Attributes:
        origins: patterns of the pages that may open consoles, the public URL's own among them.
        forwarding: which reverse proxies are believed about the user.
        embedders: patterns of other pages that may show a console in a frame.
        secure: whether the public URL is ``https``, so that cookies need not travel without TLS.
        cookie_path: path of the public URL, for cookies.
    """

    origins: frozenset[str]
    forwarding: Forwarding = field(default_factory=Forwarding)
    embedders: tuple[str, ...] = ()
    secure: bool = False
    cookie_path: str = "/"


def foreign_origin(request: Request, trust: Trust) -> str | None:
    """Return the page's origin when it may not open consoles by the configuration alone.

    Without an Origin header it is not a browser that asks.
    """
    lines = header_lines(request, "origin")
    if not lines:
        return None
    origin = origin_of(lines[0])
    if origin is None:
        return lines[0][:256]
    allowed = {*trust.origins, own_origin(request, trust)}
    return None if allows(allowed, origin) else origin


def own_origin(request: Request, trust: Trust) -> str:
    """Return the origin under which the user asked for this very request; empty for nonsense."""
    scheme, host = trust.forwarding.scheme(request), trust.forwarding.host(request)
    return origin_of(f"{scheme}://{host}") or ""
