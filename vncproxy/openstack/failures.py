"""Errors of OpenStack's libraries in words: most of theirs hold URLs, and so secrets."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 200
_LOGIN: Final = re.compile(r"//\S*@")


def status_of(error: Exception) -> int:
    """Return the HTTP status of an error; 0 where there was no answer."""
    status = getattr(error, "status_code", None) or getattr(error, "http_status", None)
    return status if isinstance(status, int) else 0


def in_words(error: Exception, *secrets: str) -> str:
    """Return the kind and the first line of an error.

    Args:
        secrets: what the line must not hold, besides the users of URLs.
    """
    first = (str(error).splitlines() or [""])[0]
    for secret in secrets:
        first = first.replace(secret, "TOKEN")
    # a proxy's URL, or one in clouds.yaml, may hold a password
    return f"{type(error).__name__}: {_LOGIN.sub('//…@', first)[:LONGEST]}"
