"""Headers of a request as text: ISO 8859-1, so that every byte is one character."""

from __future__ import annotations

from twisted.web.http import Request


def header_lines(request: Request, name: str) -> list[str]:
    """Return the values of all headers with this name, in the order in which they came."""
    values = request.requestHeaders.getRawHeaders(name.encode()) or []
    return [value.decode("latin-1") for value in values]


def header(request: Request, name: str) -> str:
    """Return the values of all headers with this name as one list; empty where there is none."""
    return ", ".join(header_lines(request, name))


def first_element(request: Request, name: str, otherwise: str) -> str:
    """Return the first element of a header's list: that of the proxy nearest to the user."""
    lines = header_lines(request, name)
    return lines[0].partition(",")[0].strip() if lines else otherwise
