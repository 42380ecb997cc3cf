"""Untrusted text, made safe for logs, terminals and status lines."""

from __future__ import annotations

import os
import re
from typing import Final

CONTROL: Final = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Members of a character class: control characters (C0, C1), line and paragraph separators,
Unicode Bidi_Control, and surrogates."""

_CONTROL: Final = re.compile(f"[{CONTROL}]")
_BUT_LINE_FEED: Final = re.compile(f"(?!\n)[{CONTROL}]")


def has_control(text: str) -> bool:
    """Tell whether a text contains one of `CONTROL`."""
    return _CONTROL.search(text) is not None


def printable(text: str, longest: int = 0) -> str:
    r"""Return a text in one line, with control characters escaped as ``\u001b``.

    Args:
        longest: characters that are kept; 0 keeps all.
    """
    short = text[:longest] + "…" if longest and len(text) > longest else text
    return short if short.isprintable() else _CONTROL.sub(_escaped, short)


def printable_lines(text: str) -> str:
    """Return a text with control characters escaped, except line feeds."""
    return text if text.isprintable() else _BUT_LINE_FEED.sub(_escaped, text)


def system_message(error: BaseException) -> str:
    """Return the system's message for a connection that failed, such as "connection refused".

    Twisted's own text has the message twice, and the error number.
    """
    number = getattr(error, "osError", None) or getattr(error, "errno", None)
    if isinstance(number, int):
        return os.strerror(number).lower()
    return str(error).rstrip(".") or type(error).__name__


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"  # the escapes of JSON, so that JSON stays valid
