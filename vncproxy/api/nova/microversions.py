"""Microversions: which version of Nova's API a request asks for, and the answer's headers.

Nova API guide, "Microversions": one number for all resources, sent with each request.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from twisted.web.http_headers import Headers as RequestHeaders

from ..reply import Headers
from .faults import Fault

HEADER: Final = "OpenStack-API-Version"
OLD_HEADER: Final = "X-OpenStack-Nova-API-Version"
"""What clients send below 2.27; they send both from it on."""

_SERVICE: Final = "compute"
_FORM: Final = re.compile(r"([1-9]\d{0,3})\.(0|[1-9]\d{0,3})", re.ASCII)


class Microversion(NamedTuple):
    """A version of the API, ordered by number."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


LOWEST: Final = Microversion(2, 1)
"""The lowest version, and that of requests that name none."""

HIGHEST: Final = Microversion(2, 99)

REMOTE_CONSOLES: Final = Microversion(2, 6)
"""From it on, consoles are asked for by ``remote-consoles``; below it, by an action."""

AUTH_TOKENS: Final = Microversion(2, 31)
"""From it on, the console of any type of token can be looked up."""

TLS_PORT: Final = Microversion(2, 99)
"""From it on, a token's console has a ``tls_port``."""


def requested(headers: RequestHeaders) -> Microversion:
    """Return the version that a request asks for.

    Raises:
        Fault: 400, it is no version; 406, it is not served here.
    """
    text = _requested_text(headers)
    if not text:
        return LOWEST
    if text == "latest":
        return HIGHEST
    found = _FORM.fullmatch(text)
    if found is None:
        message = f"API Version String {text[:40]!r} is of invalid format. Must be of format "
        raise Fault(400, f"{message}MajorNum.MinorNum.")
    version = Microversion(int(found[1]), int(found[2]))
    if not LOWEST <= version <= HIGHEST:
        raise Fault(
            406,
            f"Version {version} is not supported by the API. Minimum is {LOWEST} and maximum is "
            f"{HIGHEST}.",
        )
    return version


def _requested_text(headers: RequestHeaders) -> str:
    """Return what the headers ask for; empty where they do not."""
    for line in headers.getRawHeaders(HEADER.encode(), []):
        for element in line.decode("latin-1").split(","):
            service, _, text = element.strip().partition(" ")
            if service.lower() == _SERVICE:
                return text.strip()
    old: bytes = headers.getRawHeaders(OLD_HEADER.encode(), [b""])[-1]
    return old.decode("latin-1").strip()


def version_headers(version: Microversion) -> Headers:
    """Return the headers that tell the version of an answer."""
    return (
        (HEADER, f"{_SERVICE} {version}"),
        (OLD_HEADER, str(version)),
        ("Vary", f"{HEADER}, {OLD_HEADER}"),
    )
