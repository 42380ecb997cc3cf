"""Doubles for tests of consoles at other proxies."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from vncproxy.errors import VNCProxyError
from vncproxy.model import ConsoleType, Token
from vncproxy.tokens.issuing import IssuedToken

NOVNC, XVP = ConsoleType.NOVNC, ConsoleType.XVPVNC
URLS = {NOVNC: "https://node2:6080/", XVP: "http://node2:6081/console"}


class FakePeer:
    """A peer that issues tokens, or refuses to.

    Attributes:
        problem: why it refuses.
        answering: what its answers wait for.
        good: whether its tokens are good until they are revoked.
    """

    def __init__(self, name: str = "node2") -> None:
        self.name = name
        self.urls = URLS
        self.problem: VNCProxyError | None = None
        self.answering: Deferred[None] | None = None
        self.good = True
        self.issued: list[tuple[Token, float, int, bool]] = []
        self.revoked: list[str] = []

    async def issue(
        self, token: Token, ttl: float, hops: int, *, running: bool = False
    ) -> IssuedToken:
        """Issue a token."""
        if self.problem:
            raise self.problem
        self.issued.append((token, ttl, hops, running))
        base = self.urls[token.type]
        return IssuedToken("9" * 64, token, "new", f"{base}?token=new", base)

    async def revoke(self, token_id: str) -> bool:
        """Revoke a token."""
        if self.answering is not None:
            await self.answering
        if self.problem:
            raise self.problem
        self.revoked.append(token_id)
        return self.good
