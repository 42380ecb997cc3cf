"""The links that users open: a configured base URL with a token's secret in its query."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit


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


def nova_url(base: str, secret: str) -> str:
    """Return the access URL of a token as Nova builds it for noVNC, which reads ``path``.

    Args:
        base: the page; its query is kept, and a ``path`` in it precedes the token.
        secret: the token's secret.
    """
    parts = urlsplit(base)
    query = dict(parse_qsl(parts.query))
    query["path"] = f"{query.get('path', '')}?token={secret}"
    return urlunsplit(parts._replace(path=parts.path or "/", query=urlencode(query)))
