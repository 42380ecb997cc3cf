"""Origins of web pages: their normal form, patterns, and which pages may open consoles.

A page may open a console when the configuration allows its origin (`untrusted_origin`), or else
when the token's policy does (`check_origin`).

The normal form is what browsers send in ``Origin`` (RFC 6454 section 6.2): lower case, host names
in punycode, no port that the scheme implies, no slash at the end. A pattern is an origin, or one
with ``*.`` before its host, which matches all names below that host and not the host itself, as in
the directive ``frame-ancestors`` of a content security policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv6Address
from typing import Final

import idna

from .errors import Forbidden

PORTS: Final = {"http": 80, "https": 443}
"""The schemes of pages and their default ports."""

_ORIGIN: Final = re.compile(r"([A-Za-z]{4,5})://(\[[0-9A-Fa-f:.]*\]|[^][/?#@:\\\s]+)(:\d{1,5})?/?")
_HOST: Final = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")
_LONGEST_HOST: Final = 253
_ANY: Final = "://*."
_LONGEST_KEPT: Final = 256


def normal_origin(text: str) -> str:
    """Return an origin in its normal form.

    Raises:
        ValueError: the text is not an origin.
    """
    match = _ORIGIN.fullmatch(text)
    if match is None or (scheme := match[1].lower()) not in PORTS:
        raise ValueError("must be an origin without a path, as in https://portal.example.com")
    port = int(match[3][1:]) if match[3] else PORTS[scheme]
    if not 0 < port < 65536:
        raise ValueError("must have a port from 1 to 65535, or none")
    host = normal_host(match[2])
    return f"{scheme}://{host}" if port == PORTS[scheme] else f"{scheme}://{host}:{port}"


def normal_host(host: str) -> str:
    """Return a host as browsers write it: lower case, punycode, IPv6 compressed.

    Raises:
        ValueError: it is neither a name nor an address.
    """
    if len(host) > _LONGEST_HOST:
        raise ValueError(f"must have a host of at most {_LONGEST_HOST} characters")
    try:
        if ":" in host:
            return f"[{IPv6Address(host.strip('[]')).compressed}]"
        name = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()
    except ValueError:
        name = ""
    if not _HOST.fullmatch(name):
        raise ValueError("must have a host that is a name or an address")
    return name


def normal_pattern(text: str) -> str:
    """Return a pattern in its normal form.

    Raises:
        ValueError: it is neither an origin nor a pattern for the names below a host.
    """
    if "*" not in text:
        return normal_origin(text)
    scheme, wildcard, rest = text.partition(_ANY)
    if not wildcard or "*" in scheme + rest:
        raise ValueError('may have "*" as the first label of a host: https://*.apps.example.com')
    origin = normal_origin(f"{scheme}://{rest}")
    labels = origin.partition("://")[2].partition(":")[0].rstrip(".").split(".")
    if len(labels) < 2 or labels[-1].isdigit() or origin.endswith("]"):
        raise ValueError('must name a domain of two labels or more behind "*."')
    return origin.replace("://", _ANY, 1)


def normal_patterns(texts: Iterable[str]) -> list[str]:
    """Return the valid patterns of some texts in their normal form; others are left out."""
    found = []
    for text in texts:
        with suppress(ValueError):
            found.append(normal_pattern(text))
    return found


def normal_or_as_is(text: str) -> str:
    """Return a pattern in its normal form; a text that is none is returned as it is."""
    try:
        return normal_pattern(text)
    except ValueError:
        return text


def origin_of(text: str) -> str | None:
    """Return the normal form of an ``Origin`` header; None when it is no origin."""
    try:
        return normal_origin(text) if text.isascii() else None
    except ValueError:
        return None


def allows(patterns: Iterable[str], origin: str) -> bool:
    """Tell whether an origin in its normal form matches one of the patterns."""
    return any(pattern == origin or _is_below(pattern, origin) for pattern in patterns)


def untrusted_origin(header: str, trusted: Iterable[str]) -> str | None:
    """Return a page's origin when the configuration does not allow it to open consoles.

    Args:
        header: the value of ``Origin``; one that is no origin is returned as it is, and cut.
        trusted: patterns that the configuration allows.
    """
    origin = origin_of(header)
    if origin is None:
        return header[:_LONGEST_KEPT]
    return None if allows(trusted, origin) else origin


def check_origin(untrusted: str | None, patterns: Iterable[str]) -> None:
    """Check a page's origin against a token's policy.

    Args:
        untrusted: what `untrusted_origin` returned; None passes.
        patterns: those of the policy.

    Raises:
        Forbidden: the page may not open the console.
    """
    if untrusted is not None and not allows(patterns, untrusted):
        raise Forbidden(
            f"origin {untrusted!r} is not allowed: it is neither that of public.base_url, nor in "
            "public.allowed_origins, nor in the token's policy"
        )


def _is_below(pattern: str, origin: str) -> bool:
    scheme, wildcard, rest = pattern.partition(_ANY)
    if not wildcard:
        return False
    begin, end = f"{scheme}://", f".{rest}"
    long_enough = len(origin) > len(begin) + len(end)
    return long_enough and origin.startswith(begin) and origin.endswith(end)
