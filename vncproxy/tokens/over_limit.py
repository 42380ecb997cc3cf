"""The refusal of a session for which there is no room, the same in every store."""

from __future__ import annotations

from ..errors import OverLimit
from ..model import Place, Token
from ..text import printable

LONGEST_NAME = 80
"""Characters of a user's or machine's name in the log line of a refusal."""


def over_limit(place: Place, count: int, token: Token) -> OverLimit:
    """Return the error for a session that is one too many.

    Args:
        count: how many there are without it.
        token: the session's.
    """
    kind, _, name = place.of.partition(":")
    what = {"vm": "of", "joined": "that join at", "user": "of user", "address": "from"}[kind]
    detail = f"{count} sessions {what} {printable(name, LONGEST_NAME)}, limits.{place.option}"
    return OverLimit(detail, option=place.option).about(token.vm, token.user)
