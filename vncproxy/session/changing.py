"""Changes what the user of a live session may do, at the request of an administrator."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..errors import ModeChanged, ModeFixed, Superseded
from ..model import Grant, Mode
from .live import LiveSessions
from .state import SessionState

LEAVE_TIME: Final = 0.7
"""Seconds within which a page that was asked to enter again has left; then it is sent away."""

_NOT_YET: Final = (
    "The session is opening, or another one takes its place. Try again in a moment, with the id "
    "that it has then."
)


async def change_mode(session: SessionState, mode: Mode, by: str, live: LiveSessions) -> bool:
    """Change the mode of a live session, and of all later ones of its resume cookie.

    A session whose viewer nothing parses changes by another one: its page enters again.

    Args:
        by: the name of who asks for it, for the audit log.

    Returns:
        Whether the page of the session enters again, as a session with another id.

    Raises:
        ModeFixed: it cannot change; its sentence says what can be done.
        StoreUnavailable: it has changed if that was possible at once, and may be forgotten when the
            browser enters again.
    """
    if session.grant is None:
        raise ModeFixed("its token is not redeemed yet", public=_NOT_YET)
    _check_zone(session)
    if session.rights.can_change:
        await _change_at_once(session, session.grant, mode, by, live)
        return False
    return await _change_by_page(session, session.grant, mode, by, live)


def _check_zone(session: SessionState) -> None:
    """Raise `ModeFixed` for the session of another zone's user, whose cookie is kept there."""
    border = session.border
    if border is not None and border.from_zone:
        where = f"zone {border.from_zone} as session {border.from_session}"
        raise ModeFixed(
            "its viewer is in another zone",
            public=f"The user of this session is in {where}: change it there.",
        )


async def _change_at_once(
    session: SessionState, grant: Grant, mode: Mode, by: str, live: LiveSessions
) -> None:
    session.rights.set_mode(mode, by, told="")
    live.on_redeemed(session.id)
    live.on_mode(session)
    if not await _remember(session, grant, mode, live) and session.moving is not None:
        raise ModeFixed("its page leaves, maybe with another cookie", public=_NOT_YET)


async def _change_by_page(
    session: SessionState, grant: Grant, mode: Mode, by: str, live: LiveSessions
) -> bool:
    stays = mode is session.rights.mode and session.moving is None
    if not stays:
        _check_reenters(session, grant)
    remembered = await _remember(session, grant, mode, live)
    if stays:
        return False
    if not remembered:
        raise ModeFixed("its cookie is not good yet, or no more", public=_NOT_YET)
    why = ModeChanged(f"{mode.value} by {by}")
    session.tell_page("mode", mode=mode.value, by="")
    session.ask_to_move(why)
    live.services.reactor.callLater(LEAVE_TIME, session.cancel, why)
    return True


def _check_reenters(session: SessionState, grant: Grant) -> None:
    """Make sure that the page of a session can enter the console again.

    Raises:
        ModeFixed: it has none, or is not open yet.
    """
    if not session.is_open:
        raise ModeFixed("it is opening", public=_NOT_YET)
    if not (grant.cookie_id and session.user_request.can_move):
        raise ModeFixed("its viewer cannot enter again by itself")


async def _remember(session: SessionState, grant: Grant, mode: Mode, live: LiveSessions) -> bool:
    """Remember a mode for the cookie; one of a session that opens is remembered once it is open.

    Raises:
        ModeFixed: the cookie has a newer session, which keeps its mode.
    """
    store, claim = live.services.store, live.lease(session).name
    try:
        remembered: bool = await store.remember_mode(replace(grant, claim=claim), mode)
    except Superseded as e:
        raise ModeFixed("its cookie has a newer session", public=_NOT_YET) from e
    return remembered
