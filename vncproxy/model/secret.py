"""Random ids and secrets, and the form in which secrets are stored."""

from __future__ import annotations

import hashlib
import re
import secrets

from ..errors import BadRequest

_SECRET = re.compile(r"[A-Za-z0-9_.-]{1,4096}")


def new_id() -> str:
    """Return 64 random bits as 16 hex digits: the id of a session or a refusal, in any proxy."""
    return secrets.token_hex(8)


def new_secret() -> str:
    """Return 256 random bits as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def new_claim() -> str:
    """Return 64 random bits: a store's id of a session that holds a use of a token."""
    return secrets.token_hex(8)


def secret_id(secret: str) -> str:
    """Return the SHA-256 of a secret as 64 hexadecimal digits: the only form that is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret(text: str) -> bool:
    """Tell whether a text can be a token's secret."""
    return _SECRET.fullmatch(text) is not None


def check_secret(text: str) -> str:
    """Return a token's secret from a request, if it is well formed.

    Other issuers write tokens too (a UUID has 36 characters, a signed token many hundreds, and
    dots), so only the alphabet and the length are checked.

    Raises:
        BadRequest: it is empty, too long or contains other characters.
    """
    if not is_secret(text):
        raise BadRequest(f"token of {len(text)} characters is not well formed")
    return text
