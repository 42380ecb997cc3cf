"""On which host of an OpenNebula a machine is."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.components.fake_oned import DONE, VM, Host
from tests.doubles.opennebula import OpenNebulaCase
from vncproxy.errors import VMNotFound
from vncproxy.model import MachineHost


class HostsTests(OpenNebulaCase):
    def test_the_host_of_the_last_record(self) -> None:
        self.oned.add(VM(7, history=((0, "hv1", 1, "kvm"), (1, "hv2", 2, "kvm"))))
        found = self.result(self.backend().host_of("7"))
        self.assertEqual(found, MachineHost(("hv2",), runs=True))

    def test_one_that_is_off_or_never_ran(self) -> None:
        self.oned.add(VM(7, state=8, lcm_state=0))
        self.oned.add(VM(8, state=1, lcm_state=0, history=()))
        self.assertEqual(self.result(self.backend().host_of("7")), MachineHost(("hv1",), False))
        self.assertEqual(self.result(self.backend().host_of("8")), MachineHost((), False))

    def test_one_that_was_terminated(self) -> None:
        self.oned.add(VM(7, state=DONE))
        asking = Deferred.fromCoroutine(self.backend().host_of("7"))
        self.failureResultOf(asking, VMNotFound)

    def test_its_own_hosts(self) -> None:
        for number, name in enumerate(("hv2", "hv1")):
            self.oned.hosts[number] = Host(number, name, {})
        self.assertEqual(self.result(self.backend().own_hosts()), ["hv1", "hv2"])
