"""What a zone answers, and what keeps it from answering, as errors with its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import TimeoutError  # noqa: A004
from twisted.python.failure import Failure

from ...errors import (
    PowerDenied,
    PowerStateUnfit,
    PowerUnsupported,
    VMNotFound,
    VNCProxyError,
    ZoneDraining,
    ZoneError,
    ZoneUnreachable,
    ZoneUntrusted,
)
from ...errors.zone import ASKED
from ...text import printable, system_message

LONGEST_MESSAGE = 300
"""Characters of a zone's message that are kept."""

_STATE = "The virtual machine is "


_POWER: Mapping[str, Callable[[str, str], VNCProxyError]] = {
    PowerStateUnfit.code: lambda detail, message: PowerStateUnfit(
        message.removeprefix(_STATE).rstrip("."), detail
    ),
    PowerUnsupported.code: lambda detail, message: PowerUnsupported(detail),
    PowerDenied.code: lambda detail, message: PowerDenied(detail),
}
"""Why a machine was not started, stopped or reset there."""


def refused(zone: str, status: int, content: bytes) -> VNCProxyError:
    """Return the error for an answer that is no success.

    Args:
        status: of HTTP.
        content: the body, which should be an error as JSON.
    """
    code, message = _error(content)
    detail = f"zone {zone} answers {status} {code}: {message}"
    if code in ASKED:
        return ASKED[code](detail, zone=zone)
    if code == VMNotFound.code:
        return VMNotFound(detail, public=f"The zone {zone} has no such virtual machine.")
    if code in _POWER:
        return _POWER[code](detail, message)
    if status == 503:
        return ZoneDraining(detail, zone=zone)
    return ZoneError(detail, zone=zone)


def _error(content: bytes) -> tuple[str, str]:
    try:
        error: Any = json.loads(content)["error"]
        return str(error["code"])[:64], printable(str(error["message"]), LONGEST_MESSAGE)
    except (ValueError, LookupError, TypeError):
        return "what is no answer of vncproxy's API", printable(repr(content[:60]))


def unreachable(
    zone: str, url: str, error: Exception, timeout: float, problem: str
) -> VNCProxyError:
    """Return the error for a request that got no answer.

    Args:
        timeout: seconds that it had.
        problem: why the server's certificate was not trusted; empty where it was.
    """
    if isinstance(error, TimeoutError):
        return ZoneUnreachable(f"zone {zone}: no answer of {url} within {timeout:g} s", zone=zone)
    cause = _cause(error)
    if isinstance(cause, SSL.Error):
        why = problem or f"TLS failed: {cause}"
        return ZoneUntrusted(f"zone {zone} at {url}: {why}", zone=zone)
    return ZoneUnreachable(f"zone {zone} at {url}: {system_message(cause)}", zone=zone)


def _cause(error: Exception) -> BaseException:
    """Return why a connection ended, for a request that was broken off by that."""
    # an HTTP client is imported for proxies that have zones only
    from twisted.web.client import RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived

    broken_off = RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived
    reasons: list[Failure] = getattr(error, "reasons", []) if isinstance(error, broken_off) else []
    return (reasons[0].value if reasons else None) or error
