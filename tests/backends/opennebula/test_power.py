"""Machines are started and stopped by ``one.vm.action``, through pyone."""

from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from tests.components.fake_oned import VM, FakeOned, User, Zone
from tests.doubles.opennebula import HOME, OpenNebulaCase
from vncproxy.backends.opennebula.errors import Unanswered
from vncproxy.errors import (
    BackendError,
    PowerDenied,
    PowerStateUnfit,
    PowerUnsupported,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.interfaces import IPower
from vncproxy.model import PowerAction

START, SHUTDOWN, REBOOT, RESET, OFF = PowerAction
POWERED_OFF, SUSPENDED, PENDING = 8, 5, 1
MADRID = "http://madrid.example.com:2633/RPC2"

E = TypeVar("E", bound=VNCProxyError)


class PowerTests(OpenNebulaCase):
    def refused(self, kind: type[E], vm: str, action: PowerAction, **table: object) -> E:
        answer = Deferred.fromCoroutine(self.backend(**table).power(vm, action))
        error = self.failureResultOf(answer, kind).value
        assert isinstance(error, kind)
        return error

    def test_it_acts_only_where_the_table_says_so(self) -> None:
        self.assertTrue(verifyObject(IPower, self.backend()))
        self.assertEqual(list(self.backend().power_actions()), [])
        self.assertEqual(list(self.backend(power=True).power_actions()), list(PowerAction))

    def test_each_action_has_its_word_and_is_done_later(self) -> None:
        for action, word in (
            (SHUTDOWN, "poweroff"),
            (OFF, "poweroff-hard"),
            (REBOOT, "reboot"),
            (RESET, "reboot-hard"),
        ):
            self.oned.add(VM(7))
            self.assertIs(self.result(self.backend().power("7", action)), False)
            self.assertEqual(self.oned.acts[-1], (word, 7))

    def test_a_machine_that_is_off_is_resumed(self) -> None:
        for state in (POWERED_OFF, SUSPENDED, 4, 9):
            self.oned.add(VM(7, state=state, lcm_state=0))
            self.assertTrue(self.result(self.backend().is_off("7")))
            self.assertIs(self.result(self.backend().power("7", START)), False)
            self.assertEqual(self.oned.acts[-1], ("resume", 7))
            self.assertFalse(self.result(self.backend().is_off("7")))

    def test_a_state_that_does_not_fit_is_told(self) -> None:
        self.oned.add(VM(7))
        error = self.refused(PowerStateUnfit, "7", START)
        self.assertEqual(error.sentence(), "The virtual machine is running.")
        self.oned.add(VM(7, state=PENDING, lcm_state=0))
        self.refused(PowerStateUnfit, "7", START)
        self.oned.add(VM(7, lcm_state=18))
        error = self.refused(PowerStateUnfit, "7", RESET)
        self.assertEqual(error.sentence(), "The virtual machine is being powered off.")
        self.assertEqual(self.oned.acts, [])

    def test_a_guest_that_does_not_react_is_switched_off(self) -> None:
        self.oned.add(VM(7))
        for action in (SHUTDOWN, OFF):
            self.assertIs(self.result(self.backend().power("7", action)), False)
        self.refused(PowerStateUnfit, "7", SHUTDOWN)
        self.assertEqual(self.oned.acts, [("poweroff", 7), ("poweroff-hard", 7)])

    def test_an_account_that_may_only_look_is_told(self) -> None:
        self.oned.add(VM(7))
        self.oned.users["viewer"] = User(5, "secret")
        error = self.refused(PowerDenied, "7", OFF, session="viewer:secret")
        self.assertIn("needs the right to MANAGE the machine", error.detail)
        self.assertEqual(self.oned.acts, [])

    def test_what_is_no_machine_is_not_found(self) -> None:
        self.refused(VMNotFound, "9", OFF)

    def test_an_action_without_an_answer_is_not_sent_to_the_next_server(self) -> None:
        self.oned.add(VM(7))
        second = FakeOned()
        second.add(VM(7))
        self.internet.daemons[MADRID] = second
        whole = self.internet.__call__

        def cut(url: str, body: bytes, seconds: float) -> bytes:
            answer = whole(url, body, seconds)
            if b"one.vm.action" in body:
                raise Unanswered("timed out")
            return answer

        backend = self.backend(servers=[MADRID])
        backend._post = cut
        backend._cloud.front_end._post = cut
        asked = Deferred.fromCoroutine(backend.power("7", RESET))
        self.failureResultOf(asked, BackendError)
        self.assertEqual((len(self.oned.acts), second.acts), (1, []))

    def test_a_machine_of_another_zone_is_asked_for_there(self) -> None:
        there = FakeOned()
        there.add(VM(42))
        self.internet.daemons[MADRID] = there
        self.oned.zones.append(Zone(100, "madrid", {"ENDPOINT": MADRID}))
        table = {"federation": {"zone": "OpenNebula", "allowed": [MADRID]}}
        self.assertIs(self.result(self.backend(**table).power("madrid/42", RESET)), False)
        self.assertEqual((there.acts, self.oned.acts), ([("reboot-hard", 42)], []))

    def test_one_whose_zone_is_asked_by_its_proxy_is_not_touched(self) -> None:
        self.oned.zones.append(Zone(100, "madrid", {"ENDPOINT": MADRID}))
        table = {
            "federation": {"zone": "OpenNebula", "zones": {"madrid": {"zone_proxy": "spain/one"}}}
        }
        self.refused(PowerUnsupported, "madrid/42", RESET, **table)

    def test_home_is_asked_for_machines_on_hybrid_hosts(self) -> None:
        self.oned.add(VM(7, history=((0, "far", 3, "one"),), deploy_id="opennebula-hybrid-9"))
        self.assertIs(self.result(self.backend().power("7", RESET)), False)
        self.assertEqual(set(self.internet.asked), {HOME})
