"""The live sessions of this process: how many there may be, and how all of them are ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from twisted.internet.defer import DeferredList
from zope.interface import implementer

from ..errors import OverLimit, ProxyStopping, SessionEnded, Superseded, VNCProxyError
from ..interfaces import ISessionRegistry
from ..model import SessionInfo, VMAddress, secret_id
from .admission import Admission
from .session import IDownstream, Services, Session, UserRequest
from .timer import Rounds

T = TypeVar("T")


@implementer(ISessionRegistry)
class SessionRegistry:
    """The live sessions of this process.

    Attributes:
        draining: whether new ones are refused because the proxy is stopping.
        other_refusal: returns why no session may begin now for another reason than the limits; None
            when it may.
        rounds: the timer that they share.
        asking: how many wait to hear where their machine is now.
        admission: whose turn it is to begin.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.admission = Admission(
            lambda: self.services.limits, lambda: self.services.timeouts, services.reactor
        )
        self.rounds = Rounds(services.reactor)
        self.draining = False
        self.other_refusal: Callable[[], VNCProxyError | None] = lambda: None
        self.asking = 0
        self._live: dict[str, Session] = {}
        self._replaced: set[str] = set()
        self._of_address: Counter[str] = Counter()
        self._of_vm: dict[VMAddress, tuple[Session, ...]] = {}

    def start_session(self, user_request: UserRequest, downstream: IDownstream) -> Session:
        """Start a user's session, which its downstream knows from then on."""
        session = Session(user_request, downstream, self)
        downstream.session = session
        session.start()
        return session

    async def list(self, *, vm: VMAddress | None = None) -> Sequence[SessionInfo]:
        """Return all sessions, or those of one machine."""
        return [session.info() for session in self._of(vm)]

    def _of(self, vm: VMAddress | None) -> Iterable[Session]:
        return self._live.values() if vm is None else self._of_vm.get(vm, ())

    def bytes_moved(self) -> tuple[int, int]:
        """Return what all live sessions have moved, to their users and from them."""
        moved = [session.bytes_moved() for session in self._live.values()]
        return sum(down for down, _ in moved), sum(up for _, up in moved)

    async def end(self, session_id: str, why: SessionEnded) -> bool:
        """End one session; False when there is none with this id."""
        session = self._live.get(session_id)
        if session:
            session.cancel(why)
        return session is not None

    async def end_where(
        self,
        why: SessionEnded,
        *,
        vm: VMAddress | None = None,
        user: str | None = None,
        token_id: str | None = None,
    ) -> int:
        """End the sessions that match all criteria given; returns how many."""
        matching = [
            info.id
            for info in await self.list(vm=vm)
            if user in (None, info.user) and token_id in (None, info.token_id)
        ]
        for session_id in matching:
            await self.end(session_id, why)
        return len(matching)

    async def stop(self) -> None:
        """Refuse new sessions, end the live ones with a reason, wait until they are gone."""
        self.draining = True
        live = list(self._live.values())
        gone = [over for session in live for over in session.gone()]
        for session in live:
            session.cancel(ProxyStopping())
        await DeferredList(gone)

    def refusal(self, leaving: int = 0) -> VNCProxyError | None:
        """Return why any new session would be refused now; None when it would not.

        Args:
            leaving: how many sessions the new one is going to replace.
        """
        if self.draining:
            return ProxyStopping()
        if refusal := self.other_refusal():
            return refusal
        most = self.services.limits.sessions
        if len(self._live) - len(self._replaced) - leaving >= most:
            return OverLimit(f"{most} sessions are open, limits.sessions")
        return None

    def enter(self, session: Session) -> None:
        """Count a session, until it leaves; it may stand in for one that it is going to replace.

        Raises:
            OverLimit: there are too many, in all or from its address.
            ProxyStopping: the proxy is stopping.
        """
        limits, client = self.services.limits, session.user_request.client
        to_end = {other.user_request.client for other in self._of_same_cookie(session)}
        if refusal := self.refusal(leaving=bool(to_end)):
            raise refusal
        same = self._of_address[client]
        if same - (client in to_end) >= limits.sessions_per_address:
            raise OverLimit(
                f"{same} sessions from {client}, limits.sessions_per_address",
                public="Too many consoles are open from your address. Close one and try again.",
            )
        self._live[session.id] = session
        self._of_address[client] += 1

    def enter_vm(self, session: Session, vm: VMAddress) -> None:
        """Count a session that has learned what it is to show, until it leaves."""
        self._of_vm[vm] = (*self._of_vm.get(vm, ()), session)

    def replace(self, session: Session) -> None:
        """End the sessions of the same resume cookie; they are not counted while they end.

        One that is open has its own cookie, unless the new one was let in by it.
        """
        assert session.grant is not None
        for other in self._of_same_cookie(session):
            if session.grant.resumed or not other.is_open:
                _count_down(self._of_address, other.user_request.client)
                self._replaced.add(other.id)
                other.cancel(Superseded(f"by session {session.id}"))

    def _of_same_cookie(self, session: Session) -> tuple[Session, ...]:
        """Return the other sessions that were opened with the same resume cookie."""
        user_request = session.user_request
        if user_request.resume is None:
            return ()
        cookie_id, token_id = secret_id(user_request.resume), secret_id(user_request.token)
        return tuple(
            other
            for other in self._live.values()
            if other.grant is not None
            and other.grant.cookie_id == cookie_id
            and other.grant.token_id == token_id
            and other is not session
            and other.id not in self._replaced
        )

    def leave(self, session: Session) -> None:
        """Count a session no more."""
        del self._live[session.id]
        if session.grant is not None:
            self._leave_vm(session, session.grant.token.vm)
        if session.id in self._replaced:
            self._replaced.remove(session.id)
        else:
            _count_down(self._of_address, session.user_request.client)

    def _leave_vm(self, session: Session, vm: VMAddress) -> None:
        left = tuple(other for other in self._of_vm.pop(vm, ()) if other is not session)
        if left:
            self._of_vm[vm] = left

    def check_vm(self, vm: VMAddress) -> None:
        """Make sure that one more session of a VM is allowed; it is counted already.

        Raises:
            OverLimit: there are too many.
        """
        allowed = self.services.limits.sessions_per_vm
        same = sum(other.id not in self._replaced for other in self._of_vm[vm])
        if same > allowed:
            raise OverLimit(
                f"{same - 1} sessions of {vm}, limits.sessions_per_vm",
                public="Too many people have this console open. Try again later.",
            )


def _count_down(counts: Counter[T], key: T) -> None:
    """Count one less, and forget what there is none of."""
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
