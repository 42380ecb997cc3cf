"""Machines that OpenNebula has in a vCenter: which backend shows them, and under which id."""

from __future__ import annotations

from typing import Any

from tests.components.fake_oned import VM, Host, User
from tests.doubles.opennebula import OpenNebulaCase
from vncproxy.errors import BackendError, ConsoleUnavailable
from vncproxy.model import ConsoleElsewhere, VMAddress

UUID_A = "50296a4c-1f1e-4f5a-9a3c-6c1f7a3b2d10"
UUID_B = "0d2a5b8e-77c1-4f0e-8a7e-3f1f0e6d4c21"
VNC = {"TYPE": "VNC", "LISTEN": "0.0.0.0", "PORT": 5907}


class VCenterTests(OpenNebulaCase):
    """A managed object id means another machine in every vCenter."""

    def vcenter_vm(self, deploy_id: str = f"vm-227_{UUID_A}", **more: Any) -> None:
        history = ((0, "hv1", 1, "kvm"), (1, "cluster", 2, "vcenter"))
        values: dict[str, Any] = {"graphics": None, "history": history, **more}
        self.oned.add(VM(7, deploy_id=deploy_id, **values))

    def host(self, uuid: str = UUID_A, **more: Any) -> None:
        """Let the cluster be known; its template is the administrators'."""
        template = {"VCENTER_HOST": "vc.example.com", "VCENTER_INSTANCE_ID": uuid}
        self.oned.hosts[2] = Host(2, "cluster", template, **more)

    def elsewhere(self, vcenter: object = "vsphere", **table: object) -> VMAddress:
        found = self.result(self.backend(vcenter=vcenter, **table).locate("7"))
        assert isinstance(found, ConsoleElsewhere)
        return found.vm

    def test_it_is_left_to_the_backend_for_vsphere_with_the_vcenter_that_it_is_in(self) -> None:
        self.vcenter_vm(f"vm-227_{UUID_A.upper()}")
        self.assertEqual(self.elsewhere(), VMAddress("vsphere", f"vm-227_{UUID_A}"))

    def test_each_vcenter_has_its_backend(self) -> None:
        vcenters = {UUID_A.upper(): "a", UUID_B: "b"}
        for uuid, backend in ((UUID_A, "a"), (UUID_B, "b")):
            self.vcenter_vm(f"vm-69_{uuid}")
            self.assertEqual(self.elsewhere(vcenters), VMAddress(backend, f"vm-69_{uuid}"))

    def test_one_without_a_backend_is_told_with_its_uuid(self) -> None:
        self.vcenter_vm(f"vm-69_{UUID_B}")
        error = self.failure(BackendError, vcenter={UUID_A: "a"})
        self.assertIn(f'names no backend for either: "{UUID_B}" = "…"', error.detail)

    def test_a_bare_id_is_completed_from_the_template_of_the_host(self) -> None:
        self.vcenter_vm("vm-227")
        self.host(UUID_B)
        self.assertEqual(self.elsewhere(), VMAddress("vsphere", f"vm-227_{UUID_B}"))
        vcenters = {UUID_A: "a", UUID_B: "b"}
        self.assertEqual(self.elsewhere(vcenters), VMAddress("b", f"vm-227_{UUID_B}"))

    def test_where_that_is_not_known_a_bare_id_is_refused(self) -> None:
        self.vcenter_vm("vm-227")
        self.oned.users["console"] = User(5, "pw-of-console")
        for uuid, usable in ((UUID_A, False), ("", True), ("nonsense", True)):
            self.host(uuid, usable=usable)
            error = self.failure(BackendError, vcenter="vsphere", session="console:pw-of-console")
            self.assertIn("DEPLOY_ID 'vm-227' is an id of every vCenter", error.detail)
            self.assertIn(
                'write in vcenter which backend shows its machines: "cluster"', str(error)
            )

    def test_a_host_that_is_configured_needs_no_uuid(self) -> None:
        for deploy_id in ("vm-227", f"vm-227_{UUID_A}"):
            self.vcenter_vm(deploy_id)
            self.assertEqual(self.elsewhere({"cluster": "b"}), VMAddress("b", deploy_id))
        self.assertNotIn("one.host.info", self.oned.calls)

    def test_what_only_its_owner_says_decides_nothing(self) -> None:
        says = {"HYPERVISOR": "vcenter", "VCENTER_ESX_HOST": "esx1", "IMPORT_VM_ID": "vm-17"}
        for deploy_id in (UUID_A, "vm-17", f"vm-17_{UUID_A}", "opennebula-hybrid-17"):
            self.oned.add(
                VM(7, deploy_id=deploy_id, user_template=says, monitoring=says, graphics=VNC)
            )
            self.assertEqual(self.located(vcenter="vsphere").host, "hv1")

    def test_an_id_that_its_owner_could_choose_is_refused(self) -> None:
        self.oned.version = "5.10.5"
        for deploy_id in ("vm-17", f"vm-17_{UUID_A}"):
            self.vcenter_vm(deploy_id, imported=True)
            for vcenter in ("vsphere", {"cluster": "vsphere"}):
                error = self.failure(BackendError, vcenter=vcenter)
                self.assertIn('VM_RESTRICTED_ATTR = "IMPORT_VM_ID"', error.detail)
                self.assertEqual(
                    self.elsewhere({"cluster": "b"}, imported=True), VMAddress("b", deploy_id)
                )

    def test_since_5_12_it_could_not_and_other_machines_never_had_it(self) -> None:
        for version, imported in (
            *(("5.12.0", True), ("6.10.0", True), ("7.0", True), ("10.2.0", True)),
            ("5.10.5", False),
        ):
            self.oned.version = version
            self.vcenter_vm(imported=imported)
            self.assertEqual(self.elsewhere().vm, f"vm-227_{UUID_A}")

    def test_a_version_that_is_none_is_taken_for_an_early_one(self) -> None:
        for version in ("5.11.x", "nonsense", ""):
            self.oned.version = version
            self.vcenter_vm(imported=True)
            self.failure(BackendError, vcenter="vsphere")

    def test_the_last_history_record_decides_in_both_directions(self) -> None:
        back = ((0, "cluster", 2, "vcenter"), (1, "hv1", 1, "kvm"))
        self.vcenter_vm(history=back, graphics=VNC)
        self.assertEqual(self.located(vcenter="vsphere").host, "hv1")

    def test_what_is_no_id_of_vsphere_leads_nowhere(self) -> None:
        for deploy_id in ("one-7", UUID_A, f"vm-7_{UUID_A}x", f"host-7_{UUID_A}", ""):
            self.vcenter_vm(deploy_id)
            error = self.failure(BackendError, vcenter="vsphere")
            self.assertIn(f"{deploy_id!r} is no id of vSphere", error.detail)

    def test_without_such_a_backend_the_setting_is_named(self) -> None:
        self.vcenter_vm()
        self.assertIn("set vcenter to the NAME", self.failure(BackendError).detail)

    def test_its_state_is_looked_at_first(self) -> None:
        self.vcenter_vm(state=8, lcm_state=0)
        error = self.failure(ConsoleUnavailable, vcenter="vsphere")
        self.assertEqual(error.sentence(), "The virtual machine is powered off.")
