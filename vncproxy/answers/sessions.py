"""Live sessions."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from .joining import Joined
from .values import Count, Described, SessionKind, SessionMode, Time


class SessionBorder(TypedDict):
    """Where a session across a border comes from and goes to; others have none of these members.

    Attributes:
        from_zone: the zone whose user sees a console here.
        from_session: the session's id there.
        to_zone: the zone whose console is shown.
        to_session: the session's id there.
    """

    from_zone: NotRequired[str]
    from_session: NotRequired[str]
    to_zone: NotRequired[str]
    to_session: NotRequired[str]


class Approval(TypedDict):
    """How far a session is approved.

    Attributes:
        needed: how many have to approve.
        by: those that have, while the session waits.
    """

    needed: Count
    by: list[str]


class Session(SessionBorder):
    """A live session; while it is opening, what is not known yet is null.

    Attributes:
        id: also stands in the user's page and in the log.
        token_id: the id of its token.
        client: the user's address.
        proxy: the name of the proxy that serves it.
        zone: the zone of that proxy; null where there is only one.
        host: where the console is, as it is dialled; ``local`` on the proxy's own machine.
        mode: whether the user may control the machine now.
        seconds: since it began.
        bytes_down: to the user.
        bytes_up: from the user.
        joins: the live session that it has joined; others have no such member.
        state: whether it is opening, waits for consent or approval, or is open.
        approval: how far it is approved; null where it needs no approval.
    """

    id: str
    token_id: str | None
    vm: str | None
    user: str | None
    type: SessionKind
    client: str
    proxy: str | None
    zone: str | None
    host: str | None
    mode: SessionMode
    started_at: Time
    seconds: float
    bytes_down: Count
    bytes_up: Count
    joins: NotRequired[Joined]
    state: Annotated[str, Described(enum=["opening", "waiting", "open"])]
    approval: Approval | None


class SessionList(TypedDict):
    """Live sessions of all proxies, oldest first.

    Attributes:
        next: where a page was asked for: what ``after`` is in the request for the next one, null
            on the last.
    """

    sessions: list[Session]
    next: NotRequired[str | None]


class WaitingList(TypedDict):
    """The sessions that wait for approval, oldest first."""

    approvals: list[Session]


class SessionApproval(Approval):
    """What became of an approver's decision.

    Attributes:
        session: its id.
        ended: how many sessions ended, of a token whose approval was withdrawn.
    """

    session: str
    ended: Count
