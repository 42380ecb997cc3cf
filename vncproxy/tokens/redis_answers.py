"""Answers of the scripts, as results and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import TokenExpired, TokenRefused, TokenRevoked, TokenUnknown, TokenUsed

_REFUSALS: Mapping[bytes, type[TokenRefused]] = {
    b"used": TokenUsed,
    b"expired": TokenExpired,
    b"revoked": TokenRevoked,
    b"unknown": TokenUnknown,
}


def age(answer: Any, token_id: str) -> float:
    """Return how long ago a use was first taken, in seconds.

    Raises:
        TokenRefused: the answer is a refusal.
    """
    if not isinstance(answer, list):
        raise refusal(answer, token_id)
    return float(max(0, answer[1])) / 1000


def milliseconds(seconds: float | None) -> int:
    """Return a duration as scripts take it; 0 for none."""
    return int((seconds or 0) * 1000)


def refusal(why: bytes, token_id: str) -> TokenRefused:
    """Return the error for a script's refusal.

    Args:
        why: ``used``, ``expired``, ``revoked`` or ``unknown``.
    """
    return _REFUSALS[why](f"token {token_id[:12]} is {why.decode()}")
