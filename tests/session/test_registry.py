"""The registry of live sessions."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from tests.doubles.proxy_in_memory import WEB_01
from tests.doubles.sessions import SessionTestCase, StubbornUser, User
from vncproxy.errors import (
    EndedByAdministrator,
    ProxyStopping,
)
from vncproxy.interfaces import ISessionRegistry
from vncproxy.model import Messaged, VMAddress


class RegistryTests(SessionTestCase):
    def test_it_is_what_its_interface_says(self) -> None:
        verifyObject(ISessionRegistry, self.sessions)

    def test_ids_have_64_random_bits(self) -> None:
        ids = {self.begin(user=User(self)).id for _ in range(2)}

        self.assertEqual(len(ids), 2)
        for each in ids:
            self.assertRegex(each, "^[0-9a-f]{16}$")

    def test_the_sessions_of_one_machine_are_known(self) -> None:
        self.kvm.consoles["db-01"] = self.kvm.consoles["web-01"]
        db_01 = VMAddress("kvm", "db-01")
        begun = [
            self.begin(self.user_request(self.issue(vm=vm)), User(self)).id
            for vm in (WEB_01, db_01, WEB_01)
        ]

        same_time = sorted([begun[0], begun[2]])
        self.assertEqual([info.id for info in self.live_sessions(WEB_01)], same_time)
        self.assertEqual([info.id for info in self.live_sessions(db_01)], [begun[1]])

        self.end_sessions(vm=WEB_01)
        self.assertEqual(self.live_sessions(WEB_01), [])
        self.assertEqual([info.id for info in self.live_sessions()], [begun[1]])

    def test_sessions_name_their_proxy_zone_and_host(self) -> None:
        self.serve(proxy="proxy-1", zone="north")
        self.open()

        (info,) = self.live_sessions()
        self.assertEqual((info.proxy, info.zone, info.host), ("proxy-1", "north", "192.0.2.10"))

    def test_a_message_for_a_viewer_that_is_no_page_is_not_shown(self) -> None:
        self.open()

        for session_id, known in ((self.session.id, True), ("0" * 16, False)):
            told = self.successResultOf(
                Deferred.fromCoroutine(self.sessions.message(session_id, "x"))
            )
            self.assertEqual(told, Messaged(known=known, shown=False))

    def test_one_session_is_ended_by_its_id(self) -> None:
        self.open()

        self.assertTrue(self.end_session(self.session.id))
        self.assertFalse(self.end_session("0" * 16))

        self.closed(EndedByAdministrator)

    def test_sessions_are_ended_by_all_criteria_given(self) -> None:
        self.kvm.consoles["db-01"] = self.kvm.consoles["web-01"]
        db_01 = VMAddress("kvm", "db-01")
        for vm, user in ((WEB_01, "alice"), (WEB_01, "bob"), (db_01, "bob")):
            self.begin(self.user_request(self.issue(vm=vm, user=user)), User(self))
        assert self.session.grant is not None

        self.assertEqual(self.end_sessions(vm=WEB_01, user="carol"), 0)
        self.assertEqual(self.end_sessions(vm=WEB_01, user="bob"), 1)
        self.assertEqual(self.end_sessions(vm=WEB_01), 1)
        self.assertEqual(self.end_sessions(tokens=frozenset({self.session.grant.token_id})), 1)
        self.assertEqual(self.live_sessions(), [])

    def test_without_criteria_all_are_ended(self) -> None:
        for _ in range(3):
            self.begin(user=User(self))

        self.assertEqual(self.end_sessions(), 3)

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.sessions.stop())

    def test_stopping_without_sessions_is_done_at_once(self) -> None:
        self.successResultOf(self.stop())

    def test_stopping_waits_until_both_sides_are_closed(self) -> None:
        self.open()

        stopped = self.stop()
        self.closed(ProxyStopping)
        self.user.peer.close()
        self.assertNoResult(stopped)
        self.hypervisor.close()

        self.successResultOf(stopped)

    def test_stopping_takes_no_longer_than_the_linger_time(self) -> None:
        self.open()

        stopped = self.stop()
        self.wait(4.9)
        self.assertNoResult(stopped)
        self.wait(0.1)

        self.successResultOf(stopped)

    def test_stopping_is_bounded_when_a_leg_had_ended_by_itself(self) -> None:
        self.open()
        self.user.peer.close()

        stopped = self.stop()
        self.wait(5)

        self.successResultOf(stopped)

    def test_stopping_waits_until_a_user_who_was_still_waiting_is_told(self) -> None:
        self.user = stubborn = StubbornUser(self)
        self.begin()

        stopped = self.stop()
        self.assertNoResult(stopped)
        stubborn.refused.callback(None)

        self.successResultOf(stopped)
        self.wait(5)
        self.refused(ProxyStopping)
        self.assertEqual(self.uses_given_back(), 1)

    def test_new_sessions_are_refused_while_stopping(self) -> None:
        self.stop()

        self.begin()

        self.refused(ProxyStopping)
        self.assertEqual(self.store.calls, [])
