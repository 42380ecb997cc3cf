"""What a host's answer to CONNECT means when it is a refusal."""

from __future__ import annotations

from typing import Final

from ...errors import (
    ConsoleUnavailable,
    NoGraphicalConsole,
    OverLimit,
    UpstreamClosed,
    UpstreamRefused,
    UpstreamViolation,
    VNCProxyError,
)

SESSION: Final = 401
_PASSING: Final = (SESSION, 404, 500)


def may_pass(refusal: UpstreamViolation) -> bool:
    """Return whether asking XAPI again, for where the console is now, can help."""
    if isinstance(refusal, UpstreamRefused):
        return refusal.http_status in _PASSING
    return isinstance(refusal, UpstreamClosed)


def explain(refusal: UpstreamViolation, username: str) -> VNCProxyError:
    """Return what a refusal means.

    Args:
        username: the account that the console was asked for with.
    """
    if isinstance(refusal, UpstreamClosed) and refusal.before_reply:
        return UpstreamClosed(
            f"{refusal}; the host takes TLS, and xapi behind it does not answer: it is down, or "
            "restarting",
            before_reply=True,
        )
    if isinstance(refusal, UpstreamClosed):
        return UpstreamClosed(
            f"console backend closed: {refusal}; the machine's VNC server is dead, or not up yet"
        )
    match getattr(refusal, "http_status", 0):
        case 401:
            return UpstreamRefused(
                f"{refusal}: the host does not know a session that is new; is it in this pool, and "
                "is its clock right?"
            )
        case 403:
            return UpstreamRefused(
                f"{refusal}: the account {username!r} may not open consoles; it needs VM Operator",
                public="The console service has no permission to open this console.",
            )
        case 404:
            return NoGraphicalConsole(f"{refusal}: the console has no port on its host")
        case 500:
            return ConsoleUnavailable(
                "being moved, started or stopped",
                f"{refusal}: the machine does not run on the host that XAPI names",
            )
        case 503:
            return OverLimit(
                f"{refusal}: the pool allows one viewer of a console, limit_console_sessions",
                public="Somebody else has this console open, and the hypervisor allows one viewer. "
                "Try again later.",
            )
        case status if 300 <= status < 400:
            return UpstreamRefused(f"{refusal}: a redirection, which is not followed")
        case _:
            return type(refusal)(str(refusal))
