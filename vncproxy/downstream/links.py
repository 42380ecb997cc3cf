"""Finds the token in a link, for the page, WebSockets, ``CONNECT`` and the bridge alike.

The page's script ``web/static/session/link.js`` has the same rules; one table in the tests holds
for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from twisted.web.http import Request

BLANK = " \t\r\n\v\f\u00a0\u200b\ufeff"
"""White space that mail programs and spreadsheets put around a token."""


def query_token(request: Request) -> str:
    """Return the token of a request; empty when there is none."""
    return token_of(request.uri.decode("latin-1"))


def token_of(target: str, fragment: str = "") -> str:
    """Return the token in a link; empty when there is none.

    It is the last ``token`` that is not empty in the fragment, else in the query; else the one in
    noVNC's parameter ``path``, whose value has a query of its own.

    Args:
        target: path and query. A mail program may have escaped the question mark between them.
        fragment: the part after ``#``, which is never sent in a request.
    """
    path, _, query = target.partition("?")
    texts = (fragment, query, behind_path(path)[1])
    places = [dict(_parameters(text)) for text in texts if text]
    found = [place["token"] for place in places if "token" in place]
    found += [inner for place in places if "path" in place and (inner := _inside(place["path"]))]
    return found[0] if found else ""


def takes(request: Request) -> bool:
    """Tell whether the user has asked to take the console from others."""
    return _parameter(request, "take") == "1"


def is_confirmed(request: Request) -> bool:
    """Tell whether the page states that its user pressed the button that opens the console."""
    return _parameter(request, "confirmed") == "1"


def can_move(request: Request) -> bool:
    """Tell whether the page states that it enters its console again when it is asked to."""
    return _parameter(request, "moves") == "1"


def can_follow(request: Request) -> bool:
    """Tell whether the page states that it goes to another proxy when it is sent there."""
    return _parameter(request, "follows") == "1"


def can_talk(request: Request) -> bool:
    """Tell whether the page states that it sends and understands messages beside the console."""
    return _parameter(request, "talks") == "1"


def asks_to_start(request: Request) -> bool:
    """Tell whether the page states that its user has asked for the machine to be started."""
    return _parameter(request, "start") == "1"


def language(request: Request) -> str:
    """Return the tag of the language that the link or the page names; empty for none."""
    return _parameter(request, "lang") or ""


def resume_secret(request: Request) -> str:
    """Return the secret by which the page of another proxy lets its user re-enter here."""
    return _parameter(request, "reenter") or ""


def _parameter(request: Request, name: str) -> str | None:
    query = request.uri.decode("latin-1").partition("?")[2]
    return dict(_parameters(query)).get(name)


def behind_path(path: str) -> tuple[str, str]:
    """Split a path at an escaped question mark into path and query."""
    begin, escaped, rest = path.replace("%3f", "%3F").partition("%3F")
    return begin, _text(rest) if escaped else ""


def _inside(path: str) -> str:
    """Return the token in noVNC's ``path``: ``websockify?token=X``, or ``&`` instead of ``?``."""
    begin, question, query = path.partition("?")
    query = query if question else begin.partition("&")[2]
    return dict(_parameters(query)).get("token", "")


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    """Yield the parameters that are not empty."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if value := _text(value.replace("+", " ")).strip(BLANK):
            yield _text(name), value


def _text(escaped: str) -> str:
    """Undo percent-encoding; bytes that are not UTF-8 are read as ISO 8859-1."""
    if "%" not in escaped and escaped.isascii():
        return escaped
    octets = unquote_to_bytes(escaped.encode("utf-8", "surrogateescape"))
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")
