"""The routes of live sessions, of links to them, and of sessions that wait for approval."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.web.server import Request

from ...answers import (
    ChangedSession,
    EndedSessions,
    IssuedToken,
    MessagedSession,
    SessionApproval,
    SessionList,
)
from ..caller import Caller
from ..reply import Reply
from . import session_operations as op
from .approvals import ApprovalRequest, DenialRequest
from .bodies import MessageRequest, SessionRequest
from .joining import InviteRequest, ShadowRequest
from .parameters import parse_query
from .serving import Serving, serves
from .session_query import session_query


class SessionRoutes(Serving):
    """The routes below ``/v1/sessions`` and ``/v1/approvals``."""

    @serves(op.LIST_SESSIONS)
    def list_sessions(self, request: Request) -> Deferred[bytes]:
        """List live sessions, all or a page."""

        async def work(caller: Caller) -> Reply[SessionList]:
            query = session_query(request.args, op.LIST_SESSIONS.query)
            return await self._views.sessions.list(caller, query)

        return self._answer(request, op.LIST_SESSIONS, work)

    @serves(op.END_SESSIONS)
    def end_sessions(self, request: Request) -> Deferred[bytes]:
        """End the sessions of a machine, a user, a token or a proxy."""

        async def work(caller: Caller) -> Reply[EndedSessions]:
            query = session_query(request.args, op.END_SESSIONS.query)
            return await self._views.sessions.end_where(caller, query)

        return self._answer(request, op.END_SESSIONS, work)

    @serves(op.SHOW_SESSION)
    def show_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Show a session."""
        show = self._views.sessions.show
        return self._answer(request, op.SHOW_SESSION, lambda caller: show(caller, session_id))

    @serves(op.END_SESSION)
    def end_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """End a session, and revoke its token with ``?revoke=true``."""

        async def work(caller: Caller) -> Reply[EndedSessions]:
            given = parse_query(request.args, op.END_SESSION.query)
            return await self._views.sessions.end(caller, session_id, **given)

        return self._answer(request, op.END_SESSION, work)

    @serves(op.CHANGE_SESSION)
    def change_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Change what the user of a session may do."""

        async def work(caller: Caller, asked: SessionRequest) -> Reply[ChangedSession]:
            return await self._views.sessions.change(caller, session_id, asked.mode)

        return self._answer_body(request, op.CHANGE_SESSION, SessionRequest, work)

    @serves(op.MESSAGE_SESSION)
    def message_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Show a message to the user of a session."""

        async def work(caller: Caller, asked: MessageRequest) -> Reply[MessagedSession]:
            return await self._views.sessions.message(caller, session_id, asked.text)

        return self._answer_body(request, op.MESSAGE_SESSION, MessageRequest, work)

    @serves(op.SHADOW_SESSION)
    def shadow_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Make a link by which an administrator looks at a session."""

        async def work(caller: Caller, asked: ShadowRequest) -> Reply[IssuedToken]:
            return await self._views.joining.shadow(caller, session_id, asked)

        return self._answer_body(request, op.SHADOW_SESSION, ShadowRequest, work)

    @serves(op.DRIVE_SESSION)
    def drive_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Give a session the control of its machine."""
        drive = self._views.joining.drive
        return self._answer(request, op.DRIVE_SESSION, lambda caller: drive(caller, session_id))

    @serves(op.INVITE_TO_SESSION)
    def invite_to_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Make a link for a guest of a session's user."""

        async def work(caller: Caller, asked: InviteRequest) -> Reply[IssuedToken]:
            return await self._views.joining.invite(caller, session_id, asked)

        return self._answer_body(request, op.INVITE_TO_SESSION, InviteRequest, work)

    @serves(op.LIST_APPROVALS)
    def list_approvals(self, request: Request) -> Deferred[bytes]:
        """List the sessions that wait for approval."""
        return self._answer(request, op.LIST_APPROVALS, self._views.approvals.list)

    @serves(op.APPROVE_SESSION)
    def approve_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Approve of a session that waits."""

        async def work(caller: Caller, asked: ApprovalRequest) -> Reply[SessionApproval]:
            return await self._views.approvals.approve(caller, session_id, asked)

        return self._answer_body(request, op.APPROVE_SESSION, ApprovalRequest, work)

    @serves(op.WITHDRAW_APPROVAL)
    def withdraw_approval(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Withdraw an approval."""

        async def work(caller: Caller) -> Reply[SessionApproval]:
            given = parse_query(request.args, op.WITHDRAW_APPROVAL.query)
            return await self._views.approvals.withdraw(caller, session_id, **given)

        return self._answer(request, op.WITHDRAW_APPROVAL, work)

    @serves(op.DENY_SESSION)
    def deny_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Let a session that waits not begin."""

        async def work(caller: Caller, asked: DenialRequest) -> Reply[SessionApproval]:
            return await self._views.approvals.deny(caller, session_id, asked)

        return self._answer_body(request, op.DENY_SESSION, DenialRequest, work)
