"""What a check finds in the way of vSphere's consoles, over doubles of its stub and the network."""

from __future__ import annotations

from pyVmomi import vim, vmodl
from twisted.trial.unittest import SynchronousTestCase

from tests.backends.vmware.test_settings import settings
from tests.doubles.network import Network
from tests.doubles.vsphere import SESSION, FakeStub, found, vsphere
from vncproxy.backends.vmware.probe import PRIVILEGE, probe

WEB, DB = vim.VirtualMachine("vm-1", None), vim.VirtualMachine("vm-2", None)


class ProbeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.machines = {WEB: "web%2f01", DB: "db"}
        self.hosts = {"esx1": "connected", "esx2": "connected"}
        self.stub = FakeStub()
        self.network = Network(self)

    def problems(self, *, single: bool = False, **table: object) -> tuple[str, ...]:
        self.stub.objects = [found(vm, {"name": name}) for vm, name in self.machines.items()]
        self.stub.objects += [
            found(vim.HostSystem(name, None), {"name": name, "runtime.connectionState": state})
            for name, state in self.hosts.items()
        ]
        told = probe(vsphere(self.stub, settings(**table), single=single))
        self.assertIn("VMware vCenter Server 8.0.3", told.line)
        return told.problems

    def dialled(self) -> list[tuple[str, int]]:
        return sorted(self.network.dialled)

    def test_nothing_is_in_the_way(self) -> None:
        self.assertEqual(self.problems(), ())
        self.assertEqual(self.dialled(), [("esx1", 443), ("esx2", 443)])
        self.assertEqual(
            self.stub.called("HasPrivilegeOnEntities"), [[[WEB, DB], SESSION, [PRIVILEGE]]]
        )

    def test_a_host_that_cannot_be_dialled(self) -> None:
        self.network.answers["10.0.0.32", 443] = [ConnectionRefusedError(111, "Connection refused")]
        (told,) = self.problems(addresses={"esx2": "10.0.0.32"})
        self.assertEqual(self.dialled(), [("10.0.0.32", 443), ("esx1", 443)])
        self.assertIn("host esx2 at 10.0.0.32, port 443, cannot be reached: Connection ref", told)

    def test_a_host_that_is_called_localhost_is_told_and_not_dialled(self) -> None:
        self.hosts = {"localhost": "connected", "esx2": "connected"}
        (told,) = self.problems()
        self.assertIn("'localhost', which is this machine itself", told)
        self.assertEqual(self.dialled(), [("esx2", 443)])

    def test_a_host_without_vcenters_connection_is_not_dialled(self) -> None:
        self.hosts["esx1"] = "disconnected"
        self.problems()
        self.assertEqual(self.dialled(), [("esx2", 443)])

    def test_a_single_host_is_dialled_as_its_api(self) -> None:
        self.hosts = {"localhost.localdomain": "connected"}
        self.problems(single=True, host="esx1.example.com")
        self.assertEqual(self.dialled(), [("esx1.example.com", 443)])

    def test_vnc_servers_have_no_port_in_common(self) -> None:
        self.problems(console="vnc")
        self.assertEqual(self.dialled(), [])

    def test_machines_whose_consoles_the_account_may_not_open(self) -> None:
        self.stub.refused = [WEB]
        (told,) = self.problems()
        self.assertIn(f"may not {PRIVILEGE} on 1 of 2 machines, such as 'web/01'", told)
        self.assertNotIn(SESSION, told)

    def test_a_server_that_does_not_tell_what_the_account_may_do(self) -> None:
        self.stub.fault = vmodl.fault.NotSupported()
        self.assertEqual(self.problems(), ())

    def test_without_machines_it_is_not_asked(self) -> None:
        self.machines.clear()
        self.problems()
        self.assertEqual(self.stub.called("HasPrivilegeOnEntities"), [])
