"""Which pages, reverse proxies and embedding sites a site trusts, by its configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from twisted.web.http import Request

from ..origins import origin_of
from .forwarded import Forwarding


@dataclass(frozen=True, slots=True)
class Trust:
    """The configuration of a site as far as it says what to trust.

    Attributes:
        origins: patterns of the pages that may open consoles, the public URL's own among them.
        forwarding: which reverse proxies' statements about the user count.
        embedders: patterns of other pages that may show a console in a frame.
        secure: whether the public URL is ``https``, so that cookies need not travel without TLS.
        cookie_path: path of the public URL, for cookies.
    """

    origins: frozenset[str]
    forwarding: Forwarding = field(default_factory=Forwarding)
    embedders: tuple[str, ...] = ()
    secure: bool = False
    cookie_path: str = "/"

    def trusted_origins(self, request: Request) -> frozenset[str]:
        """Return the patterns of pages that may make a request, its own origin among them."""
        return self.origins | {self._own_origin(request)}

    def _own_origin(self, request: Request) -> str:
        """Return the origin under which the user asked for this request; empty for none."""
        scheme, host = self.forwarding.scheme(request), self.forwarding.host(request)
        return origin_of(f"{scheme}://{host}") or ""
