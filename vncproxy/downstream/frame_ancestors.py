"""Pages that may show the console in a frame: those of the configuration, and those of a token.

The page is served before its token is redeemed, and a browser asks the answer's header whether a
frame may show it. So the token is looked up, taking no use, where the answer can matter: for a
page with a token that a browser asks for as a frame. Anybody can ask so: the look-ups are limited,
and beyond the limit the configuration alone counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from twisted.logger import Logger
from twisted.web.http import Request

from ..errors import BadRequest, VNCProxyError
from ..interfaces import ITokenStore
from ..model import check_secret, secret_id
from ..origins import normal_patterns
from ..web import content_security_policy
from .allowance import Allowance
from .forwarded import counted_as
from .headers import first_element
from .links import query_token
from .trust import Trust

_TOP_LEVEL = frozenset({"document", "empty", "script", "style", "image"})
"""What a browser asks for that is no frame (``Sec-Fetch-Dest``, W3C Fetch Metadata)."""

MOST_ORIGINS = 50
"""Origins of a token that are looked at."""

MOST_CHARACTERS = 2000
"""Characters of a token's origins in the header, whose size reverse proxies limit."""


class Framing:
    """Says for each page which others may frame it.

    Args:
        trust: which pages the configuration allows.
        store: is asked for the policies of tokens.
        allowance: of look-ups.
    """

    log = Logger()

    def __init__(self, trust: Trust, store: ITokenStore, allowance: Allowance) -> None:
        self._trust = trust
        self._store = store
        self._allowance = allowance
        self.policy = self._policy()

    def token_of(self, request: Request) -> str:
        """Return the token whose policy decides, or nothing when the configuration does."""
        destination = first_element(request, "sec-fetch-dest", "").lower()
        token = "" if destination in _TOP_LEVEL else query_token(request)
        try:
            check_secret(token)
        except BadRequest:
            return ""
        client = self._trust.forwarding.client_address(request)
        return token if self._allowance.take(counted_as(client)) else ""

    async def policy_for(self, token: str) -> str:
        """Return the content security policy of a token's page."""
        try:
            status = await self._store.show(secret_id(token))
        except VNCProxyError:
            return self.policy
        except Exception:  # noqa: BLE001 a defect must not keep the page away
            self.log.failure("token {token} not looked up", token=secret_id(token)[:12])
            return self.policy
        return self._policy(status.token.policy.allowed_origins)

    def _policy(self, origins: tuple[str, ...] = ()) -> str:
        of_token = _fitting(normal_patterns(origins[:MOST_ORIGINS]))
        pages = dict.fromkeys(["'self'", *self._trust.embedders, *of_token])
        return content_security_policy(" ".join(pages))


def _fitting(patterns: list[str]) -> Iterator[str]:
    """Yield the first patterns, as many as there is room for."""
    room = MOST_CHARACTERS
    for pattern in patterns:
        room -= len(pattern) + 1
        if room < 0:
            return
        yield pattern
