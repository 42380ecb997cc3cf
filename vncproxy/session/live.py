"""All live sessions of this process: how many there may be, and what the token store counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Protocol

from twisted.internet.defer import Deferred

from ..addresses import counted_as
from ..errors import (
    OverLimit,
    PolicyUnsupported,
    ProxyStopping,
    SessionEnded,
    Superseded,
    VNCProxyError,
)
from ..model import ConsoleType, Grant, SessionLease, Token, VMAddress, secret_id
from .admission import Admission
from .bandwidth import Bandwidth
from .services import Services
from .sharing import begun_by, ended_by, ended_for, kept_for, told
from .state import SessionState
from .timer import SharedTimer

MOVED_TIME = 2.0
"""Seconds that a page has to close its session once its next one has begun elsewhere."""


class Elsewhere(Protocol):
    """Finds the proxy that shows a console which this one cannot show."""

    def __call__(
        self,
        grant: Grant,
        secret: str,
        viewer: ConsoleType,
        error: VNCProxyError,
        *,
        can_follow: bool,
    ) -> Awaitable[VNCProxyError]:
        """Return why a console is not shown here, which is ``error`` where no other shows it."""


class LiveSessions:
    """The live sessions of this process, and what they share.

    Attributes:
        services: what they use now: a reload replaces it, also for sessions that are open.
        admission: the queue of sessions that wait to open.
        timer: calls the watchdogs of all of them.
        bandwidth: keeps them to their rates.
        draining: whether new ones are refused because the proxy is being emptied, or is stopping.
        other_refusal: returns why no session may begin now for another reason than the limits; None
            when it may.
        on_count: called when a session has been added or removed.
        on_redeemed: called with the id of a session whose token was redeemed, and again whenever
            more is known of it while it waits, or an administrator has changed its mode.
        replace_elsewhere: called with a session of another process that one of this process
            replaces, to end it there, with the new one in words, and with the code of the reason.
        on_company: called with a machine that has several sessions when one begins or ends.
        elsewhere: returns why a console cannot be shown here, which may be that another proxy shows
            it; None where no other may.
        enter_machine: is called with a session that joins another one or shares its machine, when
            its token is redeemed; returns what is to stand behind the desktop's name, or raises
            `VNCProxyError` where there is no place for it.
        on_mode: called with a session whose mode an administrator has changed.
        on_page: called with a session whose page can be told things from now on.
        on_left: called with a session that has ended where its machine has others.
        explaining: how many sessions ask their backends why their console ended.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.admission = Admission(
            lambda: self.services.limits, lambda: self.services.timeouts, services.reactor
        )
        self.timer = SharedTimer(services.reactor)
        self.bandwidth = Bandwidth(services.reactor.seconds)
        self.draining = False
        self.other_refusal: Callable[[], VNCProxyError | None] = lambda: None
        self.on_redeemed: Callable[[str], object] = lambda session_id: None
        self.replace_elsewhere: Callable[[str, str, str], object] = lambda name, by, why: None
        self.on_company: Callable[[VMAddress], object] = lambda vm: None
        self.elsewhere: Elsewhere | None = None
        self.enter_machine: Callable[[SessionState], Awaitable[str]] = _enter_alone
        self.on_mode: Callable[[SessionState], object] = lambda session: None
        self.on_page: Callable[[SessionState], object] = lambda session: None
        self.on_left: Callable[[SessionState], object] = lambda session: None
        self.explaining = 0
        self.on_count: Callable[[], None] = lambda: None
        self._live: dict[str, SessionState] = {}
        self._on_empty: list[Deferred[None]] = []
        self._replaced: set[str] = set()
        self._of_address: Counter[str] = Counter()
        self._of_vm: dict[VMAddress, tuple[SessionState, ...]] = {}

    def __len__(self) -> int:
        return len(self._live)

    def snapshot(self) -> list[SessionState]:
        """Return the sessions that there are now."""
        return list(self._live.values())

    def wait_until_empty(self) -> Deferred[None]:
        """Return a Deferred that fires when there is no session."""
        empty: Deferred[None] = Deferred()
        self._on_empty.append(empty)
        self._check_empty()
        return empty

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
            return OverLimit(f"{most} sessions are open, limits.sessions", option="sessions")
        return None

    def bytes_moved(self) -> tuple[int, int]:
        """Return what all live sessions have moved, to their users and from them."""
        moved = [session.bytes_moved() for session in self._live.values()]
        return sum(down for down, _ in moved), sum(up for _, up in moved)

    def add(self, session: SessionState) -> None:
        """Count a session until it is removed; one that it is going to replace is not counted.

        Raises:
            OverLimit: there are too many, in all or from its address.
            ProxyStopping: the proxy is stopping.
        """
        limits, client = self.services.limits, _counted(session)
        to_end = {_counted(other) for other in self._of_same_cookie(session)}
        if refusal := self.refusal(leaving=bool(to_end)):
            raise refusal
        same = self._of_address[client]
        if same - (client in to_end) >= limits.sessions_per_address:
            detail = f"{same} sessions from {client}, limits.sessions_per_address"
            raise OverLimit(detail, option="sessions_per_address")
        self._live[session.id] = session
        self._of_address[client] += 1
        self.on_count()

    def add_to_vm(self, session: SessionState, vm: VMAddress) -> None:
        """Count a session for the machine that it is to show, until it is removed."""
        self._of_vm[vm] = (*self._of_vm.get(vm, ()), session)

    def lease(self, session: SessionState) -> SessionLease:
        """Return what the token store counts a session by."""
        services, grant = self.services, session.grant
        return SessionLease(
            session.id,
            services.worker_id,
            _counted(session),
            services.limits,
            takes=session.user_request.takes,
            cookie_id="" if grant is None else grant.cookie_id,
            age=services.reactor.seconds() - session.started,
            asks=bool(services.banner) and not session.user_request.types,
        )

    def held(self) -> Iterator[tuple[SessionLease, Token]]:
        """Yield what the token store counts now: each session that has redeemed its token."""
        for session in self._live.values():
            if session.grant is not None and session.id not in self._replaced:
                yield self.lease(session), session.grant.token

    def end_replaced(self, session: SessionState) -> None:
        """End the other sessions of a new one's resume cookie; they are not counted any more.

        One that is open has its own cookie, unless the new one was let in by it.
        """
        assert session.grant is not None
        grant = session.grant
        worker_id = grant.replaced.partition("/")[0]
        if grant.replaced and worker_id != self.services.worker_id:
            self.replace_elsewhere(grant.replaced, f"session {session.id}", Superseded.code)
        for other in self._of_same_cookie(session):
            if grant.resumed or not other.is_open:
                self._replace(other, Superseded(f"by session {session.id}"))
        if grant.company > 1:
            self.on_company(grant.token.vm)

    def end_ousted(self, session: SessionState) -> None:
        """End the sessions that the policy of a new one, or a limit, ends; they count no more.

        One that waits for consent or approval ends none before it has them.
        """
        assert session.grant is not None
        for name, why in session.grant.ousted:
            self._oust(session, name, why)

    def _oust(self, session: SessionState, name: str, why: str) -> None:
        """End a session of any process because a new one begins."""
        worker_id, _, session_id = name.partition("/")
        if worker_id != self.services.worker_id:
            self.replace_elsewhere(name, begun_by(session), why)
        elif (other := self._live.get(session_id)) and session_id not in self._replaced:
            self._replace(other, ended_by(session, why))

    def end_lost(self, session_id: str, by: str, user: str, why: str) -> None:
        """End a session of this process whose machine another one has already.

        Args:
            by: the other one, ``<worker id>/<session id>``.
            user: its user.
            why: the code of the reason.
        """
        session = self._live.get(session_id)
        if session is not None and session_id not in self._replaced:
            self._end_session(session, ended_for(by.rpartition("/")[2], user, why))

    def _replace(self, other: SessionState, why: SessionEnded) -> None:
        self._remove_from_address(other)
        self._replaced.add(other.id)
        self._end_session(other, why)

    def _end_session(self, session: SessionState, why: SessionEnded) -> None:
        """End a session with the reason as its user may know it.

        One whose page moves is given some time: its next session has begun, and a page that stays
        is not to have two.
        """
        if session.leaves_by_itself(why):
            self.services.reactor.callLater(MOVED_TIME, session.cancel, session.moving)
        session.cancel(told(why, session, show_users=self.services.show_users))

    def remove(self, session: SessionState) -> None:
        """Count a session no more."""
        del self._live[session.id]
        if session.grant is not None:
            self._remove_from_vm(session, session.grant.token.vm)
            lease = replace(self.lease(session), keep=kept_for(session))
            self.services.store.leave(lease, session.grant.token)
            if session.grant.token.vm in self._of_vm:
                self.on_left(session)
        if session.id in self._replaced:
            self._replaced.remove(session.id)
        else:
            self._remove_from_address(session)
        self.on_count()
        self._check_empty()

    def _check_empty(self) -> None:
        if self._on_empty and not self._live:
            waiting, self._on_empty = self._on_empty, []
            for each in waiting:
                each.callback(None)

    def _of_same_cookie(self, session: SessionState) -> tuple[SessionState, ...]:
        """Return the other sessions whose token and resume cookie are those of this one's user."""
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

    def _remove_from_vm(self, session: SessionState, vm: VMAddress) -> None:
        left = tuple(other for other in self._of_vm.pop(vm, ()) if other is not session)
        if left:
            self._of_vm[vm] = left
            self.on_company(vm)

    def _remove_from_address(self, session: SessionState) -> None:
        client = _counted(session)
        self._of_address[client] -= 1
        if not self._of_address[client]:
            del self._of_address[client]


async def _enter_alone(session: SessionState) -> str:
    """Refuse a session whose policy is about others: nothing was given that knows them."""
    if session.joins is not None or session.shares_control:
        raise PolicyUnsupported("nothing is known of other sessions here")
    return ""


def _counted(session: SessionState) -> str:
    """Return the address under which a session is counted."""
    return counted_as(session.user_request.client)
