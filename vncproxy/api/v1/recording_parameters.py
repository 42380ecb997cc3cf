"""Parameters of queries about recordings."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ..reply import Refusal
from .parameters import LONGEST_PAGE, TOKEN_ID, Parameter, whole

DEFAULT_PAGE = 100
"""Recordings of a page where the request does not say."""

_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_AFTER = re.compile(rf"\d{{4}}-\d\d-\d\d/\d{{6}}-{_SESSION.pattern}", re.ASCII)
_MOMENT = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$"


def _link(text: str) -> str:
    if not TOKEN_ID.fullmatch(text):
        raise Refusal(422, "invalid-field", "must be the id of a link", field="link")
    return text


def _after(text: str) -> str:
    if not _AFTER.fullmatch(text):
        raise Refusal(422, "invalid-field", 'must be the "next" of an answer', field="after")
    return text


def _session(text: str) -> str:
    if not _SESSION.fullmatch(text):
        message = "the id of a session has 1 to 64 letters, digits, _ and -"
        raise Refusal(422, "invalid-field", message, field="session")
    return text


def _moment(name: str, text: str) -> float:
    """Return seconds since 1970; a day begins with its first second, and UTC is meant."""
    try:
        if not re.match(_MOMENT, text, re.ASCII):
            raise ValueError("not of this form")
        found = datetime.fromisoformat(text)
    except ValueError as e:
        message = "must be a day or a time such as 2026-01-02 or 2026-01-02T03:04:05Z"
        raise Refusal(422, "invalid-field", message, field=name) from e
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


SESSION = Parameter(
    "session",
    "That of this session.",
    _session,
    {"type": "string", "pattern": f"^{_SESSION.pattern}$"},
)
SINCE = Parameter(
    "since",
    "Those that began at this time or later: RFC 3339, or a day in UTC.",
    lambda text: _moment("since", text),
    {"type": "string", "pattern": _MOMENT},
)
UNTIL = Parameter(
    "until",
    "Those that began before this time.",
    lambda text: _moment("until", text),
    {"type": "string", "pattern": _MOMENT},
)
MOST = Parameter(
    "limit",
    "The most recordings of a page.",
    whole("limit", LONGEST_PAGE),
    {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": DEFAULT_PAGE},
)
AFTER = Parameter(
    "after",
    "Where the page begins: the `next` of the page before.",
    _after,
    {"type": "string", "pattern": f"^{_AFTER.pattern}$"},
)
LINK = Parameter(
    "link",
    "The link with this id; without it, all of them.",
    _link,
    {"type": "string", "pattern": f"^{TOKEN_ID.pattern}$"},
)
