"""The ``frame-ancestors`` of the console page: pages that may show it in a frame.

They are those of the configuration and those of the token's policy. The page is served before its
token is redeemed, so the token is looked up without taking a use, and only when a browser requests
a page with a token for a frame. Look-ups are rate-limited, since any client can cause them; beyond
the limit the configuration alone counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from twisted.logger import Logger
from twisted.web.http import Request

from ..addresses import counted_as
from ..errors import BadRequest, VNCProxyError
from ..interfaces import ITokenStore
from ..model import check_secret, secret_id
from ..origins import normal_patterns
from ..web import content_security_policy
from .headers import first_element
from .links import query_token
from .rate_limit import RateLimit
from .trust import Trust

_TOP_LEVEL = frozenset({"document", "empty", "script", "style", "image"})
"""Values of ``Sec-Fetch-Dest`` (W3C Fetch Metadata) of requests that are not for a frame."""

MOST_ORIGINS = 50
"""Origins of a token's policy that are put into the header."""

MOST_CHARACTERS = 2000
"""Characters of those origins together; reverse proxies limit the size of a response's header."""


class FrameAncestors:
    """Computes the content security policy of each page.

    Args:
        trust: the embedders that the configuration allows.
        store: where tokens are looked up.
        lookups: limits the look-ups.
    """

    log = Logger()

    def __init__(self, trust: Trust, store: ITokenStore, lookups: RateLimit) -> None:
        self._trust = trust
        self._store = store
        self._lookups = lookups
        self.policy = self._policy()

    def token_of(self, request: Request) -> str:
        """Return the token whose policy counts; empty when the configuration alone counts."""
        destination = first_element(request, "sec-fetch-dest", "").lower()
        token = "" if destination in _TOP_LEVEL else query_token(request)
        try:
            check_secret(token)
        except BadRequest:
            return ""
        client = self._trust.forwarding.client_address(request)
        return token if self._lookups.take(counted_as(client)) else ""

    async def policy_for(self, token: str) -> str:
        """Return the content security policy of a token's page."""
        try:
            status = await self._store.show(secret_id(token))
        except VNCProxyError:
            return self.policy
        except Exception:  # noqa: BLE001 a defect must not prevent the page from being served
            self.log.failure("token {token} not looked up", token=secret_id(token)[:12])
            return self.policy
        return self._policy(status.token.policy.allowed_origins)

    def _policy(self, origins: tuple[str, ...] = ()) -> str:
        of_token = _fitting(normal_patterns(origins[:MOST_ORIGINS]))
        pages = dict.fromkeys(["'self'", *self._trust.embedders, *of_token])
        return content_security_policy(" ".join(pages))


def _fitting(patterns: list[str]) -> Iterator[str]:
    """Yield the first patterns that fit into `MOST_CHARACTERS`."""
    room = MOST_CHARACTERS
    for pattern in patterns:
        room -= len(pattern) + 1
        if room < 0:
            return
        yield pattern
