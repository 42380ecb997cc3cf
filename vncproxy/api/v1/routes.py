"""The API's routes, and the scope that each needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.web.server import Request

from ...answers import (
    ChangedSession,
    CreatedKey,
    EndedSessions,
    IssuedToken,
    Powered,
    Revocation,
    SessionApproval,
    SessionList,
)
from ..caller import Caller
from ..desk import Desk
from ..health import Readiness, alive
from ..reply import Reply
from ..visible_metrics import metrics_text
from ..zones import ZoneDesk
from . import machine_operations as machine_op
from . import operations as op
from . import session_operations as session_op
from .approvals import ApprovalRequest, ApprovalsView, DenialRequest
from .bodies import SessionRequest, TokenRequest, read_body
from .inventory import Inventory
from .joining import InviteRequest, JoiningView, ShadowRequest
from .keys import KeyRequest, KeysView
from .openapi import document_text
from .parameters import parse_one, parse_query
from .power import PowerRequest, PowerView
from .proxies import ProxiesView
from .screenshots import ScreenshotsView
from .serving import Serving, body_of, serves
from .session_query import session_query
from .sessions import SessionsView
from .tokens import Tokens


class Api(Serving):
    """The routes of ``/v1``, of health and of the metrics."""

    def __init__(
        self,
        desk: Desk,
        tokens: Tokens,
        keys: KeysView,
        sessions: SessionsView,
        joining: JoiningView,
        approvals: ApprovalsView,
        proxies: ProxiesView,
        power: PowerView,
        zones: ZoneDesk,
        inventory: Inventory,
        screenshots: ScreenshotsView,
        readiness: Readiness,
        metrics_registry: CollectorRegistry,
    ) -> None:
        super().__init__(desk)
        self._tokens = tokens
        self._keys = keys
        self._sessions = sessions
        self._joining = joining
        self._approvals = approvals
        self._proxies = proxies
        self._power = power
        self._zones = zones
        self._inventory = inventory
        self._screenshots = screenshots
        self._readiness = readiness
        self._metrics_registry = metrics_registry

    @serves(op.ISSUE_TOKEN)
    def issue_token(self, request: Request) -> Deferred[bytes]:
        """Issue a token."""

        async def work(caller: Caller) -> Reply[IssuedToken]:
            raw = body_of(request)
            asked = read_body(TokenRequest, raw)
            return await self._desk.repeats.once(
                caller,
                request.requestHeaders,
                op.ISSUE_TOKEN.path,
                raw,
                lambda: self._tokens.issue(caller, asked),
            )

        return self._answer(request, op.ISSUE_TOKEN, work)

    @serves(op.REVOKE_TOKENS)
    def revoke_tokens(self, request: Request) -> Deferred[bytes]:
        """Revoke all tokens of a machine or of a user."""

        async def work(caller: Caller) -> Reply[Revocation]:
            name, value = parse_one(request.args, op.REVOKE_TOKENS.query)
            revoke: Mapping[str, Callable[..., Awaitable[Reply[Revocation]]]] = {
                "vm": self._tokens.revoke_vm,
                "user": self._tokens.revoke_user,
                "jti": self._tokens.revoke_link,
                "signer": self._tokens.revoke_signer,
            }
            return await revoke[name](caller, value)

        return self._answer(request, op.REVOKE_TOKENS, work)

    @serves(op.SHOW_TOKEN)
    def show_token(self, request: Request, token_id: str) -> Deferred[bytes]:
        """Show a token."""
        show = self._tokens.show
        return self._answer(request, op.SHOW_TOKEN, lambda caller: show(caller, token_id))

    @serves(op.REVOKE_TOKEN)
    def revoke_token(self, request: Request, token_id: str) -> Deferred[bytes]:
        """Revoke a token."""
        revoke = self._tokens.revoke
        return self._answer(request, op.REVOKE_TOKEN, lambda caller: revoke(caller, token_id))

    @serves(op.CREATE_KEY)
    def create_key(self, request: Request) -> Deferred[bytes]:
        """Create a key."""

        async def work(caller: Caller) -> Reply[CreatedKey]:
            raw = body_of(request)
            asked = read_body(KeyRequest, raw)
            return await self._desk.repeats.once(
                caller,
                request.requestHeaders,
                op.CREATE_KEY.path,
                raw,
                lambda: self._keys.create(caller, asked),
            )

        return self._answer(request, op.CREATE_KEY, work)

    @serves(op.LIST_KEYS)
    def list_keys(self, request: Request) -> Deferred[bytes]:
        """List the keys that may do no more than the caller's."""
        return self._answer(request, op.LIST_KEYS, self._keys.list)

    @serves(op.REVOKE_KEY)
    def revoke_key(self, request: Request, key_id: str) -> Deferred[bytes]:
        """Revoke a key that was created by the API."""
        revoke = self._keys.revoke
        return self._answer(request, op.REVOKE_KEY, lambda caller: revoke(caller, key_id))

    @serves(machine_op.LIST_MACHINES)
    def list_vms(self, request: Request) -> Deferred[bytes]:
        """List the machines of all backends."""
        return self._answer(request, machine_op.LIST_MACHINES, self._inventory.list)

    @serves(machine_op.POWER)
    def power(self, request: Request) -> Deferred[bytes]:
        """Start, stop or reset a machine."""

        async def work(caller: Caller) -> Reply[Powered]:
            raw = body_of(request)
            asked = read_body(PowerRequest, raw)
            return await self._desk.repeats.once(
                caller,
                request.requestHeaders,
                machine_op.POWER.path,
                raw,
                lambda: self._power.act(caller, asked),
            )

        return self._answer(request, machine_op.POWER, work)

    @serves(op.LIST_PROXIES)
    def list_proxies(self, request: Request) -> Deferred[bytes]:
        """List the proxies."""
        return self._answer(request, op.LIST_PROXIES, self._proxies.list)

    @serves(op.DRAIN_PROXY)
    def drain_proxy(self, request: Request, proxy_id: str) -> Deferred[bytes]:
        """Let a proxy take no new sessions."""
        drain = self._proxies.drain
        return self._answer(request, op.DRAIN_PROXY, lambda caller: drain(caller, proxy_id))

    @serves(op.ISSUE_ZONE_TOKEN)
    def issue_zone_token(self, request: Request) -> Deferred[bytes]:
        """Issue a token for a session of another zone."""
        return self._answer_zone(request, op.ISSUE_ZONE_TOKEN, self._zones.issue)

    @serves(op.CHECK_FOR_ZONE)
    def check_for_zone(self, request: Request) -> Deferred[bytes]:
        """Tell another zone whether a machine exists."""
        return self._answer_zone(request, op.CHECK_FOR_ZONE, self._zones.check)

    @serves(op.POWER_FOR_ZONE)
    def power_for_zone(self, request: Request) -> Deferred[bytes]:
        """Start, stop or reset a machine for a user of another zone."""
        return self._answer_zone(request, op.POWER_FOR_ZONE, self._zones.power)

    @serves(op.TELL_ZONE)
    def tell_zone(self, request: Request) -> Deferred[bytes]:
        """Tell another zone about this one."""
        return self._answer_zone(request, op.TELL_ZONE, self._zones.about)

    @serves(session_op.LIST_SESSIONS)
    def list_sessions(self, request: Request) -> Deferred[bytes]:
        """List live sessions, all or a page."""

        async def work(caller: Caller) -> Reply[SessionList]:
            query = session_query(request.args, session_op.LIST_SESSIONS.query)
            return await self._sessions.list(caller, query)

        return self._answer(request, session_op.LIST_SESSIONS, work)

    @serves(session_op.END_SESSIONS)
    def end_sessions(self, request: Request) -> Deferred[bytes]:
        """End the sessions of a machine, a user, a token or a proxy."""

        async def work(caller: Caller) -> Reply[EndedSessions]:
            query = session_query(request.args, session_op.END_SESSIONS.query)
            return await self._sessions.end_where(caller, query)

        return self._answer(request, session_op.END_SESSIONS, work)

    @serves(session_op.SHOW_SESSION)
    def show_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Show a session."""
        show = self._sessions.show
        return self._answer(
            request, session_op.SHOW_SESSION, lambda caller: show(caller, session_id)
        )

    @serves(session_op.END_SESSION)
    def end_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """End a session, and revoke its token with ``?revoke=true``."""

        async def work(caller: Caller) -> Reply[EndedSessions]:
            given = parse_query(request.args, session_op.END_SESSION.query)
            return await self._sessions.end(caller, session_id, **given)

        return self._answer(request, session_op.END_SESSION, work)

    @serves(session_op.SHADOW_SESSION)
    def shadow_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Make a link by which an administrator looks at a session."""

        async def work(caller: Caller) -> Reply[IssuedToken]:
            asked = read_body(ShadowRequest, body_of(request))
            return await self._joining.shadow(caller, session_id, asked)

        return self._answer(request, session_op.SHADOW_SESSION, work)

    @serves(session_op.DRIVE_SESSION)
    def drive_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Give a session the control of its machine."""
        drive = self._joining.drive
        return self._answer(
            request, session_op.DRIVE_SESSION, lambda caller: drive(caller, session_id)
        )

    @serves(session_op.INVITE_TO_SESSION)
    def invite_to_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Make a link for a guest of a session's user."""

        async def work(caller: Caller) -> Reply[IssuedToken]:
            asked = read_body(InviteRequest, body_of(request))
            return await self._joining.invite(caller, session_id, asked)

        return self._answer(request, session_op.INVITE_TO_SESSION, work)

    @serves(session_op.CHANGE_SESSION)
    def change_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Change what the user of a session may do."""

        async def work(caller: Caller) -> Reply[ChangedSession]:
            asked = read_body(SessionRequest, body_of(request))
            return await self._sessions.change(caller, session_id, asked.mode)

        return self._answer(request, session_op.CHANGE_SESSION, work)

    @serves(session_op.LIST_APPROVALS)
    def list_approvals(self, request: Request) -> Deferred[bytes]:
        """List the sessions that wait for approval."""
        return self._answer(request, session_op.LIST_APPROVALS, self._approvals.list)

    @serves(session_op.APPROVE_SESSION)
    def approve_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Approve of a session that waits."""

        async def work(caller: Caller) -> Reply[SessionApproval]:
            asked = read_body(ApprovalRequest, body_of(request))
            return await self._approvals.approve(caller, session_id, asked)

        return self._answer(request, session_op.APPROVE_SESSION, work)

    @serves(session_op.WITHDRAW_APPROVAL)
    def withdraw_approval(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Withdraw an approval."""

        async def work(caller: Caller) -> Reply[SessionApproval]:
            given = parse_query(request.args, session_op.WITHDRAW_APPROVAL.query)
            return await self._approvals.withdraw(caller, session_id, **given)

        return self._answer(request, session_op.WITHDRAW_APPROVAL, work)

    @serves(session_op.DENY_SESSION)
    def deny_session(self, request: Request, session_id: str) -> Deferred[bytes]:
        """Let a session that waits not begin."""

        async def work(caller: Caller) -> Reply[SessionApproval]:
            asked = read_body(DenialRequest, body_of(request))
            return await self._approvals.deny(caller, session_id, asked)

        return self._answer(request, session_op.DENY_SESSION, work)

    @serves(op.DESCRIBE)
    def describe(self, request: Request) -> bytes:
        """Describe the API; needs no key, since it is the same wherever it is served."""
        return Reply(200, document_text()).render(request)

    @serves(machine_op.SCREENSHOT)
    def show_screen(self, request: Request) -> Deferred[bytes]:
        """Show a machine's screen."""

        async def work(caller: Caller) -> Reply[str]:
            given = parse_query(request.args, machine_op.SCREENSHOT.query)
            return await self._screenshots.show(caller, **given)

        return self._answer(request, machine_op.SCREENSHOT, work)

    @serves(op.METRICS)
    def show_metrics(self, request: Request) -> Deferred[bytes]:
        """Show the metrics as Prometheus reads them."""

        async def work(caller: Caller) -> Reply[str]:
            text = metrics_text(self._metrics_registry, caller)
            return Reply(200, text, content_type=CONTENT_TYPE_LATEST)

        return self._answer(request, op.METRICS, work)

    @serves(op.ALIVE)
    async def healthz(self, request: Request) -> bytes:
        """Tell that the process answers."""
        return (await alive()).render(request)

    @serves(op.READY)
    async def readyz(self, request: Request) -> bytes:
        """Tell whether a console could be opened."""
        return (await self._readiness()).render(request)
