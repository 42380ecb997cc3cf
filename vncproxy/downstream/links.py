"""Where a token stands in a link."""

from __future__ import annotations

from urllib.parse import parse_qs

from twisted.web.http import Request


def query_token(request: Request) -> str:
    """Return the token of the query, or of the query inside noVNC's ``path`` parameter."""
    arguments: dict[bytes, list[bytes]] = request.args or {}
    tokens = [token.decode("latin-1") for token in arguments.get(b"token", []) if token]
    if tokens:
        return tokens[-1]
    path = arguments.get(b"path", [b""])[-1].decode("latin-1")
    return parse_qs(path.partition("?")[2]).get("token", [""])[-1]
