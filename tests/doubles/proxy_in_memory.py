"""A proxy with nothing real around it: reactor, store, hypervisor and users in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError  # noqa: A004
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from vncproxy.errors import EndedByAdministrator, VNCProxyError
from vncproxy.interfaces import BeforeUse, ISessionObserver
from vncproxy.model import (
    ConsoleEndpoint,
    ConsoleType,
    Grant,
    Limits,
    Mode,
    Policy,
    PowerAction,
    SessionFilter,
    SessionInfo,
    SessionLease,
    Timeouts,
    Token,
    Transport,
    VMAddress,
)
from vncproxy.power import MachinePower
from vncproxy.service.together import make_company
from vncproxy.session.registry import SessionRegistry
from vncproxy.session.services import Services
from vncproxy.testing import MemoryPeer, ScriptedRFBServer, StaticConsoles, carry
from vncproxy.tokens.memory import MemoryTokenStore

NOW = 1_767_323_045.0
WEB_01 = VMAddress("kvm", "web-01")


class Store(MemoryTokenStore):
    """A token store that can be made to wait or to fail.

    Attributes:
        calls: the names of the calls that were made.
        wait: by name of a call, what it waits for.
        fail: by name of a call, what it raises.
    """

    def __init__(self, time: Callable[[], float], seconds: Callable[[], float]) -> None:
        super().__init__(time, 600, seconds)
        self.calls: list[str] = []
        self.wait: dict[str, Deferred[None]] = {}
        self.fail: dict[str, Exception] = {}

    async def redeem(
        self,
        secret: str,
        resume_secret: str | None = None,
        before_use: BeforeUse | None = None,
        lease: SessionLease | None = None,
    ) -> Grant:
        await self._called("redeem")
        return await super().redeem(secret, resume_secret, before_use, lease)

    async def confirm(self, grant: Grant) -> None:
        await self._called("confirm")
        await super().confirm(grant)

    async def remember_mode(self, grant: Grant, mode: Mode) -> bool:
        await self._called("remember_mode")
        return await super().remember_mode(grant, mode)

    async def restore(self, grant: Grant) -> None:
        await self._called("restore")
        await super().restore(grant)

    async def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.wait:
            await self.wait[name]
        if name in self.fail:
            raise self.fail[name]


@implementer(ISessionObserver)
class RecordingObserver:
    """An observer that records its calls."""

    def __init__(self) -> None:
        self.refusals: list[tuple[SessionInfo, VNCProxyError]] = []
        self.openings: list[SessionInfo] = []
        self.changes: list[tuple[SessionInfo, str]] = []
        self.closings: list[tuple[SessionInfo, VNCProxyError]] = []

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        self.refusals.append((session, error))

    def opened(self, session: SessionInfo) -> None:
        self.openings.append(session)

    def changed(self, session: SessionInfo, by: str) -> None:
        self.changes.append((session, by))

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        self.closings.append((session, why))


class Reactor(MemoryReactorClock):
    """Connections to consoles succeed or fail when a test decides so."""

    def accept(self, room: int = 65536, peer: str = "192.0.2.1") -> MemoryPeer:
        """Complete the oldest connection in progress, to a peer; returns its far end."""
        _, _, factory, _, _ = self.tcpClients.pop(0)
        protocol = factory.buildProtocol(IPv4Address("TCP", "192.0.2.10", 5900))
        assert protocol is not None
        return MemoryPeer(protocol, room, IPv4Address("TCP", peer, 5900))

    def refuse(self) -> None:
        """Let the oldest connection in progress fail."""
        _, _, factory, _, _ = self.tcpClients.pop(0)
        factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))  # type: ignore[arg-type]


class ProxyTestCase(SynchronousTestCase):
    """A proxy with one backend ``kvm`` and the machine ``kvm/web-01`` at 192.0.2.10:5900."""

    limits = Limits()
    timeouts = Timeouts()

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.store = Store(self.time, self.reactor.seconds)
        self.kvm = StaticConsoles(
            {"web-01": ConsoleEndpoint(Transport.TCP, host="192.0.2.10", port=5900)}
        )
        self.observer = RecordingObserver()
        self.notes: list[tuple[str, Mapping[str, object]]] = []
        self.powered: list[tuple[str, str, str, dict[str, object]]] = []
        self.serve()

    def time(self) -> float:
        return NOW + float(self.reactor.seconds())

    def serve(self, **changes: Any) -> None:
        """Make the sessions anew, with other services than usual."""
        services: dict[str, Any] = {
            "store": self.store,
            "backends": {"kvm": self.kvm},
            "observers": (self.observer,),
            "limits": self.limits,
            "timeouts": self.timeouts,
            "time": self.time,
            "reactor": self.reactor,
            "power": MachinePower(
                lambda: self.sessions.services.backends, self.reactor, self.record_power
            ),
        }
        self.sessions = SessionRegistry(Services(**{**services, **changes}))

    def serve_together(self, **changes: Any) -> None:
        """The same, for sessions that know of others at their machine."""
        self.serve(**changes)
        self.company = make_company(self.sessions, None, self.note, self.reactor)

    def note(self, event: str, members: Mapping[str, object]) -> None:
        """Record an audit line."""
        self.notes.append((event, members))

    def record_power(
        self, vm: VMAddress, action: PowerAction, outcome: str, who: Mapping[str, object]
    ) -> None:
        """Keep what was recorded of a request to start, stop or reset a machine."""
        self.powered.append((str(vm), action.value, outcome, dict(who)))

    def live_sessions(self, vm: VMAddress | None = None) -> Sequence[SessionInfo]:
        """Return the sessions of the registry."""
        return self.successResultOf(
            Deferred.fromCoroutine(self.sessions.list(SessionFilter(vm=vm)))
        )

    def end_session(self, session_id: str) -> bool:
        """End one session as an administrator does; returns whether there was one."""
        ending = self.sessions.end(session_id, EndedByAdministrator())
        return bool(self.successResultOf(Deferred.fromCoroutine(ending)))

    def end_sessions(self, **criteria: Any) -> int:
        """End sessions as an administrator does; returns how many."""
        ending = self.sessions.end_where(EndedByAdministrator(), SessionFilter(**criteria))
        return int(self.successResultOf(Deferred.fromCoroutine(ending)))

    def issue(
        self,
        policy: Policy | None = None,
        vm: VMAddress = WEB_01,
        user: str = "alice",
        **more: Any,
    ) -> str:
        """Return the secret of a new token."""
        token = Token(
            vm=vm,
            user=user,
            type=ConsoleType.NOVNC,
            policy=policy or Policy(),
            issued_at=self.time(),
            expires_at=self.time() + 600,
            **more,
        )
        secret: str = self.successResultOf(Deferred.fromCoroutine(self.store.issue(token)))
        return secret

    def console(self, server: ScriptedRFBServer | None = None) -> MemoryPeer:
        """Accept the proxy's connection and run the console's handshake on it.

        Returns:
            The proxy's connection, on which the console's bytes can be sent from now on.
        """
        near = self.reactor.accept()
        carry(near, MemoryPeer((server or ScriptedRFBServer()).buildProtocol()))
        return near

    def wait(self, seconds: float) -> None:
        self.reactor.advance(seconds)
