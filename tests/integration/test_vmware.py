"""VMware through a real ``twistd``: from the access URL to the picture of a QEMU guest.

vSphere is simulated, and so are its hosts' web sockets; pyvmomi, TLS, tickets and guests are real.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.chromium import Page
from tests.components.fake_oned import VM as CloudVM
from tests.components.fake_oned import Host as CloudHost
from tests.components.libvirt_host import KEY_COLOURS
from tests.components.pictures import wait_for_colour
from tests.components.ports import free_port
from tests.components.viewer import Refused, Viewer, tunnel
from tests.components.vmware_gateway import HERE, THERE, VM, VNC_PASSWORD, world
from tests.components.vsphere import PASSWORD, USER

from .test_cli import vncproxy

NOT_LOOKED_UP = "502 The virtual machine could not be looked up. Ask your administrator, id "


class VMwareCase(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.world = world()
        self.world.populate()
        self.vsphere, self.gateway = self.world.vsphere, self.world.gateway
        self.here, self.there = self.world.here, self.world.there

    def tearDown(self) -> None:
        """Whatever happened, no secret may stand in a log."""
        log = self.gateway.log()
        tickets = [
            line["ticket"]
            for each in (self.vsphere, self.world.esx, self.world.newer, self.world.newest)
            for line in each.tickets()
        ]
        for secret in (*tickets, PASSWORD, "wr0ng-pw", VNC_PASSWORD, "vmware_soap_session"):
            self.assertNotIn(secret, log)
        self.assertNotIn("Traceback", log)

    def viewer(self, vm: str) -> Viewer:
        viewer = Viewer.connect(self.gateway.web_port, self.gateway.issue(vm)["token"])
        self.addCleanup(viewer.close)
        return viewer

    def refusal(self, vm: str) -> str:
        """Return a viewer's status line, after checking that nothing was tried twice."""
        before = len(self.vsphere.tickets())
        self.asked = self.gateway.issue(vm, type="xvpvnc")["token"]
        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, f"/console?token={self.asked}")
        self.assertLessEqual(len(self.vsphere.tickets()), before + 1)
        return str(caught.exception)

    def detail(self) -> str:
        """Return what the audit line of the last refusal says."""
        return str(self.gateway.audit_of("refuse", token=self.asked)["detail"])


class PictureTests(VMwareCase):
    def test_a_browser_sees_the_screen_and_types(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        before = self.here.redeemed()
        page.open(self.gateway.issue(f"vc/{VM}")["url"])
        page.wait_for_state("connected")
        page.type("4")
        page.wait_for_pixel(*KEY_COLOURS["4"])
        self.assertEqual(self.here.redeemed(), before + 1)
        self.assertIn(VM, page.driver.title)

    def test_a_tcp_viewer_too(self) -> None:
        viewer = self.viewer(f"vc/{VM}")
        viewer.key(ord("1"))
        viewer.wait_for_pixel(KEY_COLOURS["1"])
        viewer.key(ord("2"))
        viewer.wait_for_pixel(KEY_COLOURS["2"])

    def test_screenshots_by_a_ticket_of_vcenter_and_of_a_host(self) -> None:
        for vm in (f"vc/{VM}", f"esx/{self.world.esx.any_name()}"):
            self.viewer(vm).key(ord("1"))
            wait_for_colour(self.gateway, vm, KEY_COLOURS["1"])

    def test_a_reload_takes_another_ticket(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        page.open(self.gateway.issue(f"vc/{VM}")["url"])
        page.wait_for_state("connected")
        before = len(self.vsphere.tickets())
        page.reload()
        page.wait_for_state("connected")
        self.assertEqual(len(self.vsphere.tickets()), before + 1)

    def test_a_machine_that_moved_since_the_token_was_issued(self) -> None:
        issued = self.gateway.issue(f"vc/{VM}")
        before = self.there.redeemed()
        self.vsphere.relocate(VM, THERE)
        self.addCleanup(self.vsphere.relocate, VM, HERE)
        viewer = Viewer.connect(self.gateway.web_port, issued["token"])
        self.addCleanup(viewer.close)
        viewer.key(ord("1"))
        viewer.wait_for_pixel(KEY_COLOURS["1"])
        self.assertEqual(self.there.redeemed(), before + 1)

    def test_a_ticket_without_a_thumbprint_and_a_certificate_of_the_authority(self) -> None:
        self.vsphere.consoles(**{HERE: self.here.ticket_target(Certificate="")})
        self.viewer(f"vc/{VM}")

    def test_a_single_host(self) -> None:
        viewer = self.viewer(f"esx/{self.world.esx.any_name()}")
        viewer.key(ord("4"))
        viewer.wait_for_pixel(KEY_COLOURS["4"])

    def test_after_the_login_was_ended(self) -> None:
        self.viewer(f"vc/{VM}")
        self.assertGreater(self.vsphere.end_logins(), 0)
        self.viewer(f"vc/{VM}")

    def test_a_plain_vnc_server_with_a_password(self) -> None:
        self.vsphere.configure(
            VM,
            RemoteDisplay_vnc_enabled="TRUE",
            RemoteDisplay_vnc_port=self.world.locked.graphics()["port"],
            RemoteDisplay_vnc_password=VNC_PASSWORD,
        )
        viewer = self.viewer(f"vnc/{VM}")
        viewer.key(ord("2"))
        viewer.wait_for_pixel(KEY_COLOURS["2"])
        wait_for_colour(self.gateway, f"vnc/{VM}", KEY_COLOURS["2"])


class CloudTests(VMwareCase):
    """Machines that OpenNebula has in one of two vCenters, which have the same ids."""

    def setUp(self) -> None:
        super().setUp()
        self.oned = self.world.oned
        self.oned.vms.clear()
        with self.vsphere.machine(VM) as machine:
            self.vm_id = str(machine).strip("'").rpartition(":")[2]
        with self.world.newest.machine(VM) as machine:
            self.assertEqual(str(machine).strip("'").rpartition(":")[2], self.vm_id)

    def add(self, deploy_id: str, driver: str = "vcenter", **more: Any) -> None:
        history = ((0, "cluster", 2, driver),)
        self.oned.add(CloudVM(7, deploy_id=deploy_id, history=history, **more))

    def test_each_is_shown_by_its_own_vcenter(self) -> None:
        for vsphere, door in (
            (self.vsphere, self.here),
            (self.world.newest, self.world.newest_door),
        ):
            self.add(f"{self.vm_id}_{vsphere.uuid}")
            before = door.redeemed()
            self.viewer("cloud/7").pixel()
            self.assertEqual(door.redeemed(), before + 1)

    def test_one_of_another_vcenter_is_never_shown(self) -> None:
        self.add(f"{self.vm_id}_{self.world.newest.uuid}")
        before = len(self.vsphere.tickets())
        self.assertTrue(self.refusal("single/7").startswith(NOT_LOOKED_UP))
        self.assertIn(f"instance UUID {self.world.newest.uuid} is asked for", self.detail())
        self.assertIn(f"this one has {self.vsphere.uuid}", self.detail())
        self.assertEqual(len(self.vsphere.tickets()), before)

    def test_a_bare_id_goes_by_its_hosts_template_or_nowhere(self) -> None:
        self.add(self.vm_id)
        template = {"VCENTER_INSTANCE_ID": self.world.newest.uuid}
        self.oned.hosts[2] = CloudHost(2, "cluster", template)
        before = self.world.newest_door.redeemed()
        self.viewer("cloud/7").pixel()
        self.assertEqual(self.world.newest_door.redeemed(), before + 1)
        self.assertTrue(self.refusal("single/7").startswith(NOT_LOOKED_UP))
        del self.oned.hosts[2]
        self.assertTrue(self.refusal("cloud/7").startswith(NOT_LOOKED_UP))
        self.assertIn("is an id of every vCenter", self.detail())

    def test_what_its_owner_writes_leads_to_no_machine_of_a_vcenter(self) -> None:
        before = len(self.vsphere.tickets())
        graphics = {"TYPE": "VNC", "LISTEN": "0.0.0.0", "PORT": free_port()}
        says = {"HYPERVISOR": "vcenter"}
        for deploy_id in (self.vm_id, f"{self.vm_id}_{self.vsphere.uuid}"):
            self.add(deploy_id, "kvm", user_template=says, graphics=graphics)
            self.assertTrue(self.refusal("cloud/7").startswith("502 The hypervisor could not be"))
        self.assertEqual(len(self.vsphere.tickets()), before)


class TicketTests(VMwareCase):
    """What tickets of later versions hold, from the simulator to the picture."""

    def test_a_url_whose_host_differs_and_sha_256(self) -> None:
        """vSphere 7.0.3 and 8: the stronger thumbprint is the one that is compared."""
        door = self.world.newer_door
        for target in (
            {"Host": "esx8.example", "UrlHost": "10.255.255.1"},
            {"Host": "10.255.255.1", "UrlHost": "esx8.example"},
            {"Host": "", "UrlHost": "esx8.example"},
            {"Host": "esx8.example", "UrlHost": ""},
        ):
            self.world.newer.consoles(
                **{HERE: door.ticket_target(Algorithms=["sha512", "sha256"], **target)}
            )
            before = door.redeemed()
            self.viewer(f"vc8/{VM}")
            self.assertEqual(door.redeemed(), before + 1, target)

    def test_a_sha_256_thumbprint_of_another_certificate(self) -> None:
        door = self.world.newer_door
        self.world.newer.consoles(
            **{
                HERE: door.ticket_target(
                    Host="esx8.example", Algorithms=["sha256"], Certificate=self.here.certificate
                )
            }
        )
        seen = door.redeemed() + door.refused()
        told = self.refusal(f"vc8/{VM}")
        self.assertTrue(told.startswith("502 The hypervisor could not prove its identity."), told)
        self.assertEqual(door.redeemed() + door.refused(), seen, "the ticket was sent")

    def test_a_whole_certificate_and_no_thumbprint(self) -> None:
        """vSphere 9: one or the other."""
        door = self.world.newest_door
        target = door.ticket_target(Pem=True, UrlHost=door.address)
        self.world.newest.consoles(**{HERE: target})
        self.viewer(f"vc9/{VM}")
        self.world.newest.consoles(**{HERE: {**target, "Certificate": self.here.certificate}})
        told = self.refusal(f"vc9/{VM}")
        self.assertTrue(told.startswith("502 The hypervisor could not prove its identity."), told)

    def test_as_many_viewers_as_the_machine_admits(self) -> None:
        self.vsphere.consoles(**{HERE: self.here.ticket_target(Limit=1)})
        self.assertEqual(
            self.refusal(f"vc/{VM}"),
            "503 Somebody else has this console open, and the hypervisor allows one viewer. "
            "Try again later.",
        )
        self.assertIn("RemoteDisplay.maxConnections is 1", self.detail())

    def test_loopback_is_not_dialled_unless_addresses_name_it(self) -> None:
        seen = self.here.redeemed() + self.here.refused()
        told = self.refusal(f"unmapped/{VM}")
        self.assertTrue(told.startswith("502 The console of the virtual machine cannot be"), told)
        self.assertIn(f'"{self.here.address}" = "…"', self.detail())
        self.assertEqual(self.here.redeemed() + self.here.refused(), seen)


class FailureTests(VMwareCase):
    def test_a_certificate_that_is_not_the_one_of_the_ticket(self) -> None:
        self.vsphere.consoles(**{HERE: self.here.ticket_target(Certificate=self.there.certificate)})
        seen = self.here.redeemed() + self.here.refused()
        told = self.refusal(f"vc/{VM}")
        self.assertTrue(told.startswith("502 The hypervisor could not prove its identity."), told)
        self.assertEqual(self.here.redeemed() + self.here.refused(), seen, "the ticket was sent")

    def test_an_address_that_leads_to_another_host(self) -> None:
        told = self.refusal(f"moved/{VM}")
        self.assertTrue(told.startswith("502 The hypervisor could not prove its identity."), told)
        self.assertIn(f"CN={self.there.address}", self.detail())

    def test_a_ticket_that_the_host_refuses(self) -> None:
        self.vsphere.consoles(**{HERE: self.there.ticket_target()})
        before = self.there.refused()
        told = self.refusal(f"vc/{VM}")
        self.assertTrue(told.startswith("502 The hypervisor refused the connection"), told)
        self.assertEqual(self.there.refused(), before + 1)
        self.assertIn("403", self.detail())

    def test_a_host_that_cannot_be_dialled(self) -> None:
        self.vsphere.consoles(**{HERE: self.here.ticket_target(Port=free_port())})
        told = self.refusal(f"vc/{VM}")
        self.assertTrue(told.startswith("502 The hypervisor could not be reached."), told)

    def test_a_machine_that_is_off(self) -> None:
        self.vsphere.set_power(VM, on=False)
        self.addCleanup(self.vsphere.set_power, VM, on=True)
        page = Page()
        self.addCleanup(page.leave)
        page.open(self.gateway.issue(f"vc/{VM}")["url"])
        page.wait_for_reason("The virtual machine is powered off.")
        self.assertEqual(self.refusal(f"vc/{VM}"), "409 The virtual machine is powered off.")

    def test_an_unknown_machine(self) -> None:
        self.assertEqual(self.refusal("vc/nobody"), "404 The virtual machine was not found.")

    def test_without_the_privilege(self) -> None:
        self.vsphere.consoles()
        told = self.refusal(f"vc/{VM}")
        self.assertIn("502 The console service may not show this virtual machine.", told)
        self.assertIn(f"{USER} may not VirtualMachine.Interact.ConsoleInteract", self.detail())

    def test_no_plain_vnc_server(self) -> None:
        told = self.refusal(f"vnc/{THERE}_VM0")
        self.assertEqual(told, "409 The virtual machine has no graphical console.")
        self.assertIn("ESXi 7 and later have no VNC server", self.detail())

    def test_a_wrong_password_of_the_plain_vnc_server(self) -> None:
        self.vsphere.configure(
            VM,
            RemoteDisplay_vnc_enabled="TRUE",
            RemoteDisplay_vnc_port=self.world.locked.graphics()["port"],
            RemoteDisplay_vnc_password="notright",
        )
        told = self.refusal(f"vnc/{VM}")
        self.assertTrue(told.startswith("502 The hypervisor refused the connection"), told)

    def test_an_api_that_is_away_refuses_or_is_not_trusted(self) -> None:
        for backend, words in (
            ("away", "Connection refused"),
            ("login", f"the login of {USER} is refused"),
            ("stranger", "unable to get local issuer certificate"),
        ):
            with self.subTest(backend=backend):
                told = self.refusal(f"{backend}/{VM}")
                self.assertTrue(told.startswith(NOT_LOOKED_UP), told)
                self.assertIn(words, self.detail())

    def test_check_config_finds_all_three(self) -> None:
        done = vncproxy("check-config", "--config", str(self.gateway.config))
        for line in (
            "ok    backend vc: VMware vCenter Server 6.5.0",
            "ok    backend esx: VMware ESXi 6.5.0",
            "FAIL  backend away: vSphere at",
            "FAIL  backend login: vSphere at",
            "FAIL  backend stranger: vSphere at",
        ):
            self.assertIn(line, done.stdout)
        self.assertIn(self.vsphere.fingerprint, done.stdout)
        self.assertNotIn(PASSWORD, done.stdout + done.stderr)

    def test_a_vcenter_that_is_restarted(self) -> None:
        self.vsphere.stop()
        told = self.refusal(f"vc/{VM}")
        self.vsphere.start()
        self.assertTrue(told.startswith(NOT_LOOKED_UP), told)
        self.viewer(f"vc/{VM}")
