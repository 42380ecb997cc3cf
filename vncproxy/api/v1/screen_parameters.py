"""Parameters of a request that waits for a screen."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

from ...watching.wanted import Area
from ..reply import Refusal
from .parameters import Parameter

LONGEST_WAIT: Final = 300.0
LONGEST_STABLE: Final = 60.0
USUAL_WAIT: Final = 30.0
USUAL_STABLE: Final = 1.0

MOST_AREAS: Final = 8
"""Parts of a screen that are left out."""

_AREA: Final = re.compile(
    r"([0-9]{1,5}),([0-9]{1,5}),([1-9][0-9]{0,4}),([1-9][0-9]{0,4})", re.ASCII
)
_DIGEST: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?", re.ASCII)


def _seconds(name: str, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        seconds = float(text) if _NUMBER.fullmatch(text) else math.inf
        if seconds > most:
            message = f"must be a number of seconds, at most {most:g}"
            raise Refusal(422, "invalid-field", message, field=name)
        return seconds

    return parse


def _area(name: str, text: str) -> Area:
    found = _AREA.fullmatch(text)
    if found is None:
        message = "must be left, top, width and height in pixels, such as 0,0,640,100"
        raise Refusal(422, "invalid-field", message, field=name)
    return Area(*map(int, found.groups()))


def _areas(text: str) -> tuple[Area, ...]:
    parts = text.split("/")
    if len(parts) > MOST_AREAS:
        message = f"at most {MOST_AREAS} parts can be left out"
        raise Refusal(422, "invalid-field", message, field="ignore")
    return tuple(_area("ignore", part) for part in parts)


def _stable(text: str) -> str:
    if text != "stable":
        raise Refusal(422, "invalid-field", "must be stable", field="wait")
    return text


def _digest(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        message = "must be the digest of an answer"
        raise Refusal(422, "invalid-field", message, field="changed_from")
    return text


WAIT: Final = Parameter(
    "wait", "What is waited for.", _stable, {"enum": ["stable"], "default": "stable"}
)
STABLE_FOR: Final = Parameter(
    "stable_for",
    "Seconds for which the screen must not have changed.",
    _seconds("stable_for", LONGEST_STABLE),
    {"type": "number", "minimum": 0, "maximum": LONGEST_STABLE, "default": USUAL_STABLE},
)
TIMEOUT: Final = Parameter(
    "timeout",
    "Seconds after which the answer comes in any case.",
    _seconds("timeout", LONGEST_WAIT),
    {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT, "default": USUAL_WAIT},
)
AREA: Final = Parameter(
    "area",
    "What is looked at: left, top, width and height in pixels; without it, the whole screen.",
    lambda text: _area("area", text),
    {"type": "string", "examples": ["0,0,640,100"]},
)
IGNORE: Final = Parameter(
    "ignore",
    "Parts that are left out, separated by slashes.",
    _areas,
    {"type": "string", "examples": ["0,0,640,16/600,460,40,20"]},
)
CHANGED_FROM: Final = Parameter(
    "changed_from",
    "The `digest` of an earlier answer, which the screen must not have any more.",
    _digest,
    {"type": "string", "pattern": "^[0-9a-f]{32}$"},
)
