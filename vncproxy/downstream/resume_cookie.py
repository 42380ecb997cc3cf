"""The resume cookie, with which a browser re-enters a console: one for each token it opened."""

from __future__ import annotations

from collections.abc import Iterable

from ..model import secret_id

PREFIX = "vncproxy_resume_"

KEPT = 20
"""Resume cookies left to a browser: reverse proxies limit the size of a request's header."""

REMOVED_AT_ONCE = 5
"""Cookies that one response removes: reverse proxies limit the size of its header, too."""

_STANDALONE = "SameSite=Strict"
_EMBEDDED = "SameSite=None; Secure; Partitioned"


def resume_cookie_name(token: str) -> str:
    """Return the name of a token's resume cookie."""
    return f"{PREFIX}{secret_id(token)[:12]}"


def surplus_cookies(names: Iterable[str], token: str) -> list[str]:
    """Return the names of resume cookies to remove so that a token's own one is within `KEPT`.

    Args:
        names: of all cookies of the request; browsers send the oldest first (RFC 6265 section 5.4).
    """
    others = [name for name in names if name.startswith(PREFIX)]
    if len(others) < KEPT:
        return []
    own = resume_cookie_name(token)
    others = [name for name in others if name != own]
    too_many = max(0, len(others) - (KEPT - 1))
    return others[: min(too_many, REMOVED_AT_ONCE)]


def set_cookie(
    name: str, secret: str, seconds: float, *, path: str, secure: bool, embedded: bool
) -> str:
    """Return a ``Set-Cookie`` header.

    Args:
        embedded: whether other sites may show the console in a frame. A browser sends a ``Strict``
            cookie only where the top-level page is of the console's own site; a partitioned one is
            sent in the frames of each portal, and stored separately for each.
    """
    same_site = _EMBEDDED if embedded and secure else _STANDALONE
    parts = [f"{name}={secret}", f"Path={path}", f"Max-Age={int(seconds)}", "HttpOnly", same_site]
    return "; ".join([*parts, "Secure"] if secure and same_site == _STANDALONE else parts)


def remove_cookie(name: str, *, path: str, secure: bool) -> list[str]:
    """Return ``Set-Cookie`` headers that remove a cookie, embedded or not."""
    forms = (False, True) if secure else (False,)
    return [
        set_cookie(name, "", 0, path=path, secure=secure, embedded=embedded) for embedded in forms
    ]
