"""What users are told of each other where a machine is not shared.

Whether others are named is decided by the configuration of the proxy that has the user's session.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ..errors import (
    ApprovalWithdrawn,
    ConsoleOccupied,
    EndedByAdministrator,
    IdleLimit,
    MayTakeBack,
    OutsideHours,
    SessionEnded,
    Superseded,
    TakenOver,
    TimeLimit,
    UserElsewhere,
    ViewerMessageRefused,
    VNCProxyError,
)
from ..model import KEPT, Sharing, UnixTime
from .state import SessionState

LONGEST_NAME: Final = 40
"""Characters of a user's name in a sentence: the reason of a close frame has 123 bytes."""

_A_DAY: Final = 86400.0

_FOR_GOOD = (
    ApprovalWithdrawn,
    EndedByAdministrator,
    IdleLimit,
    OutsideHours,
    TakenOver,
    TimeLimit,
    UserElsewhere,
    ViewerMessageRefused,
)
"""Ends after which a machine is not kept for the session's user."""


def ended_by(session: SessionState, why: str) -> SessionEnded:
    """Return why others end because a session begins, for their audit lines.

    Args:
        why: the code of the reason.
    """
    return ended_for(session.id, _user_of(session), why)


def ended_for(session_id: str, user: str, why: str) -> SessionEnded:
    """Return the same for a session of any process."""
    by = _in_words(session_id, user)
    if why == TakenOver.code:
        return TakenOver(f"by {by}", by=user)
    return Superseded(f"by {by}") if why == Superseded.code else UserElsewhere(f"by {by}")


def begun_by(session: SessionState) -> str:
    """Return a session and its user in words that `vncproxy.cluster.order` reads."""
    return _in_words(session.id, _user_of(session))


def _in_words(session_id: str, user: str) -> str:
    return f"session {session_id} of {user}" if user else f"session {session_id}"


def _user_of(session: SessionState) -> str:
    assert session.grant is not None
    return session.grant.token.user


def told_by_zone_to(session: SessionState, why: VNCProxyError) -> VNCProxyError:
    """Return what another zone says of other users, as this session's own policy has it.

    That zone's own users may take a machine from this one's, and this one may take it back.
    """
    if not isinstance(why, ConsoleOccupied | TakenOver):
        return why
    resumed = session.grant is not None and session.grant.resumed
    if isinstance(why, ConsoleOccupied) and not resumed:
        return why
    kind = MayTakeBack if _may_take(session) else type(why)
    return kind(why.detail, by=why.by, public=why.sentence())


def sharing_at_zone(session: SessionState) -> Sharing:
    """Return what another zone is told of a session's sharing.

    A page that comes back by itself takes the machine from no other user there, as here.
    """
    assert session.grant is not None
    sharing, resumed = session.grant.token.policy.sharing, session.grant.resumed
    if sharing is Sharing.TAKE_OVER and resumed and not session.user_request.takes:
        return Sharing.EXCLUSIVE
    # which of the users of this zone drives is decided here
    return Sharing.SHARED if sharing is Sharing.ONE_DRIVER else sharing


def told(why: SessionEnded, session: SessionState, *, show_users: bool) -> SessionEnded:
    """Return why a session ends, as its user may know it."""
    if not isinstance(why, TakenOver):
        return why
    kind = MayTakeBack if _may_take(session) else TakenOver
    return kind(why.detail, by=why.by, public=_taken_by(why.by, session.user, show_users))


def _may_take(session: SessionState) -> bool:
    grant = session.grant
    if grant is None or not grant.cookie_id:
        return False
    return grant.token.policy.sharing is Sharing.TAKE_OVER


def _taken_by(by: str, user: str, show_users: bool) -> str | None:
    if by and by == user:
        return "You have taken this console over from another place."
    return f"{_short(by)} has taken this console over." if by and show_users else None


def told_occupied(error: ConsoleOccupied, now: UnixTime, *, show_users: bool) -> VNCProxyError:
    """Return why a session is refused, with the time since when the other one is there.

    Args:
        now: the wall-clock time.
    """
    subject = "Somebody else has"
    if error.by and error.by == error.user:
        subject = "You have"
    elif error.by and show_users:
        subject = f"{_short(error.by)} has"
    since = "" if error.age is None else f" since {_moment(now - error.age, error.age)}"
    had = f"{subject} had" if since else subject
    if error.may_take:
        return MayTakeBack(error.detail, by=error.by, public=f"{had} this console{since}.")
    sentence = f"{had} this console open{since}. Try again when it is closed."
    in_words = ConsoleOccupied(error.detail, by=error.by, age=error.age, public=sentence)
    return in_words.about(error.vm, error.user)


def _moment(began: float, age: float) -> str:
    form = "%H:%M (UTC)" if age < _A_DAY else "%Y-%m-%d %H:%M (UTC)"
    return datetime.fromtimestamp(began, UTC).strftime(form)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def kept_for(session: SessionState) -> float:
    """Return for how many seconds the machine of an ending session is kept for its user.

    It is where the session shared it with no others, and its page may enter again by itself.
    """
    assert session.grant is not None
    if not session.grant.token.excludes_others:
        return 0.0
    seen = session.is_open or session.grant.resumed
    return 0.0 if not seen or isinstance(session.reason, _FOR_GOOD) else KEPT
