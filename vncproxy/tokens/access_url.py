"""The link a user opens: a configured base URL with a token's secret in its query."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit


def access_url(base: str, secret: str) -> str:
    """Return the access URL of a token.

    Args:
        base: where users reach the listener; its path, query and fragment are kept, and an empty
            path becomes ``/``.
        secret: the token's secret.
    """
    parts = urlsplit(base)
    token = f"token={quote(secret, safe='')}"
    query = f"{parts.query}&{token}" if parts.query else token
    return urlunsplit(parts._replace(path=parts.path or "/", query=query))
