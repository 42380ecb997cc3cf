"""What a bucket has beside each recording: a card that says what it is of, and where it is found.

The card of ``2026-01-02/030405-SESSION.vncr`` is ``2026-01-02/030405-SESSION.json``, and the
object ``sessions/SESSION`` has the recording's name.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from math import isfinite
from typing import Final

from ..recording.reading import check_members, load_object
from ..recording.writing import About
from .library import SUFFIX, CannotRead, Description, State

CARD_SUFFIX: Final = ".json"
LONGEST_CARD: Final = 1 << 20

_SPOILT: Final = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
"""What a card that is none may raise; and ``RecursionError``."""


def card_name(name: str) -> str:
    """Return the name of a recording's card."""
    return name.removesuffix(SUFFIX) + CARD_SUFFIX


def pointer_name(session: str) -> str:
    """Return the name of the object that has the name of a session's recording."""
    return f"sessions/{session}"


def write_card(name: str, described: Description) -> bytes:
    """Return the card of a recording."""
    members = {
        "v": 1,
        "file": name,
        "state": described.state.value,
        "reason": described.reason,
        "seconds": described.seconds,
        "about": asdict(described.about),
    }
    return json.dumps(members, ensure_ascii=False).encode()


def read_card(name: str, data: bytes) -> Description:
    """Return what a card says; it does not know of an index.

    Raises:
        CannotRead: it is none, or of another version.
    """
    known = {each.name for each in fields(About)}
    try:
        members = load_object(data)
        if members["v"] != 1:
            raise CannotRead(f"the card of {name} is of version {members['v']!r}, known is 1")
        about = {key: value for key, value in members["about"].items() if key in known}
        state, seconds = State(members["state"]), float(members["seconds"])
        found = Description(About(**about), state, str(members["reason"]), seconds, False)
        check_members(0, found.about)
        if not isfinite(seconds):
            raise ValueError(f"{seconds} seconds")
    except (*_SPOILT, RecursionError) as e:
        raise CannotRead(f"the card of {name} cannot be read") from e
    return found
