"""What a resume cookie is worth: the same in every store."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import ConsoleType, Token, UnixTime

MOST_COOKIES = 32
"""Resume cookies kept for one token; the one that ends first makes room for another."""

REMEMBER = 3600.0
"""Seconds for which a token that is over is remembered, so that the log can say what it was."""


@dataclass(frozen=True, slots=True)
class Resume:
    """One browser's right to re-enter; it never slides."""

    started_at: UnixTime
    expires_at: UnixTime


def resume_time(token: Token, resume: float) -> float:
    """Return the seconds from a redemption during which that browser may re-enter; 0 for none.

    Only a browser keeps cookies, and a session that may not last is not resumed for longer.
    """
    if token.type is not ConsoleType.NOVNC:
        return 0.0
    longest = token.policy.max_duration
    return resume if longest is None else min(resume, longest)
