"""Answers of the scripts, as results and errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import TokenExpired, TokenRefused, TokenRevoked, TokenUnknown, TokenUsed
from ..model import Grant, Mode, Ousted, SessionLease
from .occupied import Occupant, occupied
from .over_limit import over_limit

_REFUSALS: Mapping[bytes, type[TokenRefused]] = {
    b"used": TokenUsed,
    b"expired": TokenExpired,
    b"revoked": TokenRevoked,
    b"unknown": TokenUnknown,
}


class Unannounced(Exception):
    """Redis has no announcement of this process, so that its sessions would not count."""


def begun(grant: Grant, answer: Any, lease: SessionLease | None) -> Grant:
    """Return the grant of a session that a script has let begin.

    Args:
        lease: what the session is counted by.

    Raises:
        TokenRefused, OverLimit, ConsoleOccupied, Unannounced: the answer is a refusal.
    """
    _check_begun(answer, grant, lease)
    _, age, replaced, company, ousted, *more = answer
    pairs = (line.decode().partition(" ") for line in ousted.split(b"\n") if ousted)
    return replace(
        grant,
        age=grant.age or float(max(0, age)) / 1000,
        replaced=replaced.decode(),
        company=company,
        ousted=tuple(Ousted(name, why) for why, _, name in pairs),
        mode=Mode(more[0].decode()) if more and more[0] else None,
    )


def _check_begun(answer: Any, grant: Grant, lease: SessionLease | None) -> None:
    if answer == b"unannounced":
        raise Unannounced
    if isinstance(answer, bytes) and answer in _REFUSALS:
        raise refusal(answer, grant.token_id)
    if answer[0] == b"over":
        assert lease is not None
        raise over_limit(lease.places(grant.token)[answer[1]], answer[2], grant.token)
    if answer[0] == b"occupied":
        raise occupied(_occupant(*answer[1:]), grant)


def _occupant(name: bytes, about: bytes, time: int) -> Occupant:
    """Return the session that a machine is occupied by.

    Args:
        about: its user; where ``time`` is negative, its record.
        time: the milliseconds since it began; or Redis's time of the day, negative.
    """
    session_id = name.decode().rpartition("/")[2]
    if time >= 0:
        return Occupant(session_id, about.decode(), time / 1000)
    try:
        record = json.loads(about)
        seconds = float(record["seconds"]) + max(0, -time - record["at"]) / 1000
        return Occupant(session_id, str(record.get("user", "")), seconds)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Occupant(session_id)


def milliseconds(seconds: float | None) -> int:
    """Return a duration as scripts take it; 0 for none."""
    return int((seconds or 0) * 1000)


def refusal(why: bytes, token_id: str) -> TokenRefused:
    """Return the error for a script's refusal.

    Args:
        why: ``used``, ``expired``, ``revoked`` or ``unknown``.
    """
    return _REFUSALS[why](f"token {token_id[:12]} is {why.decode()}")
