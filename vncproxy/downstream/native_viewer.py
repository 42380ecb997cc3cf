"""TCP viewers that log in over RFB: the token is the password of VeNCrypt's X509Plain."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IHandshakeListener, IOpenSSLContextFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import (
    Busy,
    ClientGone,
    DownstreamViolation,
    OverLimit,
    ProxyStopping,
    SessionEnded,
    VNCProxyError,
)
from ..handshake.steps import EndOfStream, StepError, Steps
from ..model import ConsoleType, Grant, Limits
from ..relay.handshaking import HandshakeTimeout, run_handshake
from ..relay.leg import Leg
from ..relay.raw_framing import RawFraming
from ..relay.sockets import drop_unread, set_socket_options
from ..rfb.greeting import refusal_at_once
from ..rfb.viewer_login import Login, LoginGreeting
from ..session.downstream import IDownstream
from ..session.live import LiveSessions
from ..session.session import Session
from ..session.state import SessionState
from ..session.user_request import UserRequest
from .connections import UNKNOWN, Connections, Slot, address_of
from .forwarded import plain_address
from .links import BLANK, token_of
from .pending import cancel_session, refuse_viewer
from .refusals import TOO_OFTEN
from .viewer_tls import ViewerTLS

CLOSE_TIME = 5.0
"""Seconds that a viewer has to read why it was refused."""

_LATE = "Your viewer did not log in in time. Connect again."

T = TypeVar("T")


@implementer(IDownstream)
class NativeDownstream:
    """A viewer that has logged in, and waits for its console.

    Args:
        leg: its connection, which speaks TLS.
        greeting: waits for the result of the login.
    """

    def __init__(self, leg: Leg, greeting: LoginGreeting, close_timeout: float) -> None:
        self.session: SessionState | None = None
        self.greeting = greeting
        self.leg: Leg | None = leg
        self._leg = leg
        self._close_timeout = close_timeout

    def begin(self, user_request: UserRequest, live: LiveSessions) -> None:
        """Start the session, which ends with the connection."""
        session = Session(user_request, self, live)
        # not a bound method: the leg lives longer, and would keep this object in memory
        self._leg.close_reason.addCallback(partial(cancel_session, session))
        session.start()

    async def admit(self, grant: Grant) -> None:
        """Do nothing: the login is answered when the console is connected."""

    async def open(self) -> Leg:
        """Return the leg."""
        return self._leg

    async def refuse(self, error: VNCProxyError, session_id: str) -> None:
        """Answer the login with the reason."""
        await refuse_viewer(self._leg, self.greeting, error, session_id, self._close_timeout)


@implementer(IHandshakeListener)
class NativeViewer(Protocol):
    """One connection, until its viewer has logged in.

    Until then it counts as idle: at a limit, the one that waits longest makes room for a new one.

    Args:
        factory: of the listener.
    """

    log = Logger()
    transport: Any
    factory: ViewerFactory

    def __init__(self, factory: ViewerFactory) -> None:
        self.factory = factory
        self._limits = factory.limits
        self._greeting = LoginGreeting()
        self._clock = factory.sessions.services.reactor
        self._leg = Leg(RawFraming(), self._clock, ClientGone)
        self._slot = Slot(None, UNKNOWN)
        self._handshake: Deferred[Any] | None = None
        self._made_room = False

    def connectionMade(self) -> None:
        """Greet the viewer, unless there are too many connections."""
        set_socket_options(self.transport)
        try:
            self._slot = self.factory.connections.add(address_of(self.transport))
        except OverLimit as e:
            self._refuse_at_once(e)
            return
        self._slot.set_idle(self)
        self._leg.on_lost = self._slot
        self._leg.makeConnection(self.transport)
        serving = Deferred.fromCoroutine(self._serve())
        serving.addErrback(partial(self.log.failure, "a viewer was not served"))

    def dataReceived(self, data: bytes) -> None:
        """Pass bytes on."""
        self._leg.dataReceived(data)

    def handshakeCompleted(self) -> None:
        """Pass on that TLS is established."""
        self._leg.handshakeCompleted()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass on the end."""
        self._leg.connectionLost(reason)

    def abort_idle(self) -> None:
        """Close at once."""
        self._made_room = True
        self.transport.abortConnection()

    def close_idle(self) -> None:
        """Tell the viewer to try again, and close."""
        if self._handshake is not None:
            self._handshake.cancel()

    def close_served(self) -> None:
        """Do nothing: a connection serves one console."""

    def _refuse_at_once(self, why: OverLimit) -> None:
        """Refuse a connection that is not counted, so it must not stay until its viewer answers."""
        client = plain_address(self.transport.getPeer())
        tail = self.factory.connections.refusals.log_refusal(client, "viewer", str(why))
        drop_unread(self.transport)
        self.transport.write(refusal_at_once(why.sentence() + tail))
        self.transport.loseConnection()

    async def _serve(self) -> None:
        """Log the user in and start the session, or refuse the viewer."""
        try:
            await self._run(self._greeting.negotiate(self._check_address), self._limits.header_time)
            login = await self._run(self._greeting.log_in(), self._limits.login_time)
        except VNCProxyError as e:
            await self._refuse(e)
            return
        self._slot.set_busy()
        self._start_session(login)

    async def _run(self, steps: Steps[T], seconds: float) -> T:
        tls = ViewerTLS(self.factory.tls)
        handshake = run_handshake(self._leg, steps, seconds, lambda _: tls)
        running: Deferred[T] = Deferred.fromCoroutine(handshake)
        self._handshake = running
        try:
            return await running
        except CancelledError as e:
            raise ProxyStopping("the process ends") from e
        except HandshakeTimeout as e:
            raise DownstreamViolation(e.detail, public=_LATE) from e
        except EndOfStream as e:
            raise ClientGone(e.detail) from e
        except StepError as e:
            raise DownstreamViolation(e.detail) from e
        finally:
            self._handshake = None

    def _check_address(self) -> None:
        """Refuse an address at its limits; a PROXY header has named it by now."""
        if self._slot.address == UNKNOWN:
            refusal = self._slot.recount(address_of(self.transport))
            if refusal is not None:
                raise refusal
        if self.factory.connections.refusals.refuses_cheaply(self._slot.address):
            raise OverLimit("the address is refused too often", public=TOO_OFTEN)

    async def _refuse(self, error: VNCProxyError) -> None:
        """Log and tell why there is no session; a connection without a byte is not worth it."""
        if self._made_room:
            return
        leg, silent = self._leg, not self._leg.bytes_received
        if silent and isinstance(error, SessionEnded | DownstreamViolation):
            if not leg.is_closing:
                self.transport.abortConnection()
            return
        client, refusals = address_of(self.transport), self.factory.connections.refusals
        counts = not isinstance(error, SessionEnded)  # a dialog that was closed, or a restart
        tail = refusals.log_refusal(client, "viewer", str(error), counts=counts)
        sentence = error.sentence() + tail
        with suppress(VNCProxyError):
            await run_handshake(leg, self._greeting.refuse(sentence), CLOSE_TIME)
        leg.close(error, CLOSE_TIME)
        await leg.closed

    def _start_session(self, login: Login) -> None:
        sessions = self.factory.sessions
        request = UserRequest(
            type=ConsoleType.XVPVNC,
            client=self._slot.address,
            token=_token_in(login.password),
            confirmed=True,
        )
        close_timeout = sessions.services.timeouts.linger
        NativeDownstream(self._leg, self._greeting, close_timeout).begin(request, sessions)


class ViewerFactory(Factory):
    """Makes the connections of a listener for native viewers.

    Args:
        limits: of connections that are made from now on.
        connections: those of all listeners for users.
        tls: the certificate in force.
    """

    noisy = False

    def __init__(
        self,
        sessions: LiveSessions,
        limits: Limits,
        connections: Connections,
        tls: IOpenSSLContextFactory,
    ) -> None:
        self.sessions = sessions
        self.limits = limits
        self.connections = connections
        self.tls = tls

    def buildProtocol(self, addr: object) -> Any:
        """Return the protocol of a new connection."""
        return NativeViewer(self)

    def late_refusal(self) -> bytes:
        """Return what refuses a connection that has waited too long to be accepted."""
        return refusal_at_once(Busy.public)


def _token_in(password: str) -> str:
    """Return the token in what a user entered: the token, or a link with it."""
    target, _, fragment = password.partition("#")
    return token_of(target, fragment) or password.strip(BLANK)
