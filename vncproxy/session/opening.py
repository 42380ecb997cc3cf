"""Opening a session: its turn, its token, its console, and the greeting of its viewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from twisted.internet.defer import Deferred

from ..errors import (
    ClientGone,
    ConsoleError,
    ConsoleOccupied,
    HypervisorError,
)
from ..filters import stage_of_viewer, stages_for
from ..interfaces import IStage
from ..model import LOCAL, Border, Grant, Journey, Token
from ..relay.leg import Leg
from ..rfb.server_init import desktop_name, rename
from ..upstream import Console
from .awaited import noting
from .conditions import check_policy, check_time
from .consenting import NOTE_VIEW_ONLY, Consenting, asks, greet, leave_painted
from .downstream import IDownstream
from .journey import journey_to
from .live import LiveSessions
from .page import BUILT_IN, Page
from .page_power import tell_power, xvp_power
from .recorded import EVENT as RECORDING
from .recorded import NOTE as RECORDED
from .recorded import await_beginning, record
from .redeeming import Redeeming
from .services import Services
from .sharing import told_by_zone_to
from .starting import open_or_start
from .state import SessionState

VIEW_ONLY = "vncproxy:view-only"
"""The text message that tells the page that its user may not control the machine."""


class Opening:
    """The opening of one session; it is dropped once bytes flow."""

    __slots__ = (
        "_downstream",
        "_end_turn",
        "_first",
        "_live",
        "_note",
        "_session",
        "_waits",
        "_zone",
    )

    def __init__(self, session: SessionState, downstream: IDownstream, live: LiveSessions) -> None:
        self._session = session
        self._downstream = downstream
        self._live = live
        self._zone = ""
        self._note = ""
        self._waits = False
        self._first: bytes | None = None
        self._end_turn: Callable[[], None] = live.admission.end_turn

    @property
    def _services(self) -> Services:
        return self._live.services

    async def open_legs(self) -> tuple[Leg, Leg, Sequence[IStage]]:
        """Return downstream and upstream leg, and the stages between them.

        Where that fails, the use of the token is restored.

        Redeeming, confirming and restoring are not cut short: it would not be known whether they
        were done.
        """
        session = self._session
        grant = await self._redeem_in_turn()
        self._end_turn = end_turn = self._live.admission.limit_turn()
        try:
            session.check_not_cancelled()
            session.step = showing = Deferred.fromCoroutine(self._open_console(grant))
            down, console, name, stages = await showing
            session.step = None
            # the next session begins within this call, and may take this one's place
            end_turn()
            await self._confirm(grant, console.leg)
        except BaseException:
            end_turn()
            await self._restore(grant)
            raise
        session.painted = None
        if session.user_request.can_talk:
            session.page = Page(session, down, self._services.page_requests)
            self._live.on_page(session)
            tell_power(session, self._services.power, name or desktop_name(console.server_init))
        if session.is_recorded:
            session.tell_page(RECORDING, on=True)
        if not session.rights.may_control and session.user_request.can_move:
            down.tell(VIEW_ONLY)
        first = self._first
        down.send(self._named(console.server_init, name) if first is None else first)
        return down, console.leg, stages

    async def _redeem_in_turn(self) -> Grant:
        """Wait for the turn to open, and redeem the token; the turn goes on after it."""
        session, admission = self._session, self._live.admission
        if not admission.begin_at_once():
            session.step = turn = admission.wait_for_turn(session.user_request.client)
            await turn
        try:
            session.check_not_cancelled()
            session.step = None
            return await self._redeem()
        except BaseException:
            admission.end_turn()
            raise

    async def _redeem(self) -> Grant:
        session, request = self._session, self._session.user_request
        grant = await Redeeming(session, self._live).redeem()
        token = grant.token
        session.grant = grant
        self._live.add_to_vm(session, token.vm)
        self._live.end_replaced(session)
        # a caller of the API sees nothing: the banner is for those who do
        self._waits = asks(grant, "" if request.types else self._services.banner)
        if not self._waits:
            self._live.end_ousted(session)
        session.rights.set_mode(grant.mode or token.policy.mode)
        session.token_id, session.vm, session.user = grant.token_id, token.vm, token.user
        if token.visit is not None:
            session.border = Border(token.visit.zone, token.visit.session)
        self._live.on_redeemed(session.id)
        return grant

    async def _open_console(self, grant: Grant) -> tuple[Leg, Console, str, Sequence[IStage]]:
        """Return the user's leg, the console, the machine's name, and stages."""
        session, token = self._session, grant.token
        await self._downstream.admit(grant)
        if session.user_request.can_talk and (leg := self._downstream.leg) is not None:
            Page(session, leg, BUILT_IN)
        check_policy(token.policy, session.user_request, self._services.time())
        if self._waits:
            self._end_turn()
            await Consenting(session, self._downstream, self._live).ask(grant)
            check_time(token.policy, self._services.time())
            self._live.end_ousted(session)
        await self._enter_machine(grant)
        find = partial(self._find_console, grant)
        console, name = await open_or_start(session, self._services, find)
        session.is_vnc_server = console.is_vnc_server
        if self._zone and console.peer_session:
            self._note_zone(self._zone, console.peer_session)
        stages = await self._stages(token, console)
        if session.painted is not None:
            first = self._named(console.server_init, name or "")
            self._first = await leave_painted(session.painted, console, first, self._live)
            return session.painted.leg, console, "", stages
        down = await self._greet(console)
        return down, console, name or "", stages

    async def _enter_machine(self, grant: Grant) -> None:
        """Take the session's place among others, where there are some or its policy is about them.

        Raises:
            VNCProxyError: there is no place for it.
        """
        token, request = grant.token, self._session.user_request
        is_told = self._waits or (grant.company > 1 and not request.can_talk)
        if token.joins is not None or self._session.shares_control or is_told:
            self._note = await self._live.enter_machine(self._session)

    async def _stages(self, token: Token, console: Console) -> Sequence[IStage]:
        """Return the stages that a token needs; a console that has none for it is closed."""
        rights, services = self._session.rights, self._services
        check, recorded = services.check_viewers, services.must_record(token)
        try:
            stages = stages_for(
                token.policy,
                console.server_init,
                view_only=not rights.may_control,
                check=check,
                recorded=recorded,
                power=xvp_power(self._session, services.power),
            )
            rights.use(stage_of_viewer(stages))
            if recorded:
                copied = record(self._session, services, console.server_init, stages)
                await await_beginning(self._session, services)
                return copied
        except BaseException:
            console.leg.close(ClientGone(), self._services.timeouts.linger)
            raise
        return stages

    def _named(self, server_init: bytes, name: str) -> bytes:
        """Return ServerInit with the machine's name; one of view-only says so to other viewers."""
        session, note = self._session, self._note
        if not session.rights.may_control and not session.user_request.can_move:
            note += NOTE_VIEW_ONLY
        if session.is_recorded and session.page is None:
            note += RECORDED
        if note:
            name = (name or desktop_name(server_init)).removesuffix(NOTE_VIEW_ONLY) + note
        return rename(server_init, name) if name else server_init

    async def _find_console(self, grant: Grant) -> tuple[Console, str]:
        """Return the console and its machine's name.

        Raises:
            AtAnotherProxy: another proxy shows it.
        """
        consoles, session = self._services.consoles(), self._session
        try:
            return await consoles.open(
                grant.token.vm,
                grant.endpoint,
                self._note_host,
                self._journey,
                shared=not grant.token.excludes_at_server,
                on_begin=noting(session, self._services.reactor.seconds),
            )
        except ConsoleOccupied as e:
            raise told_by_zone_to(session, e) from e
        except (ConsoleError, HypervisorError) as e:
            elsewhere, request = self._live.elsewhere, session.user_request
            if elsewhere is None:
                raise
            why = await elsewhere(
                grant, request.token, request.type, e, can_follow=request.can_follow
            )
            if why is e:
                raise
            raise why from e

    def _note_host(self, host: str) -> None:
        self._session.host = host or LOCAL

    def _note_zone(self, zone: str, session_id: str) -> None:
        border = self._session.border or Border()
        self._session.border = replace(border, to_zone=zone, to_session=session_id)

    def _journey(self, zone: str) -> Journey:
        """Return what another zone is told of the session, which goes there; as `journey_to`."""
        self._zone = zone
        return journey_to(zone, self._session, self._services)

    async def _greet(self, console: Console) -> Leg:
        """Greet the viewer; a console whose viewer does not answer is closed."""
        try:
            return await greet(self._downstream, self._services.timeouts.greeting)
        except BaseException:
            console.leg.close(ClientGone(), self._services.timeouts.linger)
            raise

    async def _confirm(self, grant: Grant, up: Leg) -> None:
        """Tell the store that the user is about to see the console; a failure closes it."""
        try:
            self._session.check_not_cancelled()
            grant = self._with_mode(grant)
            await self._services.store.confirm(grant)
            await self._remember_mode(grant)
            self._session.check_not_cancelled()
        except BaseException:
            up.close(ClientGone(), self._services.timeouts.linger)
            raise

    def _with_mode(self, grant: Grant) -> Grant:
        """Return a grant with the mode of the session, if that was changed while it was opening."""
        mode, before = self._session.rights.mode, grant.mode or grant.token.policy.mode
        return grant if mode is before else replace(grant, mode=mode)

    async def _remember_mode(self, grant: Grant) -> None:
        """Remember a mode that was changed while the store confirmed another one."""
        now = self._with_mode(grant)
        if now is not grant and now.mode is not None and grant.cookie_id:
            await self._services.store.remember_mode(grant, now.mode)

    async def _restore(self, grant: Grant) -> None:
        """Give the use back; a failure of this must not hide the one that it follows."""
        session = self._session
        try:
            await self._services.store.restore(grant)
        except Exception as e:  # noqa: BLE001
            session.log.warn(
                "session {session}: use not given back: {error}", session=session.id, error=e
            )


def without_secrets(grant: Grant) -> Grant:
    """Return what an open session needs of its grant."""
    return replace(grant, resume_secret=None, claim="", ousted=())
