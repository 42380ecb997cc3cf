"""Sessions that wait for approval: list them, approve, withdraw and deny."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic.functional_validators import AfterValidator
from twisted.logger import Logger

from ...answers import SessionApproval, WaitingList
from ...errors import ApprovalWithdrawn
from ...interfaces import ISessionRegistry, ITokenStore
from ...model import (
    Approval,
    Decided,
    Decision,
    SessionFilter,
    SessionInfo,
    SessionPhase,
    Verdict,
)
from ...text import has_control, printable
from ..audit import ApiAudit
from ..caller import ALL_BACKENDS, Caller
from ..permissions import Permissions
from ..reply import Refusal, Reply
from .bodies import USER_SCHEMA, User, session_body

LONGEST_REASON = 200
"""Characters of the reason of a denial."""


def _one_line(text: str) -> str:
    if has_control(text):
        raise ValueError("should hold no control characters, and none that turn text around")
    return text


_PERSON_SCHEMA = {**USER_SCHEMA, "examples": ["bob"]}
Person = Annotated[User, WithJsonSchema(_PERSON_SCHEMA)]


class ApprovalRequest(BaseModel):
    """Who approves.

    Attributes:
        by: the person behind the key; null where the key itself counts.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    by: Person | None = None


class DenialRequest(ApprovalRequest):
    """Who denies, and why.

    Attributes:
        reason: words that the user is shown.
    """

    reason: Annotated[
        str, StringConstraints(max_length=LONGEST_REASON), AfterValidator(_one_line)
    ] = Field(default="")


class ApprovalsView:
    """The routes of approvals.

    Args:
        sessions: those of this proxy, or of all.
        store: where the token of a session is revoked that may not go on.
        permissions: which machines a caller may use.
        audit: writes which tokens were revoked.
    """

    log = Logger()

    def __init__(
        self,
        sessions: ISessionRegistry,
        store: ITokenStore,
        permissions: Permissions,
        audit: ApiAudit,
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._permissions = permissions
        self._audit = audit

    async def list(self, caller: Caller) -> Reply[WaitingList]:
        """Return the sessions that wait for approval, oldest first."""
        wanted = SessionFilter(
            backends=None if ALL_BACKENDS in caller.backends else caller.backends,
            state=SessionPhase.WAITING,
        )
        allows = self._permissions.filter(caller)
        found = await self._sessions.list(wanted, allows=allows)
        waiting = [session_body(each) for each in found if each.approval is not None]
        return Reply(200, {"approvals": waiting})

    async def approve(
        self, caller: Caller, session_id: str, asked: ApprovalRequest
    ) -> Reply[SessionApproval]:
        """Approve of a session that waits.

        Raises:
            Refusal: 404, there is no such session; 409, it does not wait for this approval.
            StoreUnavailable: its proxy did not answer in time.
        """
        decision = Decision(Verdict.APPROVE, caller.name, asked.by or "")
        return await self._decide(caller, session_id, decision)

    async def deny(
        self, caller: Caller, session_id: str, asked: DenialRequest
    ) -> Reply[SessionApproval]:
        """Let a session that waits not begin.

        Raises:
            Refusal: as `approve`.
        """
        decision = Decision(Verdict.DENY, caller.name, asked.by or "", asked.reason)
        return await self._decide(caller, session_id, decision)

    async def withdraw(
        self, caller: Caller, session_id: str, by: str = ""
    ) -> Reply[SessionApproval]:
        """Withdraw an approval; a session that is open ends, and its token is revoked.

        Raises:
            Refusal: 404, there is no such session; 409, there is nothing to withdraw.
            StoreUnavailable: its proxy did not answer in time.
        """
        session = await self._find(caller, session_id)
        decision = Decision(Verdict.WITHDRAW, caller.name, by)
        if session.state is SessionPhase.WAITING:
            decided = await self._sessions.decide(session_id, decision)
            if decided is None:
                raise _unknown()
            if decided.waits:
                return self._answer(caller, session, decision, decided)
        if session.approval is None:
            raise _conflict("This session needs no approval.")
        return await self._end(caller, session, decision)

    async def _end(
        self, caller: Caller, session: SessionInfo, decision: Decision
    ) -> Reply[SessionApproval]:
        """End all sessions of the token of a session that was approved, and let none begin."""
        of_token = SessionFilter(tokens=frozenset({session.token_id}))
        why, revoked = ApprovalWithdrawn(f"by {decision.approver}"), False
        try:
            revoked = await self._store.revoke(session.token_id)
        finally:
            ended = await self._sessions.end_where(why, of_token, by=decision.approver)
        token = session.token_id[:12]
        self._audit.revoked(caller, int(revoked), ended, token=token, vm=session.vm)
        self._log(caller, session, decision)
        needed = session.approval.needed if session.approval else 0
        return Reply(200, _body(session.id, Approval(needed), ended.count))

    async def _decide(
        self, caller: Caller, session_id: str, decision: Decision
    ) -> Reply[SessionApproval]:
        session = await self._find(caller, session_id)
        decided = await self._sessions.decide(session_id, decision)
        if decided is None:
            raise _unknown()
        if not decided.waits:
            raise _conflict("This session does not wait for approval any more.")
        return self._answer(caller, session, decision, decided)

    def _answer(
        self, caller: Caller, session: SessionInfo, decision: Decision, decided: Decided
    ) -> Reply[SessionApproval]:
        if decided.refused:
            raise _conflict(decided.refused)
        self._log(caller, session, decision)
        return Reply(200, _body(session.id, decided.approval, 0))

    def _log(self, caller: Caller, session: SessionInfo, decision: Decision) -> None:
        self.log.info(
            "api {kind} {key}: {verdict} session {session} of {user} at {vm} by {approver}",
            kind=caller.kind,
            key=caller.name,
            verdict=decision.verdict.value,
            session=session.id,
            user=printable(session.user),
            vm=printable(str(session.vm)),
            approver=printable(decision.approver),
        )

    async def _find(self, caller: Caller, session_id: str) -> SessionInfo:
        session = await self._sessions.get(session_id)
        if session is None or session.vm is None:
            raise _unknown()
        if not self._permissions.allow(caller, session.vm):
            raise _unknown()
        return session


def _body(session_id: str, approval: Approval, ended: int) -> SessionApproval:
    return {
        "session": session_id,
        "needed": approval.needed,
        "by": list(approval.by),
        "ended": ended,
    }


def _unknown() -> Refusal:
    return Refusal(404, "session-unknown", "there is no such session")


def _conflict(message: str) -> Refusal:
    return Refusal(409, "approval-conflict", message)
