"""Cookies of a request (RFC 6265 section 5.4), read in one pass."""

from __future__ import annotations

import re
from typing import Final

_SEPARATORS: Final = re.compile(r"[;,]")
"""A comma stands where a reverse proxy has joined several headers."""


def parse_cookies(lines: list[str]) -> dict[str, str]:
    """Return the cookies of all ``Cookie`` headers by name; of two with the same name, the last.

    Quotation marks around a value are removed. Backslashes within them are kept as they are:
    browsers send values as they were set, without escapes.
    """
    found: dict[str, str] = {}
    for line in lines:
        for part in _SEPARATORS.split(line):
            name, equals, value = part.partition("=")
            if equals and (name := name.strip()):
                found[name] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1] if quoted else value
