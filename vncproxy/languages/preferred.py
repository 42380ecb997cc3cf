"""The language that a request asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .catalogues import ENGLISH, LANGUAGES

LONGEST: Final = 1000
"""Characters of a header that are read."""

_ITEM: Final = re.compile(
    r"\s*([A-Za-z]{2,3})(?:[-_][\w-]{1,30})?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*"
)


def preferred(named: str, accepted: str) -> str:
    """Return one of our languages: the one that a link names, else the one that is accepted most.

    Args:
        named: a tag such as ``de-AT``; empty for none. One that we do not have counts as none.
        accepted: a header ``Accept-Language`` (RFC 9110 section 12.5.4).
    """
    tags = dict(_accepted(named))
    if not tags:
        tags = dict(_accepted(accepted[:LONGEST]))
    # of several with the same weight the first one
    return max(tags, key=tags.__getitem__, default=ENGLISH)


def _accepted(header: str) -> Iterator[tuple[str, float]]:
    """Yield those of our languages that a header names, each with its weight."""
    found: dict[str, float] = {}
    for item in header.split(","):
        if match := _ITEM.fullmatch(item):
            language, weight = match[1].lower(), float(match[2] or 1)
            if language in LANGUAGES and weight > found.get(language, 0):
                found[language] = weight
    yield from found.items()
