"""Errors of TOML's syntax, with advice for readers who do not know TOML.

No value is shown, because it may be a password.
"""

from __future__ import annotations

import re
import tomllib
from typing import Final

_PLACE: Final = re.compile(r"\(at line (\d+), column (\d+)\)")
_KEY: Final = re.compile(r"\s*([\w.-]+)\s*=\s*")
_WORD: Final = re.compile(r"[^\s,\[\]{}#\"'=]+")
_HALF_NUMBER: Final = re.compile(r"\d[\w./:-]")
"""Where a number ends within something longer, such as 10.0.0.5 or 10s."""
_SWITCHES: Final = frozenset({"true", "false", "yes", "no", "on", "off"})


def explain(error: tomllib.TOMLDecodeError, text: str) -> str:
    """Return the parser's message, with advice where the cause is known."""
    advice = _advice(str(error), text)
    return f"{error}; {advice}" if advice else str(error)


def _advice(message: str, text: str) -> str:
    place = _PLACE.search(message)
    if place is None:
        return ""
    line, column = text.split("\n")[int(place[1]) - 1], int(place[2]) - 1
    key = _KEY.match(line)
    if message.startswith(("Expected newline", "Unclosed array")):
        return _quotes(key) if _HALF_NUMBER.match(line, max(0, column - 1)) else ""
    word = _WORD.match(line, column)
    if word is None or not message.startswith("Invalid value"):
        return ""
    if word[0].lower() in _SWITCHES:
        return "a switch is true or false, in small letters and without quotes"
    return _quotes(key)


def _quotes(key: re.Match[str] | None) -> str:
    return f'text needs quotes, as in {key[1] if key else "key"} = "…"'
