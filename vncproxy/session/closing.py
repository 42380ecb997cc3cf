"""Why a console closed, and which side closed first."""

from __future__ import annotations

from ..errors import (
    ConnectionLost,
    ConsoleEnded,
    ConsoleMoved,
    ConsoleTaken,
    VNCProxyError,
)
from ..errors.zone import said_by_zone
from ..model import LOCAL
from ..relay.leg import Leg
from ..text import printable
from .live import LiveSessions
from .sharing import told_by_zone_to
from .state import SessionState

FIRST_OF_OURS = 4000
"""The least close code that the proxies give a meaning (RFC 6455 section 7.4.2)."""

JUST_NOW = 2.0
"""Seconds for which a byte counts as being on its way."""

MAX_EXPLAINING = 8
"""Sessions that may ask at once why their console closed: all consoles of a host may close
together, and new sessions need the threads that ask, too."""


def closed_by_console(down: Leg, up: Leg, live: LiveSessions) -> bool:
    """Return whether the console closed first, and its backend may be asked why."""
    return up.is_closing and not down.is_closing and live.explaining < MAX_EXPLAINING


def told_by_zone(session: SessionState, down: Leg, up: Leg, why: VNCProxyError) -> VNCProxyError:
    """Return why another zone has closed a session; ``why`` where none has, or gives no reason."""
    border = session.border
    if border is None:
        return why
    if up.is_closing and not down.is_closing and border.to_zone:
        zone, close = border.to_zone, up.framing.peer_close
    elif down.is_closing and not up.is_closing and border.from_zone:
        zone, close = border.from_zone, down.framing.peer_close
    else:
        return why
    if close is None or close.code < FIRST_OF_OURS:
        return why
    why = said_by_zone(zone, close.code, printable(close.reason))
    return told_by_zone_to(session, why) if zone == border.to_zone else why


async def explain_close(
    session: SessionState, why: VNCProxyError, live: LiveSessions
) -> VNCProxyError:
    """Return why a console closed, more exactly than ``why`` where its backend can tell.

    Args:
        why: the reason as its connection has it, which stands where there is no better one.
    """
    live.explaining += 1
    try:
        return await _ask_backend(session, why, live) or why
    except Exception:  # noqa: BLE001 a defect must not keep a session from ending
        session.log.failure(
            "session {session}: its backend could not be asked why the console closed",
            session=session.id,
        )
        return why
    finally:
        live.explaining -= 1


async def _ask_backend(
    session: SessionState, why: VNCProxyError, live: LiveSessions
) -> VNCProxyError | None:
    assert session.grant is not None
    vm, consoles = session.grant.token.vm, live.services.consoles()
    host = "" if session.host == LOCAL else session.host
    if await consoles.has_moved(vm, host):
        return ConsoleMoved(f"was on {host}")
    may_be_taken = _may_be_taken(session, why, live.services.reactor.seconds())
    if may_be_taken and await consoles.still_admits(vm, session.grant.endpoint):
        return ConsoleTaken("its server still admits viewers")
    return None


def _may_be_taken(session: SessionState, why: VNCProxyError, now: float) -> bool:
    """Return whether the server may have closed the console in favour of another viewer.

    A reset counts while bytes are on their way: a server that has not read them all, as the user
    types, resets the connection by closing it. A reset of an idle session is a firewall's.
    """
    assert session.legs is not None
    if not session.is_vnc_server or type(why) is ConsoleEnded:
        return session.is_vnc_server
    is_busy = now - max(leg.last_received_at for leg in session.legs) < JUST_NOW
    return type(why) is ConnectionLost and is_busy


def side_that_ended(down: Leg, up: Leg, why: VNCProxyError) -> str:
    """Return which side ended first; an unanswered ping is the downstream side's."""
    if up.is_closing != down.is_closing:
        return "upstream" if up.is_closing else "downstream"
    return "downstream" if isinstance(why, ConnectionLost) else ""
