"""HTTPS requests to servers that are verified as a trust says, with bounded answers."""

from __future__ import annotations

from typing import Final

from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from ..model import TLSTrust
from .verification import VerifyingTLSClient

LONGEST_ANSWER: Final = 65536
"""Bytes of an answer that are read."""


@implementer(IPolicyForHTTPS)
class HTTPSPolicy:
    """Verifies the server of each connection."""

    def __init__(self, trust: TLSTrust) -> None:
        self._trust = trust
        self._newest: VerifyingTLSClient | None = None

    def creatorForNetloc(  # noqa: N802
        self, hostname: bytes, port: int
    ) -> VerifyingTLSClient:
        """Return the client's side of a connection; called by Twisted."""
        self._newest = VerifyingTLSClient(self._trust, hostname.decode("idna"))
        return self._newest

    def problem(self) -> str:
        """Return why the newest connection was not trusted; empty where it was."""
        return self._newest.problem if self._newest is not None else ""


class LimitedAnswer:
    """Collects the pieces of an answer, and none beyond `LONGEST_ANSWER`.

    Attributes:
        content: what has arrived.
    """

    def __init__(self) -> None:
        self.content = b""
        self._left = LONGEST_ANSWER

    def __call__(self, data: bytes) -> None:
        """Take the next piece."""
        self._left -= len(data)
        if self._left >= 0:
            self.content += data
