"""The state of one session: its request, its grant, its legs, and whether it is ending."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from ..consent.consent import Consent
from ..consent.painted_viewer import PaintedViewer
from ..errors import ProxyDraining, SessionEnded, Superseded, VNCProxyError
from ..model import (
    DEFAULT_POLICY,
    Approval,
    Border,
    Grant,
    Joins,
    SessionInfo,
    SessionPhase,
    Sharing,
    UnixTime,
    VMAddress,
)
from ..relay.leg import Leg
from .rights import Rights
from .user_request import UserRequest

MOVE = "vncproxy:move"
"""The text message that asks the page to move; it closes the web socket with the code of
`ProxyDraining`, behind all that it has sent."""


class TellsPage(Protocol):
    """What sends messages to a page: `vncproxy.session.page.Page`."""

    def tell(self, event: str, **members: Any) -> bool:
        """Send one; returns whether there is room for it."""


class SessionState:
    """The state of one session.

    Attributes:
        id: the session's id.
        border: the zones that it comes from and goes to; None within one zone.
        user_request: what its user asks for.
        grant: what its token allows, once it is redeemed.
        token_id, vm, user, host, side, proxy, proxy_id, zone: as in `SessionInfo`, empty until
            known.
        started_at: when it began.
        started: the same in seconds of the reactor's clock.
        legs: downstream and upstream, once bytes flow; they stay when the session has ended.
        opening: fires when opening has failed and the refusal is sent; None once bytes flow.
        step: the Deferred that it waits for, where that may be cancelled.
        ending: whether it is ending, or has ended.
        reason: why it was cancelled.
        moving: why its page was asked to move; None if it was not.
        page: sends messages to its page; None where it has none that understands them.
        rights: whether its user may control the machine now.
        is_recorded: whether what passes is recorded.
        consent: what it waits for, or waited for, before its console is connected; None for
            nothing.
        awaits: the step to its console that it waits for while it opens, and the seconds after
            `started` at which that began; None before the first one.
        painted: shows cards to a viewer without a page until the console is there; None for
            others.
        is_vnc_server: whether its console is served by a VNC server, which may admit one viewer.
    """

    log = Logger()

    __slots__ = (
        "__weakref__",
        "awaits",
        "border",
        "consent",
        "ending",
        "grant",
        "host",
        "id",
        "is_recorded",
        "is_vnc_server",
        "legs",
        "moving",
        "opening",
        "page",
        "painted",
        "proxy",
        "proxy_id",
        "reason",
        "rights",
        "side",
        "started",
        "started_at",
        "step",
        "token_id",
        "user",
        "user_request",
        "vm",
        "zone",
    )

    def __init__(
        self, session_id: str, user_request: UserRequest, started_at: UnixTime, started: float
    ) -> None:
        self.id = session_id
        self.border: Border | None = None
        self.user_request = user_request
        self.grant: Grant | None = None
        self.started_at = started_at
        self.started = started
        self.vm: VMAddress | None = None
        self.token_id = self.user = self.host = self.side = ""
        self.proxy = self.proxy_id = self.zone = ""
        self.legs: tuple[Leg, Leg] | None = None
        self.opening: Deferred[None] | None = None
        self.step: Deferred[Any] | None = None
        self.ending = False
        self.reason: VNCProxyError = SessionEnded()
        self.moving: ProxyDraining | None = None
        self.rights = Rights()
        self.is_vnc_server = self.is_recorded = False
        self.consent: Consent | None = None
        self.awaits: tuple[str, float] | None = None
        self.painted: PaintedViewer | None = None
        self.page: TellsPage | None = None

    @property
    def signer(self) -> str:
        """The token source of its signed link; empty for a token that was issued."""
        return "" if self.grant is None else self.grant.token.signer

    @property
    def joins(self) -> Joins | None:
        """The live session that it has joined; None for a session of its own."""
        return None if self.grant is None else self.grant.token.joins

    @property
    def client(self) -> str:
        """The address of its user."""
        return self.user_request.client

    @property
    def shares_control(self) -> bool:
        """Whether one of the users at its machine drives at a time."""
        return self.grant is not None and self.grant.token.policy.sharing is Sharing.ONE_DRIVER

    @property
    def state(self) -> SessionPhase:
        """How far it is."""
        if self.legs is not None:
            return SessionPhase.OPEN
        waits = self.consent is not None and self.consent.waits
        return SessionPhase.WAITING if waits else SessionPhase.OPENING

    @property
    def approval(self) -> Approval | None:
        """How far it is approved; None where it needs no approval."""
        if self.consent is not None and self.consent.approvals.needed:
            return self.consent.approvals.state()
        needed = 0 if self.grant is None else self.grant.token.policy.approval
        return Approval(needed) if needed else None

    @property
    def is_open(self) -> bool:
        """Whether bytes flow, or did."""
        return self.legs is not None

    def cancel(self, why: VNCProxyError) -> None:
        """End the session unless it is ending already; the first reason counts.

        A page that was asked to move closes its session itself, behind all that was typed, so its
        next session at another proxy does not end this one: `LiveSessions` gives it some time.
        """
        if not self.ending and not self.leaves_by_itself(why):
            self.reason, self.ending = why, True
            if self.step is not None:
                self.step.cancel()

    def leaves_by_itself(self, why: VNCProxyError) -> bool:
        """Tell whether its page has still to close it, since it is replaced by its own next one."""
        return self.moving is not None and isinstance(why, Superseded)

    def ask_to_move(self, why: ProxyDraining) -> None:
        """Ask the user's page to close this session and to enter the console again.

        All that it sent before is served. A session that is still opening ends.
        """
        if self.legs is None:
            self.cancel(why)
        elif not self.ending:
            self.moving = why
            self.legs[0].tell(MOVE)

    def tell_page(self, event: str, **members: Any) -> bool:
        """Send a message to its page; returns False where none can be sent."""
        if self.page is None or self.ending:
            return False
        return self.page.tell(event, **members)

    def check_not_cancelled(self) -> None:
        """Raise ``CancelledError`` when the session was cancelled during a step that is not cut."""
        if self.ending:
            raise CancelledError

    def wait_until_gone(self) -> list[Deferred[None]]:
        """Return Deferreds that fire when the session has no connection any more."""
        if self.legs is not None:
            return [leg.closed for leg in self.legs]
        assert self.opening is not None
        return [self.opening]

    def bytes_moved(self) -> tuple[int, int]:
        """Return the payload to the user and from the user, as it flows."""
        if self.legs is None:
            return 0, 0
        down, up = self.legs
        return up.bytes_received, down.bytes_received

    def info(self, now: float) -> SessionInfo:
        """Return what is known of the session.

        Args:
            now: the seconds of the reactor's clock.
        """
        request, (bytes_down, bytes_up) = self.user_request, self.bytes_moved()
        token = None if self.grant is None else self.grant.token
        return SessionInfo(
            id=self.id,
            type=request.type,
            types=request.types,
            client=request.client,
            started_at=self.started_at,
            token_id=self.token_id,
            vm=self.vm,
            user=self.user,
            seconds=now - self.started,
            bytes_down=bytes_down,
            bytes_up=bytes_up,
            host=self.host,
            proxy=self.proxy,
            zone=self.zone,
            side=self.side,
            border=self.border,
            proxy_id=self.proxy_id,
            signer=self.signer,
            mode=self.rights.effective,
            held=self.rights.are_held,
            policy_mode=None if self.grant is None else self.grant.token.policy.mode,
            policy=DEFAULT_POLICY if token is None else token.policy,
            joins=self.joins,
            state=self.state,
            approval=self.approval,
        )
