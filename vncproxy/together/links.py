"""Makes links to live sessions: for an administrator, and for a guest of the session's user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..errors import ConsoleInUse, Forbidden, VNCProxyError
from ..interfaces import IConsoleBackend
from ..model import (
    NO_BOUNDS,
    ConsoleType,
    JoinKind,
    Joins,
    Mode,
    Policy,
    PolicyBounds,
    SessionInfo,
    SessionPhase,
    Sharing,
)
from ..text import printable
from ..tokens.bounds import narrowed
from ..tokens.issuing import IssuedToken, IssueRequest, TokenIssuer
from .viewers import require_room

LONGEST_NAME: Final = 100
"""Characters of the name that a user gives to a guest."""


class CannotJoin(VNCProxyError):
    """No link is made to a session, for a reason that its sentence tells."""

    status = 409
    code = "cannot-join"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a link is to be good for.

    Attributes:
        user: who gets it, as logs and the users at the machine see it.
        ttl: seconds for which it can be redeemed; None for the configured time.
    """

    user: str
    mode: Mode = Mode.VIEW_ONLY
    type: ConsoleType = ConsoleType.NOVNC
    ttl: float | None = None


class SessionLinks:
    """Makes links.

    Args:
        issuer: issues their tokens.
        backends: by name.
    """

    def __init__(self, issuer: TokenIssuer, backends: Mapping[str, IConsoleBackend]) -> None:
        self._issuer = issuer
        self._backends = backends

    async def shadow(
        self,
        session: SessionInfo,
        wanted: Wanted,
        by: str,
        *,
        announced: bool,
        bounds: PolicyBounds = NO_BOUNDS,
    ) -> IssuedToken:
        """Make a link for an administrator.

        Args:
            by: the name of the API key that asks.
            bounds: the most that its links may do.

        Raises:
            CannotJoin: the session cannot be joined.
            IssueRefused: what is wanted is beyond the bounds, or is not possible.
            VNCProxyError: the backend or the store fails.
        """
        policy = narrowed(Policy(mode=wanted.mode), replace(bounds, sharing=None))
        policy = replace(policy, sharing=_sharing(session.policy), approval=0)
        joins = Joins(session.id, JoinKind.SHADOW, by, announced)
        return await self._issue(session, wanted, policy, joins)

    async def invite(
        self, session: SessionInfo, wanted: Wanted, *, bounds: PolicyBounds = NO_BOUNDS
    ) -> IssuedToken:
        """Make a link for a guest, whom its user names.

        Args:
            bounds: the most that links of the API key that asks may do.

        Raises:
            Forbidden: the session's user may not invite, or not to this.
            CannotJoin, IssueRefused, VNCProxyError: as `shadow`.
        """
        policy = narrowed(_of_guest(session, wanted.mode), replace(bounds, sharing=None))
        name = f"guest of {session.user}: {printable(wanted.user.strip(), LONGEST_NAME)}"
        joins = Joins(session.id, JoinKind.GUEST, session.user)
        return await self._issue(session, replace(wanted, user=name), policy, joins)

    async def _issue(
        self, session: SessionInfo, wanted: Wanted, policy: Policy, joins: Joins
    ) -> IssuedToken:
        _check(session)
        assert session.vm is not None
        try:
            await require_room(self._backends, session.vm)
        except ConsoleInUse as e:
            raise CannotJoin(e.detail, public=e.sentence()) from e
        request = IssueRequest(
            session.vm, wanted.user, wanted.type, policy, wanted.ttl, joins=joins
        )
        return await self._issuer.issue(request)


def _check(session: SessionInfo) -> None:
    """Raise `CannotJoin` for a session that is not open, or has no machine of its own.

    One that waits may not be shown to anybody: its user has not accepted, or others not approved.
    """
    if session.joins is not None:
        first = session.joins.session
        raise CannotJoin(public=f"This session has joined session {first}: ask for that one.")
    if session.border is not None and session.border.from_zone:
        zone, there = session.border.from_zone, session.border.from_session
        raise CannotJoin(
            public=f"This session is of the zone {zone}, where its id is {there}: ask there."
        )
    if session.state is SessionPhase.WAITING:
        raise CannotJoin(
            public="This session waits for consent or approval. Ask again when it is open."
        )
    if session.vm is None or session.state is not SessionPhase.OPEN:
        raise CannotJoin(public="This session has no console yet. Ask again in a moment.")
    if session.policy.exclusive_at_server:
        raise CannotJoin(
            public="This session has asked its hypervisor for the screen alone, which admits no "
            "other viewer."
        )


def _sharing(policy: Policy) -> Sharing:
    return Sharing.ONE_DRIVER if policy.sharing is Sharing.ONE_DRIVER else Sharing.SHARED


def _of_guest(session: SessionInfo, mode: Mode) -> Policy:
    """Return what a guest may do: no more than the inviting user, and never invite others.

    The longest duration is left out: a guest's session ends with that of the user.
    """
    policy = session.policy
    if policy.may_invite is None:
        raise Forbidden(public="You may not invite others to this console.")
    if mode is Mode.CONTROL and policy.may_invite is not Mode.CONTROL:
        raise Forbidden(public="You may invite others to watch only.")
    if mode is Mode.CONTROL and session.mode is not Mode.CONTROL:
        raise Forbidden(public="You do not control this console yourself.")
    return replace(
        policy,
        mode=mode,
        sharing=_sharing(policy),
        max_duration=None,
        uses=1,
        exclusive_at_server=False,
        may_invite=None,
        power=(),
    )
