"""Users, names and groups in the claims of a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import LoginFailed
from ..text import has_control, printable
from .limits import LONGEST_TEXT, MOST_GROUPS

LONGEST_NAME = 100
"""Characters of a name for people."""


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim; ``a.b`` is member ``b`` of claim ``a`` where no claim has that name."""
    if name in claims or "." not in name:
        return claims.get(name)
    first, _, rest = name.partition(".")
    inner = claims.get(first)
    return claim(inner, rest) if isinstance(inner, Mapping) else None


def user_in(claims: Mapping[str, Any], name: str) -> str:
    """Return the user.

    Raises:
        LoginFailed: there is none that can be used, or an address that is not verified.
    """
    user = claim(claims, name)
    if not isinstance(user, str) or not _is_usable(user):
        raise LoginFailed(f"the provider's answer has no usable claim {name!r}", word="identity")
    if name == "email" and claims.get("email_verified") is not True:
        raise LoginFailed(
            "the provider has not verified the user's e-mail address", word="identity"
        )
    return user


def name_in(claims: Mapping[str, Any], name: str, user: str) -> str:
    """Return what the user is called; the user's own text where the provider does not say."""
    found = claim(claims, name)
    shown = found.strip() if isinstance(found, str) else ""
    return printable(shown or user, LONGEST_NAME)


def groups_in(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the groups of the user.

    Raises:
        LoginFailed: there are too many.
    """
    found = claim(claims, name)
    texts = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    if len(texts) > MOST_GROUPS:
        raise LoginFailed(
            f"the user has {len(texts)} groups; {MOST_GROUPS} at most", word="identity"
        )
    return tuple(text for text in texts if isinstance(text, str) and _is_usable(text))


def _is_usable(text: str) -> bool:
    return 0 < len(text) <= LONGEST_TEXT and text.strip() == text and not has_control(text)
