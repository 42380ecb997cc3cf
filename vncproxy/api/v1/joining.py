"""Links to live sessions over HTTP: to look at them, and for guests of their users."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from twisted.logger import Logger

from ...answers import Driving, IssuedToken
from ...interfaces import ISessionRegistry
from ...model import ConsoleType, Mode, Seconds, SessionInfo, SessionPhase, Sharing, VMAddress
from ...text import printable
from ...together.links import LONGEST_NAME, SessionLinks, Wanted
from ...tokens.issuing import IssuedToken as Issued
from ..audit import ApiAudit
from ..caller import Caller
from ..permissions import Permissions
from ..reply import Refusal, Reply
from .bodies import User, issued_body
from .sessions import find_session

_CONFIG = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ShadowRequest(BaseModel):
    """How a session is to be looked at.

    Attributes:
        mode: ``view-only`` to watch, ``control`` to use keyboard and mouse as well.
        announce: whether the users at the machine see it; null for ``[sharing] announce_shadows``.
        user: who looks, as named in the audit log and to those users.
        type: for browsers, or for TCP viewers.
        ttl: seconds for which the link can be redeemed; null for ``[tokens] ttl``.
    """

    model_config = _CONFIG

    user: User
    mode: Mode = Mode.VIEW_ONLY
    announce: bool | None = None
    type: ConsoleType = ConsoleType.NOVNC
    ttl: Seconds | None = None


class InviteRequest(BaseModel):
    """Who is invited to a session, and to what.

    Attributes:
        user: a name for the guest; the audit log has ``guest of USER: NAME``.
        mode: ``view-only`` to watch, ``control`` to use keyboard and mouse as well.
        type: for browsers, or for TCP viewers.
        ttl: seconds for which the link can be redeemed; null for ``[tokens] ttl``.
    """

    model_config = _CONFIG

    user: Annotated[User, Field(max_length=LONGEST_NAME)]
    mode: Mode = Mode.VIEW_ONLY
    type: ConsoleType = ConsoleType.NOVNC
    ttl: Seconds | None = None


Drive = Callable[[VMAddress, str, str], Awaitable[bool]]


async def no_drive(vm: VMAddress, session_id: str, by: str) -> bool:
    """Let none drive: nothing was given that knows the drivers."""
    return False


class JoiningView:
    """The routes of links to live sessions.

    Args:
        sessions: those of this proxy, or of all.
        links: makes the links.
        permissions: which machines a caller may use.
        audit: writes which links were made.
        announce: whether sessions that look at others are announced, unless a request says it.
        drive: lets a session drive, by its machine, its id and who asks; returns whether it does.
    """

    log = Logger()

    def __init__(
        self,
        sessions: ISessionRegistry,
        links: SessionLinks,
        permissions: Permissions,
        audit: ApiAudit,
        *,
        announce: bool,
        drive: Drive,
    ) -> None:
        self._sessions = sessions
        self._links = links
        self._permissions = permissions
        self._audit = audit
        self._announce = announce
        self._drive = drive

    async def shadow(
        self, caller: Caller, session_id: str, request: ShadowRequest
    ) -> Reply[IssuedToken]:
        """Make a link by which an administrator looks at a session: 201 with its access URL.

        Raises:
            Refusal: 404, there is no such session, or not for this caller.
            CannotJoin: the session cannot be joined.
            IssueRefused: with the field that cannot be.
        """
        session = await find_session(self._sessions, self._permissions, caller, session_id)
        announced = self._announce if request.announce is None else request.announce
        wanted = Wanted(request.user, request.mode, request.type, request.ttl)
        issued = await self._links.shadow(
            session, wanted, caller.name, announced=announced, bounds=caller.policy
        )
        return self._issued("api-shadow", caller, session, issued)

    async def invite(
        self, caller: Caller, session_id: str, request: InviteRequest
    ) -> Reply[IssuedToken]:
        """Make a link for a guest of a session's user: 201 with its access URL.

        Raises:
            Refusal: 404, there is no such session, or not for this caller.
            Forbidden: its policy allows no such guest.
            CannotJoin, IssueRefused: as `shadow`.
        """
        session = await find_session(self._sessions, self._permissions, caller, session_id)
        wanted = Wanted(request.user, request.mode, request.type, request.ttl)
        issued = await self._links.invite(session, wanted, bounds=caller.policy)
        return self._issued("api-invite", caller, session, issued)

    async def drive(self, caller: Caller, session_id: str) -> Reply[Driving]:
        """Let a session have the control of its machine, which one has at a time.

        Raises:
            Refusal: 404, there is no such session, or not for this caller; 409, its policy has no
                single driver, it waits or may only watch, or the driver's proxy has not let go in
                time.
        """
        session = await find_session(self._sessions, self._permissions, caller, session_id)
        if session.vm is None or session.policy.sharing is not Sharing.ONE_DRIVER:
            message = "at this session's machine everybody has the control"
            raise Refusal(409, "no-single-driver", message)
        if session.state is not SessionPhase.OPEN:
            raise Refusal(409, "no-single-driver", "this session is not open yet")
        if session.mode is Mode.VIEW_ONLY and not session.held:
            raise Refusal(409, "no-single-driver", "this session may only watch")
        if not await self._drive(session.vm, session.id, str(caller)):
            message = "the driver's proxy has not let go in time, or the session has ended"
            raise Refusal(409, "driver-stays", message)
        self._audit.drove(caller, session)
        return Reply(200, {"session": session.id})

    def _issued(
        self,
        event: Literal["api-shadow", "api-invite"],
        caller: Caller,
        host: SessionInfo,
        it: Issued,
    ) -> Reply[IssuedToken]:
        self._audit.joined(caller, event, it.id, it.token)
        self.log.info(
            "api {kind} {key} made a link to session {session} of {of} for {user}: {mode}",
            kind=caller.kind,
            key=caller.name,
            session=host.id,
            of=printable(host.user),
            user=printable(it.token.user),
            mode=it.token.policy.mode.value,
        )
        return Reply(201, issued_body(it), (("Location", f"/v1/tokens/{it.id}"),))
