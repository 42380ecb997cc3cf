"""The SecurityResult of a server (RFC 6143 section 7.1.3)."""

from __future__ import annotations

import re

from ..errors import ConsoleInUse, UpstreamBusy, UpstreamRefused
from ..handshake.steps import Read, Steps
from .versions import Version, read_reason

_TOO_MANY = 2
"""The result of Tight and UltraVNC servers for it (RFC 6143 section 7.1.3 knows 0 and 1)."""

_ATTEMPTS = re.compile(r"too many|blacklist|black-list|try again later", re.I)
_IN_USE = re.compile(r"already in use|in use by|another (?:user|viewer|client)", re.I)


def read_result(version: Version) -> Steps[None]:
    """Read whether authentication succeeded.

    Raises:
        UpstreamRefused: it failed; with the reason where the version has one.
    """
    result = int.from_bytes((yield Read(4, "the result of the authentication")), "big")
    if result == 0:
        return
    reason = (yield from read_reason()) if version is Version.V3_8 else ""
    if result == _TOO_MANY:
        reason = reason or "too many attempts"
    raise refusal("authentication failed", reason, f"result {result}")


def refusal(what: str, reason: str, otherwise: str) -> UpstreamRefused:
    """Return the error for a refusal, chosen by the text of its reason.

    The patterns match TigerVNC, RealVNC, TightVNC and UltraVNC.

    Args:
        otherwise: used where there is no reason.
    """
    text = f"{what}: {reason or otherwise}"
    if _ATTEMPTS.search(reason):
        detail = f"{text}; it counts connections that did not log in (BlacklistTimeout)"
        return UpstreamBusy(detail, reason=reason)
    if _IN_USE.search(reason):
        return ConsoleInUse(text, reason=reason)
    return UpstreamRefused(text, reason=reason)
