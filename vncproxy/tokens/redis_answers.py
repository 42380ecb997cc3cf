"""Answers of the scripts, as results and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import TokenExpired, TokenRefused, TokenRevoked, TokenUnknown, TokenUsed
from ..model import Place
from .over_limit import over_limit

_REFUSALS: Mapping[bytes, type[TokenRefused]] = {
    b"used": TokenUsed,
    b"expired": TokenExpired,
    b"revoked": TokenRevoked,
    b"unknown": TokenUnknown,
}


class Unannounced(Exception):
    """Redis has no announcement of this process, so that its sessions would not count."""


def begun(answer: Any, token_id: str, places: Sequence[Place] = ()) -> tuple[float, str]:
    """Return what a script answers that begins a session.

    Args:
        places: where the session is counted.

    Returns:
        How long ago a use was first taken, in seconds, and the name of the live session that is
        replaced; empty for none.

    Raises:
        TokenRefused, OverLimit, Unannounced: the answer is a refusal.
    """
    check_entered(answer, token_id, places)
    _, age, replaced = answer
    return float(max(0, age)) / 1000, replaced.decode()


def check_entered(answer: Any, token_id: str, places: Sequence[Place] = ()) -> None:
    """Make sure that a script has not refused a session.

    Raises:
        TokenRefused, OverLimit, Unannounced: it has.
    """
    if answer == b"unannounced":
        raise Unannounced
    if isinstance(answer, bytes) and answer in _REFUSALS:
        raise refusal(answer, token_id)
    if answer[0] == b"over":
        raise over_limit(places[answer[1]], answer[2])


def milliseconds(seconds: float | None) -> int:
    """Return a duration as scripts take it; 0 for none."""
    return int((seconds or 0) * 1000)


def refusal(why: bytes, token_id: str) -> TokenRefused:
    """Return the error for a script's refusal.

    Args:
        why: ``used``, ``expired``, ``revoked`` or ``unknown``.
    """
    return _REFUSALS[why](f"token {token_id[:12]} is {why.decode()}")
