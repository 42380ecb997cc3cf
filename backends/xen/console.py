"""From a console's location to its endpoint: CONNECT under TLS, or without it on old hosts."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from ...addresses import NOT_DIALLED, bracketed, is_dialable, meaning, parse_ip
from ...errors import BackendError
from ...model import ConsoleEndpoint, HTTPConnect, RFBSecurity, Transport
from .machines import Found
from .settings import XenSettings

HTTPS_PORT: Final = 443

_REFERENCE: Final = re.compile(r"[\w:-]+", re.ASCII)
_BARE_IPV6: Final = re.compile(
    r"(?P<scheme>https?://)(?P<host>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?P<rest>/.*)?"
)
_TARGET: Final = re.compile(r"/[!-~]*")


def endpoint(found: Found, settings: XenSettings, *, at_resident: bool = False) -> ConsoleEndpoint:
    """Return how a console is reached.

    Args:
        at_resident: whether the host on which the machine runs is used, not that in the location.

    Raises:
        BackendError: the location cannot be used.
    """
    location = _location(found.location)
    host = _host(found, "" if at_resident else location.hostname or "", settings)
    if settings.plain_console:
        return _plain(found, host, settings)
    return _secure(found, host, location, settings)


def _host(found: Found, told: str, settings: XenSettings) -> str:
    """Return the location's host if it can be dialled, else the one where the machine runs."""
    hosts = [host for host in (told, found.host) if is_dialable(host)]
    if not hosts:
        raise BackendError(
            f"the console of {found.name!r} is at {found.host!r}, which is no address"
        )
    for host in hosts:
        if not settings.is_refused(host):
            return host
    raise BackendError(
        f"the console of {found.name!r} is at {hosts[-1]!r}, which is {meaning(hosts[-1])} and not "
        f'dialled blindly; write in addresses where the host is: "{hosts[-1]}" = "…"',
        public=NOT_DIALLED,
    )


def _secure(
    found: Found, host: str, location: SplitResult, settings: XenSettings
) -> ConsoleEndpoint:
    target = location.path + (f"?{location.query}" if location.query else "")
    if not _TARGET.fullmatch(target):
        raise BackendError(f"the console of {found.name!r} has no path: {found.location!r}")
    headers = (("Host", bracketed(host)), ("Cookie", f"session_id={_checked(found.session)}"))
    return ConsoleEndpoint(
        Transport.TLS,
        host=settings.dialled(host),
        port=location.port or HTTPS_PORT,
        tls=settings.tls.trust(),
        handshakes=(HTTPConnect(target, headers), RFBSecurity()),
        name=found.name,
        allow_loopback=settings.is_written(host),
    )


def _plain(found: Found, host: str, settings: XenSettings) -> ConsoleEndpoint:
    target = f"/console?ref={_checked(found.vm)}&session_id={_checked(found.session)}"
    return ConsoleEndpoint(
        Transport.TCP,
        host=settings.dialled(host),
        port=settings.plain_port,
        handshakes=(HTTPConnect(target, (("Host", bracketed(host)),)), RFBSecurity()),
        name=found.name,
        allow_loopback=settings.is_written(host),
    )


def _location(text: str) -> SplitResult:
    try:
        location = urlsplit(_with_brackets(text))
        location.port  # noqa: B018 raises ValueError
    except ValueError as e:
        raise BackendError(f"a console's location cannot be understood: {quote(text)[:128]}") from e
    return location


def _with_brackets(text: str) -> str:
    """Return a location with the brackets around an IPv6 address that XAPI leaves out."""
    bare = _BARE_IPV6.fullmatch(text)
    if not bare or not parse_ip(bare["host"]):
        return text
    return f"{bare['scheme']}[{bare['host']}]{bare['rest']}"


def _checked(reference: str) -> str:
    """Return a reference that can stand in a request's header."""
    if not _REFERENCE.fullmatch(reference):
        raise BackendError(f"a reference of {len(reference)} characters is not well formed")
    return reference
