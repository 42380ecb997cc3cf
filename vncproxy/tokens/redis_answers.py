"""Answers of the scripts, as results and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import TokenExpired, TokenRefused, TokenRevoked, TokenUnknown, TokenUsed
from ..model import SessionLease, Token
from .over_limit import over_limit

_REFUSALS: Mapping[bytes, type[TokenRefused]] = {
    b"used": TokenUsed,
    b"expired": TokenExpired,
    b"revoked": TokenRevoked,
    b"unknown": TokenUnknown,
}


class Unannounced(Exception):
    """Redis has no announcement of this process, so that its sessions would not count."""


def begun(
    answer: Any, token_id: str, token: Token, lease: SessionLease | None
) -> tuple[float, str]:
    """Return what a script answers that begins a session.

    Args:
        lease: what the session is counted by.

    Returns:
        How long ago a use was first taken, in seconds, and the name of the live session that is
        replaced; empty for none.

    Raises:
        TokenRefused, OverLimit, Unannounced: the answer is a refusal.
    """
    check_entered(answer, token_id, token, lease)
    _, age, replaced = answer
    return float(max(0, age)) / 1000, replaced.decode()


def check_entered(answer: Any, token_id: str, token: Token, lease: SessionLease | None) -> None:
    """Make sure that a script has not refused a session.

    Raises:
        TokenRefused, OverLimit, Unannounced: it has.
    """
    if answer == b"unannounced":
        raise Unannounced
    if isinstance(answer, bytes) and answer in _REFUSALS:
        raise refusal(answer, token_id)
    if answer[0] == b"over":
        assert lease is not None
        raise over_limit(lease.places(token)[answer[1]], answer[2], token)


def milliseconds(seconds: float | None) -> int:
    """Return a duration as scripts take it; 0 for none."""
    return int((seconds or 0) * 1000)


def refusal(why: bytes, token_id: str) -> TokenRefused:
    """Return the error for a script's refusal.

    Args:
        why: ``used``, ``expired``, ``revoked`` or ``unknown``.
    """
    return _REFUSALS[why](f"token {token_id[:12]} is {why.decode()}")
