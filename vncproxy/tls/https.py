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
    """Collects the pieces of an answer.

    Args:
        most: bytes that are kept; further pieces are dropped.
    """

    def __init__(self, most: int = LONGEST_ANSWER) -> None:
        self._pieces: list[bytes] = []
        self._left = most

    @property
    def content(self) -> bytes:
        """What has arrived."""
        return b"".join(self._pieces)

    def __call__(self, data: bytes) -> None:
        """Take the next piece."""
        self._left -= len(data)
        if self._left >= 0:
            self._pieces.append(data)
