"""One console from redeem to close, as a linear coroutine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface

from ..errors import (
    ClientGone,
    ConfirmationNeeded,
    ConnectionLost,
    ConsoleEnded,
    ConsoleMoved,
    ConsoleTaken,
    Forbidden,
    HypervisorError,
    SessionEnded,
    TokenUsed,
    VNCProxyError,
)
from ..handshake.steps import StepError
from ..interfaces import IConsoleBackend, ISessionObserver, IStage, ITokenStore
from ..model import (
    LOCAL,
    ConsoleType,
    Grant,
    Limits,
    Policy,
    SessionInfo,
    Timeouts,
    Token,
    UnixTime,
    VMAddress,
    check_secret,
    is_secret,
    new_id,
    secret_id,
)
from ..origins import check_origin
from ..relay import plain
from ..relay.handshaking import run_handshake
from ..relay.leg import Leg
from ..rfb.greeting import Greeting
from ..rfb.security import rename
from ..upstream import Console
from .admission import Admission
from .consoles import Consoles
from .timer import Rounds
from .watchdog import Watchdog

JUST_NOW = 2.0
"""Seconds for which a byte counts as being on its way."""

MOST_ASKING = 8
"""Sessions that may ask at once where their machines are: a whole host may end, and the threads
that ask are those that new sessions need, too."""


@dataclass(frozen=True, slots=True)
class UserRequest:
    """A user's request for a console.

    Attributes:
        client: the user's IP address.
        token: the secret as it came, empty when there was none.
        resume: the secret of a resume cookie.
        foreign_origin: the page's origin when it is neither the proxy's own nor allowed by the
            configuration.
        confirmed: whether the user has pressed the button of a page that asks before it opens a
            console; viewers that have no page are not asked.
    """

    type: ConsoleType
    client: str
    token: str = field(repr=False)
    resume: str | None = field(default=None, repr=False)
    foreign_origin: str | None = None
    confirmed: bool = False


class IDownstream(Interface):
    """A user's connection before it is a leg."""

    session: Session | None = Attribute("its session, set before any method is called")
    greeting: Greeting = Attribute("how far its viewer is greeted: a refusal goes on from there")

    def admit(grant: Grant) -> Awaitable[None]:
        """Take note that the token is good, before the console is looked for."""

    def open() -> Awaitable[Leg]:
        """Answer that the console is there; returns the leg on which RFB begins."""

    def refuse(error: VNCProxyError, session_id: str) -> Awaitable[None]:
        """Tell the user why there is no console; returns when the connection is closed."""


@dataclass(frozen=True, slots=True)
class Services:
    """What sessions need of the rest of the proxy.

    Attributes:
        time: the wall clock.
        reactor: for time limits and connections.
        join: the relay.
        confirm: whether links ask before they are redeemed, unless their policy says otherwise.
        proxy: the name of this proxy.
        zone: the zone of this proxy, empty where there is only one.
    """

    store: ITokenStore
    backends: Mapping[str, IConsoleBackend]
    observers: Sequence[ISessionObserver]
    limits: Limits
    timeouts: Timeouts
    time: Callable[[], UnixTime]
    reactor: Any
    join: Callable[[Leg, Leg, Sequence[IStage]], Deferred[VNCProxyError]] = plain.join
    confirm: bool = False
    proxy: str = ""
    zone: str = ""

    def consoles(self) -> Consoles:
        """Return the way to the consoles of all backends."""
        return Consoles(self.backends, self.timeouts, self.reactor)


class Register(Protocol):
    """What a session asks of all sessions together (`vncproxy.session.registry.SessionRegistry`).

    Attributes:
        rounds: the timer that they share.
        asking: how many wait to hear where their machine is now.
        admission: whose turn it is to begin.
    """

    services: Services
    admission: Admission
    asking: int
    rounds: Rounds

    def enter(self, session: Session) -> None:
        """Count a session, until it leaves, or raise why there is no room for it."""

    def enter_vm(self, session: Session, vm: VMAddress) -> None:
        """Count it for the machine that it is to show, too."""

    def check_vm(self, vm: VMAddress) -> None:
        """Raise why there is no room for it at its machine."""

    def replace(self, session: Session) -> None:
        """End the sessions whose place it takes, as the one that its browser opened last."""

    def leave(self, session: Session) -> None:
        """Count a session no more."""


class Session:
    """One console from redeem to close.

    Timeouts, limits, revocation and shutdown all end it by `cancel`.
    """

    log = Logger()

    __slots__ = (
        "__weakref__",
        "_downstream",
        "_ending",
        "_info",
        "_is_vnc_server",
        "_legs",
        "_opening",
        "_sessions",
        "_started",
        "_step",
        "_watchdog",
        "_why",
        "grant",
        "id",
        "user_request",
    )

    def __init__(
        self, user_request: UserRequest, downstream: IDownstream, sessions: Register
    ) -> None:
        self.id = new_id()
        self.user_request = user_request
        self.grant: Grant | None = None
        self._downstream: IDownstream | None = downstream
        self._sessions = sessions
        self._started = self._services.reactor.seconds()
        self._legs: tuple[Leg, Leg] | None = None
        services = self._services
        self._info = SessionInfo(
            *(self.id, user_request.type, user_request.client, services.time()),
            proxy=services.proxy,
            zone=services.zone,
        )
        self._why: VNCProxyError = SessionEnded()
        self._ending = False
        self._is_vnc_server = False
        self._step: Deferred[Any] | None = None
        self._watchdog: Watchdog | None = None
        self._opening: Deferred[None] | None = None

    @property
    def _services(self) -> Services:
        """What there is now: a reload may have put others in place since the session began."""
        return self._sessions.services

    def start(self) -> None:
        """Begin."""
        opening = Deferred.fromCoroutine(self._run())
        opening.addErrback(self._failed)
        if self._legs is None:
            self._opening = opening

    def gone(self) -> list[Deferred[None]]:
        """Return what fires when the session has left nothing behind."""
        if self._legs is not None:
            return [leg.closed for leg in self._legs]
        assert self._opening is not None
        return [self._opening]

    @property
    def is_open(self) -> bool:
        """Whether bytes flow, or did."""
        return self._legs is not None

    def bytes_moved(self) -> tuple[int, int]:
        """Return the payload to the user and from the user, as it flows."""
        if self._legs is None:
            return 0, 0
        down, up = self._legs
        return up.bytes_received, down.bytes_received

    def cancel(self, why: VNCProxyError) -> None:
        """End the session unless it is ending already; the first reason counts."""
        if not self._ending:
            self._why, self._ending = why, True
            if self._step is not None:
                self._step.cancel()

    def info(self) -> SessionInfo:
        """Return what is known of the session now."""
        seconds = self._services.reactor.seconds() - self._started
        if self._legs is None:
            return replace(self._info, seconds=seconds)
        down, up = self._legs
        return replace(
            self._info, seconds=seconds, bytes_down=up.bytes_received, bytes_up=down.bytes_received
        )

    async def _run(self) -> None:
        try:
            self._sessions.enter(self)
            try:
                down, up = await self._open()
                self._relay(down, up)
            except BaseException:
                self._sessions.leave(self)
                raise
        except CancelledError:
            await self._refuse(self._why)
        except VNCProxyError as e:
            await self._refuse(e)
        except Exception:  # noqa: BLE001 a defect must not leave a user without an answer
            self.log.failure("session {session} failed", session=self.id)
            await self._refuse(HypervisorError("a defect: see the traceback above"))

    async def _open(self) -> tuple[Leg, Leg]:
        """Return both legs, or give the use of the token back.

        Neither taking, confirming nor giving is cut short: it would not be known whether it was
        done.
        """
        grant = await self._redeem_in_turn()
        end_turn = self._sessions.admission.keep_turn()
        try:
            if self._ending:
                raise CancelledError
            self._step = showing = Deferred.fromCoroutine(self._show(grant))
            down, console, server_init = await showing
            self._step = None
            await self._confirm(grant, console.leg)
        except BaseException:
            end_turn()
            await self._restore(grant)
            raise
        end_turn()
        down.send(server_init)
        return down, console.leg

    async def _show(self, grant: Grant) -> tuple[Leg, Console, bytes]:
        """Return both legs, and the first message that is a part of the screen."""
        assert self._downstream is not None
        await self._downstream.admit(grant)
        self._check_policy(grant.token.policy)
        self._sessions.check_vm(grant.token.vm)
        consoles = self._services.consoles()
        console, name = await consoles.open(grant.token.vm, grant.endpoint, self._dialling)
        self._is_vnc_server = console.is_vnc_server
        down = await self._greet(console)
        return down, console, rename(console.server_init, name) if name else console.server_init

    def _dialling(self, host: str) -> None:
        self._info = replace(self._info, host=host or LOCAL)

    async def _confirm(self, grant: Grant, up: Leg) -> None:
        """Tell the store that the console is about to be seen; a console that is not is closed."""
        try:
            await self._services.store.confirm(grant)
            if self._ending:
                raise CancelledError
        except BaseException:
            up.close(ClientGone(), self._services.timeouts.linger)
            raise

    async def _restore(self, grant: Grant) -> None:
        """Give the use back; that it cannot be given back must not hide why it should be."""
        try:
            await self._services.store.restore(grant)
        except Exception as e:  # noqa: BLE001
            self.log.warn(
                "session {session}: use not given back: {error}", session=self.id, error=e
            )

    async def _redeem_in_turn(self) -> Grant:
        """Wait for the turn to begin, which goes on once the token is redeemed."""
        self._step = turn = self._sessions.admission.turn(self.user_request.client)
        await turn
        try:
            if self._ending:
                raise CancelledError
            self._step = None
            return await self._redeem()
        except BaseException:
            self._sessions.admission.done()
            raise

    async def _redeem(self) -> Grant:
        secret = check_secret(self.user_request.token)
        try:
            grant = await self._services.store.redeem(
                secret, self.user_request.resume, self._ask_first
            )
        except TokenUsed as e:
            raise self._used(e) from e
        token = grant.token
        self.grant = grant
        self._sessions.enter_vm(self, token.vm)
        self._sessions.replace(self)
        self._info = replace(self._info, token_id=grant.token_id, vm=token.vm, user=token.user)
        return grant

    def _used(self, error: TokenUsed) -> TokenUsed:
        """Return the same error, with what a browser that opened the link before has done."""
        if self.user_request.type is not ConsoleType.NOVNC or self.user_request.resume is not None:
            return error
        detail = f"{error.detail}; the browser sent no cookie of it, or keeps none"
        used = TokenUsed(detail)
        return used.about(error.vm, error.user) if error.vm else used

    def _ask_first(self, token: Token | None) -> None:
        """Raise, before a use is taken, when the user is to press a button first.

        The holder of a link learns the machine's id, as the token has it.
        """
        chosen = token.policy.confirm if token else None
        wanted = self._services.confirm if chosen is None else chosen
        if wanted and not self.user_request.confirmed:
            raise ConfirmationNeeded(token.vm.vm if token else "")

    def _check_policy(self, policy: Policy) -> None:
        check_origin(self.user_request.foreign_origin, policy.allowed_origins)
        client, networks = self.user_request.client, policy.client_networks
        if networks and not any(ip_address(client) in network for network in networks):
            raise Forbidden(f"client {client} is in no allowed network")

    async def _greet(self, console: Console) -> Leg:
        """Greet the viewer; a console that nobody takes is closed."""
        assert self._downstream is not None
        try:
            leg = await self._downstream.open()
            greeting = self._downstream.greeting.greet()
            await run_handshake(leg, greeting, self._services.timeouts.greeting)
        except BaseException as e:
            console.leg.close(ClientGone(), self._services.timeouts.linger)
            if isinstance(e, StepError):
                raise ClientGone(f"the viewer left or fell silent: {e.detail}") from e
            raise
        return leg

    def _relay(self, down: Leg, up: Leg) -> None:
        """Let bytes flow until `_close` is called.

        No coroutine waits for it: it would be a third of what an idle session keeps in memory.
        """
        assert self.grant is not None
        self._legs, self._downstream, self._opening = (down, up), None, None
        # what is not needed any more
        self.grant = replace(self.grant, resume_secret=None, claim="")
        self._tell("opened")
        try:
            self._watchdog = self._wake_watchdog(down, up)
            self._step = joined = self._services.join(down, up, ())
        except Exception:  # noqa: BLE001 nothing would watch the legs, nor end them
            self.log.failure("session {session}: the relay did not begin", session=self.id)
            self._close(HypervisorError("a defect: see the traceback above"))
        else:
            joined.addCallbacks(self._close, self._cancelled).addErrback(self._failed)

    def _cancelled(self, failure: Failure) -> None:
        failure.trap(CancelledError)
        self._close(self._why)

    def _failed(self, failure: Failure) -> None:
        self.log.failure("session {session} failed", failure, session=self.id)

    def _close(self, why: VNCProxyError) -> None:
        assert self._legs is not None
        self._ending = True
        if self._watchdog is not None:
            self._watchdog.stop()
        down, up = self._legs
        self._info = replace(self._info, side=_side(down, up, why))
        if up.is_closing and not down.is_closing and self._sessions.asking < MOST_ASKING:
            asking = Deferred.fromCoroutine(self._explain(why))
            asking.addCallback(self._say_farewell).addErrback(self._failed)
        else:
            self._say_farewell(why)

    async def _explain(self, why: VNCProxyError) -> VNCProxyError:
        """Return why a console ended by itself, in better words where its backend knows them."""
        assert self.grant is not None
        self._sessions.asking += 1
        vm, consoles = self.grant.token.vm, self._services.consoles()
        try:
            host = "" if self._info.host == LOCAL else self._info.host
            if await consoles.moved(vm, host):
                return ConsoleMoved(f"was on {host}")
            if self._may_be_taken(why) and await consoles.taken(vm, self.grant.endpoint):
                return ConsoleTaken("its server still admits viewers")
        except Exception:  # noqa: BLE001 a defect must not keep a session from ending
            self.log.failure("session {session}: whereabouts unknown", session=self.id)
            return why
        finally:
            self._sessions.asking -= 1
        return why

    def _may_be_taken(self, why: VNCProxyError) -> bool:
        """Return whether its server may have ended a console for another viewer's sake.

        A reset counts where bytes were just on their way: a server that has not read them all, as
        the user types, resets the connection by closing it. One of an idle session is a firewall's.
        """
        assert self._legs is not None
        if not self._is_vnc_server or type(why) is ConsoleEnded:
            return self._is_vnc_server
        heard = max(leg.last_received_at for leg in self._legs)
        busy = self._services.reactor.seconds() - heard < JUST_NOW
        return type(why) is ConnectionLost and busy

    def _say_farewell(self, why: VNCProxyError) -> None:
        assert self._legs is not None
        (down, up), linger = self._legs, self._services.timeouts.linger
        # the id is for what fails; an end that was meant says all there is to say
        down.close(why, linger, "" if isinstance(why, SessionEnded) else self.id)
        up.close(why, linger)
        self._tell("closed", why)
        self._sessions.leave(self)

    def _wake_watchdog(self, down: Leg, up: Leg) -> Watchdog:
        assert self.grant is not None
        policy, services = self.grant.token.policy, self._services
        left = None
        if policy.max_duration is not None:
            # the store answered after the start, so this is never more than what is left
            since = services.reactor.seconds() - self._started
            left = policy.max_duration - self.grant.age - since
        rounds = self._sessions.rounds
        dog = Watchdog(down, up, policy, services.timeouts, left, self.cancel, rounds)
        dog.start()
        return dog

    async def _refuse(self, error: VNCProxyError) -> None:
        self._ending = True
        if not self._info.token_id and is_secret(self.user_request.token):
            self._info = replace(self._info, token_id=secret_id(self.user_request.token))
        self._tell("refused", error)
        assert self._downstream is not None
        await self._downstream.refuse(error, self.id)

    def _tell(self, event: str, *why: VNCProxyError) -> None:
        info = self.info()
        for observer in self._services.observers:
            try:
                getattr(observer, event)(info, *why)
            except Exception:  # noqa: BLE001 a full disk must not end a session
                self.log.failure(
                    "session {session}: audit log or metrics could not take that it was {event}",
                    session=self.id,
                    event=event,
                )


def _side(down: Leg, up: Leg, why: VNCProxyError) -> str:
    """Return which side ended first; a ping that nobody answers was a viewer's."""
    if up.is_closing != down.is_closing:
        return "upstream" if up.is_closing else "downstream"
    return "downstream" if isinstance(why, ConnectionLost) else ""
