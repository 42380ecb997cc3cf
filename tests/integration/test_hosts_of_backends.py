"""Which hosts vSphere's simulator and a simulated XenServer pool say that machines are on."""

from __future__ import annotations

from tests.components.vsphere_case import NAME, BackendCase
from tests.components.xen_pool_case import PoolTestCase
from vncproxy.backends.xen.machines import host_of, own_hosts
from vncproxy.errors import VMNotFound
from vncproxy.model import MachineHost


class VMwareTests(BackendCase):
    async def test_a_machine_is_on_a_host(self) -> None:
        with self.vsphere.machine(NAME) as machine:
            host, uuid = machine.runtime.host.name, machine.config.instanceUuid

        found = await self.backend.host_of(NAME)

        self.assertEqual(found, MachineHost((host,), runs=True, uuid=uuid))
        await self.failure(self.backend.host_of("none"), VMNotFound)

    async def test_and_in_a_cluster(self) -> None:
        found = await self.backend.host_of("DC0_C0_RP0_VM0")

        self.assertEqual(found.names[1:], ("DC0_C0",))
        own = await self.backend.own_hosts()
        self.assertLessEqual({*found.names, "DC0_H0"}, set(own))


class XenTests(PoolTestCase):
    def test_a_machine_is_on_a_host(self) -> None:
        login = self.login()

        found = login(host_of, "web-01")
        self.assertEqual(found.names, ("xen1", "xen1.example.com", "127.0.0.1"))
        self.assertTrue(found.runs)
        self.pool.migrate(self.vm, self.there)
        self.assertEqual(login(host_of, "web-01").names[0], "xen2")
        self.vm.power_state = "Halted"
        self.assertEqual(login(host_of, "web-01"), MachineHost((), False, self.vm.uuid))
        with self.assertRaises(VMNotFound):
            login(host_of, "none")

    def test_its_own_hosts(self) -> None:
        found = self.login()(own_hosts)
        self.assertEqual(found, ["xen1", "xen1.example.com", "xen2", "xen2.example.com"])
