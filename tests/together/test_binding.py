"""Sessions that have joined another one end with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.api import session
from tests.doubles.consoles import OneViewer
from tests.doubles.proxy_in_memory import WEB_01
from tests.doubles.sessions import GREETING, SessionTestCase, User
from vncproxy.errors import (
    ClientGone,
    ConsoleInUse,
    JoinedSessionEnded,
    StoreUnavailable,
    TokenExpired,
)
from vncproxy.model import (
    ConsoleType,
    JoinKind,
    Joins,
    Mode,
    Policy,
    SessionInfo,
    SessionPhase,
    Token,
    VMAddress,
)
from vncproxy.session.session import Session
from vncproxy.session.state import SessionState
from vncproxy.together.binding import Binding
from vncproxy.together.memory import MemoryMachineSessions
from vncproxy.together.people import OfMachine


class Elsewhere:
    """Sessions of another process, which live until a test decides otherwise."""

    def __init__(self) -> None:
        self.live: set[str] = set()
        self.asked = 0
        self.away = False

    async def find(self, vm: VMAddress, session_id: str, *, joined: bool = False) -> str:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("away")
        return f"abcd/{session_id}" if session_id in self.live else ""


class BindingCase(SessionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bind(MemoryMachineSessions(self.sessions))

    def bind(self, machines: Any, of_machine: OfMachine | None = None) -> None:
        self.binding = Binding(self.sessions, machines, of_machine or self.sessions.of_machine)
        self.sessions.enter_machine = self.enter
        self.sessions.on_left = self.binding.session_left

    async def enter(self, session: SessionState) -> str:
        if session.joins is not None:
            await self.binding.require_host(session)
        return ""

    def join(self, host: str) -> tuple[Session, User]:
        """Begin a session that joins another one."""
        joins, now = Joins(host, JoinKind.SHADOW, "desk"), self.time()
        token = Token(
            WEB_01, "dora", ConsoleType.NOVNC, Policy(), now, now + 600, joins=joins
        )  # fmt: skip
        secret = self.successResultOf(Deferred.fromCoroutine(self.store.issue(token)))
        user = User(self)
        return self.begin(self.user_request(secret), user), user

    def open_joined(self, host: str) -> Session:
        session, user = self.join(host)
        self.console()
        user.peer.send(GREETING)
        self.assertTrue(session.is_open)
        return session


class LocalTests(BindingCase):
    def test_it_ends_with_the_session_that_it_joined(self) -> None:
        host = self.open()
        joined = self.open_joined(host.id)
        self.assertEqual(len(self.live_sessions()), 2)

        self.end_session(host.id)

        self.assertEqual(self.live_sessions(), [])
        info, why = self.observer.closings[-1]
        self.assertEqual((info.id, type(why)), (joined.id, JoinedSessionEnded))

    def test_the_end_of_another_session_of_the_machine_changes_nothing(self) -> None:
        host = self.open()
        self.user = User(self)
        other = self.open()
        joined = self.open_joined(host.id)

        self.end_session(other.id)

        self.assertFalse(joined.ending)

    def test_it_does_not_begin_when_the_session_has_ended(self) -> None:
        host = self.open()
        self.end_session(host.id)
        _, user = self.join(host.id)
        self.assertEqual([type(error) for error, _ in user.refusals], [TokenExpired])

    def test_it_ends_while_it_is_opening(self) -> None:
        host = self.open()
        joined, user = self.join(host.id)

        self.end_session(host.id)

        self.assertTrue(joined.ending)
        self.assertEqual([type(error) for error, _ in user.refusals], [JoinedSessionEnded])

    def test_one_cannot_join_a_session_that_has_joined_another(self) -> None:
        host = self.open()
        joined = self.open_joined(host.id)
        _, user = self.join(joined.id)
        self.assertEqual([type(error) for error, _ in user.refusals], [TokenExpired])

    def test_one_cannot_join_a_session_that_waits_for_approval(self) -> None:
        host = self.begin(self.user_request(self.issue(Policy(approval=1))))
        self.assertIs(host.state, SessionPhase.WAITING)

        _, user = self.join(host.id)

        self.assertEqual([type(error) for error, _ in user.refusals], [TokenExpired])
        self.assertEqual(self.reactor.tcpClients, [])
        host.cancel(ClientGone())

    def test_a_console_that_has_one_viewer_by_now_is_not_dialled(self) -> None:
        host = self.open()
        backends = {"kvm": OneViewer(self.kvm.consoles)}
        self.sessions.services = replace(self.sessions.services, backends=backends)

        _, user = self.join(host.id)

        self.assertEqual([type(error) for error, _ in user.refusals], [ConsoleInUse])
        self.assertEqual(self.reactor.tcpClients, [])


class GuestTests(BindingCase):
    """Guests have no more control than the user who invited them."""

    def guest(self, host: str, mode: Mode | None = None) -> Mode:
        """Open a guest's link to the control, and enter again; returns what it gives.

        Args:
            mode: what an administrator sets between the two; None for nothing.
        """
        joins, now = Joins(host, JoinKind.GUEST, "alice"), self.time()
        token = Token(WEB_01, "bob", ConsoleType.NOVNC, Policy(), now, now + 600, joins=joins)
        secret = self.successResultOf(Deferred.fromCoroutine(self.store.issue(token)))
        self.enter_console(secret)
        if mode is not None:
            self.change(self.session.id, mode)
        return self.enter_console(secret, self.user.cookie)

    def enter_console(self, secret: str, cookie: str | None = None) -> Mode:
        self.user = User(self)
        self.begin(self.user_request(secret, resume=cookie))
        self.console()
        self.user.peer.send(GREETING)
        self.assertTrue(self.session.is_open)
        return self.session.rights.effective

    def change(self, session_id: str, mode: Mode) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.sessions.change(session_id, mode)))

    def host(self, mode: Mode) -> str:
        self.serve(check_viewers=True)
        self.bind(MemoryMachineSessions(self.sessions))
        host = self.open()
        self.change(host.id, mode)
        return host.id

    def test_a_link_that_a_user_made_before_gives_no_control_to_one_who_lost_it(self) -> None:
        self.assertIs(self.guest(self.host(Mode.VIEW_ONLY)), Mode.VIEW_ONLY)

    def test_while_the_user_has_control_the_guest_gets_it(self) -> None:
        self.assertIs(self.guest(self.host(Mode.CONTROL)), Mode.CONTROL)

    def test_the_mode_that_an_administrator_gives_to_the_guest_counts(self) -> None:
        self.assertIs(self.guest(self.host(Mode.VIEW_ONLY), Mode.CONTROL), Mode.CONTROL)

    def test_the_user_may_be_in_another_process_and_another_one_may_drive(self) -> None:
        lowered = replace(session("0123"), mode=Mode.VIEW_ONLY)
        seen = []
        for there in (session("0123"), lowered, replace(lowered, held=True)):
            seen.append(self.guest_of(there))

        self.assertEqual(seen, [Mode.CONTROL, Mode.VIEW_ONLY, Mode.CONTROL])

    def guest_of(self, host: SessionInfo) -> Mode:
        """Open a guest's link to a session of another process."""

        async def of_machine(vm: VMAddress) -> Sequence[SessionInfo]:
            return [host]

        elsewhere = Elsewhere()
        elsewhere.live.add(host.id)
        self.bind(elsewhere, of_machine)
        return self.guest(host.id)


class ElsewhereTests(BindingCase):
    def setUp(self) -> None:
        super().setUp()
        self.elsewhere = Elsewhere()
        self.elsewhere.live.add("0123")
        self.bind(self.elsewhere)

    def notice(self, **changes: Any) -> bytes:
        notice = {"v": 1, "event": "left", "vm": str(WEB_01), "session": "abcd/0123", **changes}
        return json.dumps(notice).encode()

    def test_it_ends_by_the_notice_of_another_process(self) -> None:
        joined = self.open_joined("0123")
        for other in ({"session": "abcd/4567"}, {"vm": "kvm/db"}, {"event": "entered"}):
            self.binding.noticed(self.notice(**other))
        self.assertFalse(joined.ending)

        self.binding.noticed(self.notice())

        self.assertTrue(joined.ending)

    def test_a_lost_notice_is_made_up_for(self) -> None:
        joined = self.open_joined("0123")
        self.binding.check()
        self.elsewhere.away = True
        self.elsewhere.live.clear()
        self.binding.check()
        self.assertFalse(joined.ending)

        self.elsewhere.away = False
        self.binding.check()

        self.assertTrue(joined.ending)

    def test_nothing_is_asked_where_none_has_joined(self) -> None:
        self.open()
        self.binding.check()
        self.assertEqual(self.elsewhere.asked, 0)

    def test_a_notice_that_cannot_be_read_is_ignored(self) -> None:
        joined = self.open_joined("0123")
        for message in (b"", b"[]", b"{}", b'{"event": "left"}', b'{"event": "left", "vm": 1}'):
            self.binding.noticed(message)
        self.binding.noticed(self.notice(session=7))
        self.assertFalse(joined.ending)
