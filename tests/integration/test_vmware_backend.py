"""The VMware backend against a simulated vSphere: pyvmomi, TLS, logins and time limits are real."""

from __future__ import annotations

from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.components.vsphere import (
    ADDRESS,
    ANY_HOST,
    USER,
    fingerprint,
    shared_vsphere,
)
from tests.components.vsphere_case import NAME, BackendCase, _hosts
from vncproxy.backends.vmware import VMwareBackend
from vncproxy.errors import (
    BackendError,
    ConsoleUnavailable,
    NoGraphicalConsole,
    VMNotFound,
)
from vncproxy.model import ConsoleEndpoint, RFBSecurity, TLSTrust, Transport
from vncproxy.testing import BackendContract


class ContractTests(BackendContract, BackendCase):
    known_vm = NAME

    def make_backend(self) -> VMwareBackend:
        return self.backend_of()


class LocateTests(BackendCase):
    async def test_a_ticket_leads_to_the_web_socket_of_the_host(self) -> None:
        found = await self.backend.locate(NAME)
        ticket = self.vsphere.tickets()[-1]["ticket"]
        self.assertEqual(
            found,
            ConsoleEndpoint(
                Transport.WSS,
                host="esx.example",
                port=9443,
                path=f"/ticket/{ticket}",
                tls=TLSTrust(fingerprints=(fingerprint(self.esx_certificate, "sha1"),)),
                name=NAME,
                allow_loopback=False,
            ),
        )
        self.assertNotIn(ticket, f"{found} {found!r}")

    async def test_a_machine_has_several_names(self) -> None:
        with self.vsphere.machine(NAME) as machine:
            names = [
                machine.config.instanceUuid,
                machine.config.instanceUuid.upper(),
                str(machine).strip("'").partition(":")[2],
                f"DC0/vm/{NAME}",
                f"/DC0/vm/{NAME}",
                NAME,
            ]
        for vm in names:
            self.assertEqual((await self.backend.locate(vm)).name, NAME)

    async def test_a_managed_object_id_can_name_its_vcenter(self) -> None:
        with self.vsphere.machine(NAME) as machine:
            vm = str(machine).strip("'").partition(":")[2]
        for own in (self.vsphere.uuid, self.vsphere.uuid.upper()):
            self.assertEqual((await self.backend.locate(f"{vm}_{own}")).name, NAME)

    async def test_one_of_another_vcenter_is_refused_with_both_uuids(self) -> None:
        with self.vsphere.machine(NAME) as machine:
            vm = str(machine).strip("'").partition(":")[2]
        before = len(self.vsphere.tickets())
        other = "50296a4c-1f1e-4f5a-9a3c-6c1f7a3b2d10"
        error = await self.failure(self.backend.locate(f"{vm}_{other}"), BackendError)
        self.assertIn(f"{vm} of the vCenter with instance UUID {other} is asked for", str(error))
        self.assertIn(f"this one has {self.vsphere.uuid}", str(error))
        self.assertEqual(len(self.vsphere.tickets()), before)

    async def test_each_console_has_a_ticket_of_its_own(self) -> None:
        before = len(self.vsphere.tickets())
        paths = {(await self.backend.locate(NAME)).path for _ in range(2)}
        self.assertEqual(len(paths), 2)
        self.assertEqual(len(self.vsphere.tickets()), before + 2)

    async def test_a_host_is_dialled_where_the_map_says(self) -> None:
        backend = self.backend_of(addresses={"ESX.example": "127.0.0.9"})
        self.assertEqual((await backend.locate(NAME)).host, "127.0.0.9")

    async def test_unknown_machines(self) -> None:
        for vm in (
            "nobody",
            "vm-99999",
            "DC0/vm/nobody",
            "DC0/vm",
            "5d7a22c1-4b1d-4e6a-8c07-0f7fd24b4b4b",
        ):
            await self.failure(self.backend.locate(vm), VMNotFound)

    async def test_a_machine_called_like_the_id_of_another_is_not_found_by_it(self) -> None:
        with self.vsphere.machine(NAME) as machine:
            WaitForTask(machine.Rename_Task("vm-99999"))
            self.addCleanup(self.rename, "vm-99999", NAME)
        await self.failure(self.backend.locate("vm-99999"), VMNotFound)

    def rename(self, before: str, after: str) -> None:
        with self.vsphere.machine(before) as machine:
            WaitForTask(machine.Rename_Task(after))

    async def test_a_bios_uuid_which_can_be_chosen_is_taken_where_that_is_allowed(self) -> None:
        with self.vsphere.machine(NAME) as machine:
            uuid, vm = machine.config.uuid, str(machine).strip("'").partition(":")[2]
        error = await self.failure(self.backend.locate(uuid), VMNotFound)
        self.assertIn(f"it is the BIOS UUID of {vm}", str(error))
        self.assertIn("bios_uuids = true", str(error))
        found = await self.backend_of(bios_uuids=True).locate(uuid.upper())
        self.assertEqual(found.name, NAME)

    async def test_an_instance_uuid_goes_before_the_same_bios_uuid(self) -> None:
        with self.vsphere.machine(NAME) as machine:
            instance = machine.config.instanceUuid
        with self.vsphere.machine("DC0_H1_VM0") as attacker:
            own = attacker.config.uuid
            WaitForTask(attacker.ReconfigVM_Task(vim.vm.ConfigSpec(uuid=instance)))
        try:
            found = await self.backend_of(bios_uuids=True).locate(instance)
        finally:
            with self.vsphere.machine("DC0_H1_VM0") as attacker:
                WaitForTask(attacker.ReconfigVM_Task(vim.vm.ConfigSpec(uuid=own)))
        self.assertEqual(found.name, NAME)

    async def test_several_machines_with_one_bios_uuid(self) -> None:
        with self.vsphere.machine(NAME) as machine:
            uuid = machine.config.uuid
        with self.vsphere.machine("DC0_H1_VM0") as clone:
            own = clone.config.uuid
            WaitForTask(clone.ReconfigVM_Task(vim.vm.ConfigSpec(uuid=uuid)))
        backend = self.backend_of(bios_uuids=True)
        error = await self.failure(backend.locate(uuid), BackendError)
        with self.vsphere.machine("DC0_H1_VM0") as clone:
            WaitForTask(clone.ReconfigVM_Task(vim.vm.ConfigSpec(uuid=own)))
        self.assertIn("2 machines have the UUID", str(error))
        self.assertIn("instance UUID", str(error))
        self.assertEqual(error.sentence(), "Several virtual machines have this name.")

    async def test_powered_off(self) -> None:
        self.vsphere.set_power(NAME, on=False)
        self.addCleanup(self.vsphere.set_power, NAME, on=True)
        error = await self.failure(self.backend.locate(NAME), ConsoleUnavailable)
        self.assertEqual(error.sentence(), "The virtual machine is powered off.")

    async def test_a_host_on_loopback_is_dialled_only_where_that_is_written(self) -> None:
        for host in ("localhost", "127.0.0.1", "0.0.0.0", "::1"):
            self.vsphere.consoles(**{ANY_HOST: {"Host": host, "Port": 443}})
            error = await self.failure(self.backend.locate(NAME), BackendError)
            self.assertIn(f'"{host}" = "…"', str(error))
            found = await self.backend_of(addresses={host: "127.0.0.9"}).locate(NAME)
            self.assertEqual((found.host, found.allow_loopback), ("127.0.0.9", True))

    async def test_without_the_privilege(self) -> None:
        self.vsphere.consoles()
        error = await self.failure(self.backend.locate(NAME), BackendError)
        self.assertIn(f"{USER} may not VirtualMachine.Interact.ConsoleInteract on vm-", str(error))
        self.assertEqual(error.sentence(), "The console service may not show this virtual machine.")


class VNCTests(BackendCase):
    """The simulated hosts are of version 6.5."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.vsphere.configure, NAME, RemoteDisplay_vnc_enabled="false")

    async def test_the_host_and_what_the_machine_is_configured_with(self) -> None:
        self.vsphere.configure(
            NAME,
            RemoteDisplay_vnc_enabled="TRUE",
            RemoteDisplay_vnc_port="5907",
            RemoteDisplay_vnc_password="vnc-pw",
        )
        found = await self.backend_of(console="vnc").locate(NAME)
        expected = ConsoleEndpoint(
            Transport.TCP,
            host="DC0_H0",
            port=5907,
            handshakes=(RFBSecurity("vnc-pw"),),
            name=NAME,
            allow_loopback=False,
        )
        self.assertEqual(found, expected)
        self.assertNotIn("vnc-pw", repr(found))

    async def test_after_a_move_it_is_dialled_at_the_new_host(self) -> None:
        self.vsphere.configure(
            NAME, RemoteDisplay_vnc_enabled="true", RemoteDisplay_vnc_port="5907"
        )
        self.vsphere.relocate(NAME, "DC0_H1")
        self.addCleanup(self.vsphere.relocate, NAME, "DC0_H0")
        found = await self.backend_of(console="vnc").locate(NAME)
        self.assertEqual(found.host, "DC0_H1")

    async def test_a_port_that_another_machine_of_the_host_has_too_is_refused(self) -> None:
        other = "DC0_C0_RP0_VM0"
        options = {"RemoteDisplay_vnc_enabled": "true", "RemoteDisplay_vnc_port": "5907"}
        self.vsphere.configure(NAME, **options)
        self.vsphere.configure(other, **options)
        self.addCleanup(self.vsphere.configure, other, RemoteDisplay_vnc_enabled="false")
        backend = self.backend_of(console="vnc")
        await backend.locate(NAME)
        with self.vsphere.machine(other) as machine:
            home = machine.runtime.host.name
        self.vsphere.relocate(other, "DC0_H0")
        self.addCleanup(self.vsphere.relocate, other, home)
        error = await self.failure(backend.locate(NAME), BackendError)
        self.assertIn("have the same RemoteDisplay.vnc.port 5907 on one host", str(error))
        self.vsphere.set_power(other, on=False)
        self.addCleanup(self.vsphere.set_power, other, on=True)
        await backend.locate(NAME)

    async def test_not_enabled(self) -> None:
        error = await self.failure(
            self.backend_of(console="vnc").locate("DC0_H1_VM0"), NoGraphicalConsole
        )
        self.assertIn("RemoteDisplay.vnc.enabled is not set", str(error))
        self.assertIn("ESXi 7 and later have no VNC server", str(error))

    async def test_auto_prefers_the_web_socket(self) -> None:
        found = await self.backend_of(console="auto").locate(NAME)
        self.assertEqual(found.transport, Transport.WSS)


class SingleHostTests(BackendCase):
    def setUp(self) -> None:
        super().setUp()
        self.esx = shared_vsphere("esx")
        self.backend = self.backend_of(self.esx)

    async def test_it_is_no_vcenter(self) -> None:
        other = "50296a4c-1f1e-4f5a-9a3c-6c1f7a3b2d10"
        error = await self.failure(self.backend.locate(f"vm-2_{other}"), BackendError)
        self.assertIn("this one has none", str(error))

    async def test_a_ticket_without_a_host_is_for_the_host_of_the_api(self) -> None:
        self.esx.consoles(**{ANY_HOST: {"Port": 9443, "Certificate": self.esx_certificate}})
        found = await self.backend.locate(self.esx.any_name())
        self.assertEqual((found.host, found.port), (ADDRESS, 9443))

    async def test_so_is_one_with_a_name_that_only_the_host_itself_knows(self) -> None:
        self.esx.consoles(**{ANY_HOST: {"Host": "localhost.localdomain", "Port": 443}})
        found = await self.backend.locate(self.esx.any_name())
        self.assertEqual(found.host, ADDRESS)
        self.assertEqual(found.tls, TLSTrust(ca_file=self.esx.ca_file))

    async def test_its_vnc_server_is_dialled_at_the_host_of_the_api(self) -> None:
        name = self.esx.any_name()
        self.esx.configure(name, RemoteDisplay_vnc_enabled="true", RemoteDisplay_vnc_port="5901")
        found = await self.backend_of(self.esx, console="vnc").locate(name)
        self.assertEqual((found.host, found.port), (ADDRESS, 5901))

    async def test_probe(self) -> None:
        self.assertRegex(
            await self.backend.probe(), r"^VMware ESXi 6\.5\.0 build \d+ at .*1 machine$"
        )


class InventoryTests(BackendCase):
    async def test_machines_with_their_states(self) -> None:
        self.vsphere.set_power(NAME, on=False)
        self.addCleanup(self.vsphere.set_power, NAME, on=True)
        found = await self.backend.list()
        states = {each.name: each.state for each in found}
        self.assertEqual((states[NAME], states["DC0_H1_VM0"]), ("powered off", "running"))
        self.assertEqual([each.name for each in found], sorted(states))
        for each in found:
            self.assertRegex(each.vm.vm, r"^[0-9a-f]{8}-")

    async def test_a_template_is_no_machine(self) -> None:
        self.vsphere.set_power(NAME, on=False)
        with self.vsphere.machine(NAME) as machine:
            machine.MarkAsTemplate()
        try:
            listed = [each.name for each in await self.backend.list()]
            await self.failure(self.backend.locate(NAME), VMNotFound)
        finally:
            with self.vsphere.administrator() as service:
                template = service.content.searchIndex.FindByInventoryPath(f"DC0/vm/{NAME}")
                pools = [each.resourcePool for each in _hosts(service, "DC0_H0")]
                template.MarkAsVirtualMachine(pools[0], None)
            self.vsphere.set_power(NAME, on=True)
        self.assertNotIn(NAME, listed)

    async def test_probe_names_product_version_and_account(self) -> None:
        self.assertRegex(
            await self.backend.probe(),
            rf"^VMware vCenter Server 6\.5\.0 build \d+ at 127\.0\.0\.2:\d+, as {USER}, "
            rf"3 machines, instance UUID {self.vsphere.uuid}$",
        )

    async def test_probe_finds_hosts_that_cannot_be_dialled(self) -> None:
        backend = self.backend_of(addresses={"DC0_H0": "127.0.0.99"})
        await backend.probe()
        told = "\n".join(backend.warnings())
        self.assertIn("host DC0_H0 at 127.0.0.99, port 443, cannot be reached: Connection", told)
        self.assertIn("host DC0_C0_H0, port 443, cannot be reached: ", told)
        self.assertNotIn("may not", told)
