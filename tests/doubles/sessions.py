"""Sessions of `tests.doubles.proxy_in_memory`, with a user at a TCP viewer."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from tests.doubles.proxy_in_memory import ProxyTestCase
from vncproxy.downstream.pending import refuse_viewer
from vncproxy.errors import (
    ClientGone,
    UpstreamViolation,
    VNCProxyError,
)
from vncproxy.interfaces import IConsoleRecovery
from vncproxy.model import (
    ConsoleEndpoint,
    ConsoleType,
    Grant,
    SessionInfo,
    Transport,
)
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.rfb.greeting import Greeting
from vncproxy.session.downstream import IDownstream
from vncproxy.session.session import Session
from vncproxy.session.state import SessionState
from vncproxy.session.user_request import UserRequest
from vncproxy.testing import SERVER_INIT, MemoryPeer, StaticConsoles

GREETING = b"RFB 003.008\n\x01\x01"


VIEWER_RECEIVES = b"RFB 003.008\n\x01\x01" + bytes(4) + SERVER_INIT


@implementer(IDownstream)
class User:
    """The user's side with a TCP viewer; records its calls, and shows refusals as RFB failures."""

    def __init__(self, test: ProxyTestCase) -> None:
        self.session: SessionState | None = None
        self.greeting = Greeting()
        self.linger = test.timeouts.linger
        self.steps: list[str] = []
        self.refusals: list[tuple[VNCProxyError, str]] = []
        self.leg = Leg(RawFraming(), test.reactor, ClientGone)
        self.peer = MemoryPeer(self.leg)
        self.fail: Exception | None = None
        self.cookie: str | None = None

    async def admit(self, grant: Grant) -> None:
        self.steps.append("admit")
        self.cookie = grant.resume_secret
        if self.fail is not None:
            raise self.fail

    async def open(self) -> Leg:
        self.steps.append("open")
        return self.leg

    async def refuse(self, error: VNCProxyError, session_id: str) -> None:
        self.refusals.append((error, session_id))
        if "open" in self.steps:
            await refuse_viewer(self.leg, self.greeting, error, session_id, self.linger)
        self.steps.append("refuse")


@implementer(IDownstream)
class StubbornUser(User):
    """A user's side whose refusal ends when the test decides so."""

    def __init__(self, test: ProxyTestCase) -> None:
        super().__init__(test)
        self.refused: Deferred[None] = Deferred()

    async def refuse(self, error: VNCProxyError, session_id: str) -> None:
        await super().refuse(error, session_id)
        await self.refused


@implementer(IConsoleRecovery)
class MovedAway(StaticConsoles):
    """A backend that answers where a machine is when a test decides so."""

    def __init__(self) -> None:
        super().__init__({"web-01": ConsoleEndpoint(Transport.TCP, "192.0.2.10", 5900)})
        self.answer: Deferred[str] = Deferred()

    async def relocate(self, vm: str, refusal: UpstreamViolation) -> ConsoleEndpoint:
        raise refusal

    def explain(self, refusal: UpstreamViolation) -> VNCProxyError:
        return refusal

    async def current_host(self, vm: str) -> str:
        return await self.answer


class SessionTestCase(ProxyTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = User(self)

    def user_request(self, token: str | None = None, **more: Any) -> UserRequest:
        fields: dict[str, Any] = {"type": ConsoleType.NOVNC, "client": "198.51.100.7"}
        return UserRequest(**{**fields, "token": self.issue() if token is None else token, **more})

    def begin(self, user_request: UserRequest | None = None, user: User | None = None) -> Session:
        user_request = user_request or self.user_request()
        self.session = Session(user_request, user or self.user, self.sessions)
        self.session.start()
        return self.session

    def open(self, user_request: UserRequest | None = None) -> Session:
        """Begin a session and bring it to where bytes flow."""
        session = self.begin(user_request)
        self.hypervisor = self.console()
        self.user.peer.send(GREETING)
        self.assertEqual(self.user.peer.receive(), VIEWER_RECEIVES)
        return session

    def refused(self, kind: type[VNCProxyError]) -> VNCProxyError:
        """Check that the user's side and the observer were given the same reason, once."""
        self.assertEqual([type(error) for error, _ in self.user.refusals], [kind])
        error, session_id = self.user.refusals[0]
        self.assertEqual(session_id, self.session.id)
        self.assertEqual(
            [(info.id, why) for info, why in self.observer.refusals], [(session_id, error)]
        )
        self.assertEqual((self.observer.openings, self.observer.closings), ([], []))
        self.assertEqual(self.live_sessions(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        return error

    def closed(self, kind: type[VNCProxyError], live: int = 0) -> SessionInfo:
        """Make sure that an opened session ended once, for this reason."""
        self.assertEqual([type(why) for _, why in self.observer.closings], [kind])
        self.assertEqual((self.observer.refusals, self.user.refusals), ([], []))
        self.assertEqual(len(self.live_sessions()), live)
        return self.observer.closings[0][0]

    def uses_given_back(self) -> int:
        return self.store.calls.count("restore")


def hypervisor_bytes(payload: bytes) -> int:
    """How many bytes the scripted server sends before and with this payload."""
    return len(b"RFB 003.008\n\x01\x01") + 4 + len(SERVER_INIT) + len(payload)
