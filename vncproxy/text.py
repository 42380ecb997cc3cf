"""Text that others have sent, as it may be written to logs, terminals and status lines."""

from __future__ import annotations

import os
import re
from typing import Final

CONTROL: Final = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Members of a character class: control characters (C0, C1), line and paragraph separators, marks
that turn the direction of text (Unicode Bidi_Control), and halves of surrogate pairs."""

_CONTROL: Final = re.compile(f"[{CONTROL}]")
_BUT_LINE_FEED: Final = re.compile(f"(?!\n)[{CONTROL}]")


def has_control(text: str) -> bool:
    """Tell whether a text holds what does not belong into a name."""
    return _CONTROL.search(text) is not None


def printable(text: str, longest: int = 0) -> str:
    r"""Return a text of one line, with ``\u001b`` and the like instead of control characters.

    Args:
        longest: characters that are kept; 0 keeps all.
    """
    short = text[:longest] + "…" if longest and len(text) > longest else text
    return short if short.isprintable() else _CONTROL.sub(_escaped, short)


def printable_lines(text: str) -> str:
    """Return a text likewise, in as many lines as it has."""
    return text if text.isprintable() else _BUT_LINE_FEED.sub(_escaped, text)


def system_words(error: BaseException) -> str:
    """Return what the system says about a connection that failed: "connection refused".

    Twisted says it twice, with its number between.
    """
    number = getattr(error, "osError", None) or getattr(error, "errno", None)
    if isinstance(number, int):
        return os.strerror(number).lower()
    return str(error).rstrip(".") or type(error).__name__


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"  # as JSON does, so that JSON stays JSON
