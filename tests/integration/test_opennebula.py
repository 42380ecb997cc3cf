"""OpenNebula through a real ``twistd``: from the access URL to the picture of a QEMU guest.

The clouds are stand-ins, two of them for a hybrid one; their machines are real guests.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.components.chromium import Page
from tests.components.fake_oned import INTERNAL, VM, Host, Refusal
from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR
from tests.components.opennebula_gateway import (
    AWAY_PASSWORD,
    HOME_SESSION,
    ON_HYBRID,
    VCENTER,
    graphics,
    world,
)
from tests.components.pictures import wait_for_colour
from tests.components.ports import free_port
from tests.components.viewer import Refused, Viewer, tunnel

from .test_cli import vncproxy

HOME_SCREEN, AWAY_SCREEN = KEY_COLOURS["1"], KEY_COLOURS["2"]
NOT_LOOKED_UP = "502 The virtual machine could not be looked up. Ask your administrator, id "
SECRETS = (
    *(HOME_SESSION.partition(":")[2], AWAY_PASSWORD),
    *("home-pw", "away-pw", "tls-pw", "sasl-pw", "opennebula-pw"),
)


class OpenNebulaCase(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.world = world()
        self.world.populate()
        self.home, self.away, self.gateway = self.world.home, self.world.away, self.world.gateway

    def tearDown(self) -> None:
        log = self.gateway.log()
        for secret in SECRETS:
            self.assertNotIn(secret, log)
        self.assertNotIn("Traceback", log)

    def viewer(self, vm: str) -> Viewer:
        viewer = Viewer.connect(self.gateway.web_port, self.gateway.issue(f"one/{vm}")["token"])
        self.addCleanup(viewer.close)
        return viewer

    def refusal(self, vm: str, backend: str = "one") -> str:
        """Return the status line of a TCP viewer's refusal."""
        self.asked = self.gateway.issue(f"{backend}/{vm}", type="xvpvnc")["token"]
        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, f"/console?token={self.asked}")
        return str(caught.exception)

    def detail(self) -> str:
        """Return what the audit line of the last refusal says."""
        return str(self.gateway.audit_of("refuse", token=self.asked)["detail"])


class PictureTests(OpenNebulaCase):
    def test_a_machine_by_its_id(self) -> None:
        viewer = self.viewer("7")
        viewer.wait_for_pixel(HOME_SCREEN)
        self.assertEqual(viewer.name, "web")

    def test_a_machine_by_its_name(self) -> None:
        self.viewer("web").wait_for_pixel(HOME_SCREEN)

    def test_a_machine_on_a_hybrid_host_under_its_local_name(self) -> None:
        viewer = self.viewer("8")
        viewer.wait_for_pixel(AWAY_SCREEN)
        self.assertEqual(viewer.name, "db")

    def test_screenshots_here_and_of_another_cloud(self) -> None:
        wait_for_colour(self.gateway, "one/7", HOME_SCREEN)
        wait_for_colour(self.gateway, "one/8", AWAY_SCREEN)

    def test_the_audit_names_the_local_user_whom_the_remote_cloud_never_sees(self) -> None:
        token = self.gateway.issue("one/8", user="carol")["token"]
        Viewer.connect(self.gateway.web_port, token).close()
        opened = self.gateway.audit_of("open", token=token)
        self.assertEqual((opened["user"], opened["vm"]), ("carol", "one/8"))

    def test_a_machine_in_a_vcenter_by_the_backend_for_that(self) -> None:
        vcenter = ((0, "cluster", 2, "vcenter"),)
        self.home.add(VM(9, "old", deploy_id=f"vm-227_{VCENTER}", history=vcenter, graphics=None))
        self.viewer("9").wait_for_pixel(AWAY_SCREEN)

    def test_its_owner_cannot_send_a_console_to_another_machine_of_the_vcenter(self) -> None:
        self.home.vms[7].deploy_id = f"vm-227_{VCENTER}"
        self.home.vms[7].user_template = {"HYPERVISOR": "vcenter"}
        self.viewer("7").wait_for_pixel(HOME_SCREEN)

    def test_a_machine_on_a_host_with_tls(self) -> None:
        port = self.world.secured.port
        self.home.add(VM(11, graphics={"TYPE": "VNC", "PORT": port, "PASSWD": "tls-pw"}))
        token = self.gateway.issue("secured/11")["token"]
        viewer = Viewer.connect(self.gateway.web_port, token)
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(START_COLOUR)

    def test_a_machine_on_a_host_that_asks_for_a_user(self) -> None:
        # PASSWD in the document is not the user's
        port = self.world.named.port
        self.home.add(VM(12, graphics={"TYPE": "VNC", "PORT": port, "PASSWD": "tls-pw"}))
        token = self.gateway.issue("named/12")["token"]
        viewer = Viewer.connect(self.gateway.web_port, token)
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(START_COLOUR)

    def test_a_machine_that_moved_after_the_link_was_issued(self) -> None:
        token = self.gateway.issue("one/7")["token"]
        self.home.vms[7].graphics = graphics(self.world.away_guest)
        viewer = Viewer.connect(self.gateway.web_port, token)
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(AWAY_SCREEN)

    def test_in_a_browser(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        page.open(self.gateway.issue("one/8")["url"])
        page.wait_for_state("connected")
        page.wait_for_pixel(*AWAY_SCREEN)

    def test_the_list_of_machines(self) -> None:
        status, answer = self.gateway.call("GET", "/v1/vms?backend=one")
        self.assertEqual(status, 200, answer)
        text = json.dumps(answer)
        for word in ("one/7", "one/8", "web", "db", "running"):
            self.assertIn(word, text)


class FailureTests(OpenNebulaCase):
    """Each failure has its own sentence."""

    def test_an_unknown_machine(self) -> None:
        self.assertEqual(self.refusal("99"), "404 The virtual machine was not found.")

    def test_a_terminated_machine(self) -> None:
        self.home.vms[7].state = 6
        self.assertEqual(self.refusal("7"), "404 The virtual machine was terminated.")

    def test_a_machine_that_is_off(self) -> None:
        self.home.vms[7].state = 8
        self.assertEqual(self.refusal("7"), "409 The virtual machine is powered off.")

    def test_a_remote_half_that_waits_while_the_local_one_runs(self) -> None:
        self.away.vms[31].state = 1
        self.assertEqual(self.refusal("8"), "409 The virtual machine is waiting for a host.")

    def test_a_machine_with_spice(self) -> None:
        self.home.vms[7].graphics = graphics(self.world.home_guest, TYPE="SPICE")
        self.assertEqual(
            self.refusal("7"),
            "409 The virtual machine has a SPICE console, and only VNC can be shown here.",
        )

    def test_a_console_on_the_loopback_of_another_host(self) -> None:
        self.home.vms[7].history = ((0, "hv9", 9, "kvm"),)
        self.home.vms[7].graphics = graphics(self.world.home_guest, LISTEN="127.0.0.1")
        self.assertTrue(
            self.refusal("7").startswith(
                "502 The console of the virtual machine cannot be reached from here. Ask your"
            )
        )
        self.assertIn('GRAPHICS/LISTEN="0.0.0.0"', self.detail())

    def test_a_wrong_vnc_password(self) -> None:
        self.home.vms[7].graphics = graphics(self.world.home_guest, PASSWD="opennebula-pw")
        self.assertTrue(
            self.refusal("7").startswith(
                "502 The hypervisor refused the connection to the console. Ask your administrator"
            )
        )

    def test_a_host_without_the_tls_that_is_demanded(self) -> None:
        told = self.refusal("7", "secured")
        self.assertTrue(told.startswith("502 The hypervisor could not prove its identity."), told)
        self.assertIn("TLS (VeNCrypt) is demanded", self.detail())

    def test_a_host_with_the_certificate_of_another(self) -> None:
        port = self.world.secured.port
        history = ((0, "hv2", 2, "kvm"),)
        graphics = {"TYPE": "VNC", "PORT": port, "PASSWD": "tls-pw"}
        self.home.add(VM(11, graphics=graphics, history=history))
        told = self.refusal("11", "secured")
        self.assertTrue(told.startswith("502 The hypervisor could not prove its identity."), told)
        self.assertIn("certificate is not for 'hv2' but for hv1", self.detail())

    def test_nothing_listens_at_the_port(self) -> None:
        self.home.vms[7].graphics = graphics(self.world.home_guest, PORT=free_port())
        self.assertTrue(self.refusal("7").startswith("502 The hypervisor could not be reached."))

    def test_two_machines_of_one_name(self) -> None:
        self.home.add(VM(10, "web"))
        told = self.refusal("web")
        self.assertTrue(told.startswith("502 Several virtual machines have this name."), told)

    def test_a_password_that_the_cloud_does_not_take(self) -> None:
        self.home.users["console"].password = "changed"
        self.assertTrue(self.refusal("7").startswith(NOT_LOOKED_UP))
        self.assertIn("as console: [one.vm.info] User couldn't be", self.detail())

    def test_a_hybrid_hosts_password_that_comes_encrypted(self) -> None:
        self.home.users["console"].admin = False
        self.home.hosts[5].usable = True
        self.assertTrue(self.refusal("8").startswith(NOT_LOOKED_UP))
        self.assertIn('write in remotes."hybrid" its user and password', self.detail())

    def test_a_remote_half_of_another_machine(self) -> None:
        self.away.vms[31].user_template = {"REMOTE_OPENNEBULA_VM_ID": "7"}
        self.assertTrue(self.refusal("8").startswith(NOT_LOOKED_UP))
        self.assertIn("belongs to VM 7, not to VM 8", self.detail())

    def test_hybrid_hosts_in_a_circle(self) -> None:
        self.away.users["guest"].admin = True
        back = {"ONE_ENDPOINT": self.world.home_server.url, "ONE_USER": "console"}
        back["ONE_PASSWORD"] = HOME_SESSION.partition(":")[2]
        self.away.hosts = {5: Host(5, "hybrid", back)}
        self.away.vms[31].deploy_id, self.away.vms[31].history = "opennebula-hybrid-8", ON_HYBRID
        self.home.vms[8].user_template = {"REMOTE_OPENNEBULA_VM_ID": "31"}
        self.assertTrue(self.refusal("8").startswith(NOT_LOOKED_UP))
        self.assertIn("hybrid hosts lead in a circle: VM 8 at ", self.detail())

    def test_no_server_that_knows(self) -> None:
        self.home.failure = Refusal(INTERNAL, "zone disabled")
        self.assertTrue(self.refusal("7").startswith(NOT_LOOKED_UP))
        self.assertIn("[one.vm.info] zone disabled", self.detail())
        self.assertIn("Connection refused", self.detail())

    def test_a_cloud_that_hangs_is_given_up_in_time(self) -> None:
        self.world.home_server.hung.clear()
        self.assertTrue(self.refusal("7", "hasty").startswith(NOT_LOOKED_UP))
        self.assertRegex(
            self.detail(), rf"{self.world.home_server.url}: no answer within (1\.\d|2) s"
        )


class CheckConfigTests(OpenNebulaCase):
    def check(self) -> str:
        """Return the line about the backend."""
        result = vncproxy("check-config", "--config", str(self.gateway.config))
        return next(line for line in result.stdout.splitlines() if "backend one" in line)

    def test_the_account_and_the_server_that_does_not_answer(self) -> None:
        line = self.check()
        self.assertTrue(line.startswith("ok"), line)
        self.assertIn("OpenNebula 6.10.0", line)
        self.assertIn("as console", line)
        self.assertIn("Connection refused", line)

    def test_a_wrong_password(self) -> None:
        self.home.users.clear()
        line = self.check()
        self.assertTrue(line.startswith("FAIL"), line)
        self.assertIn("User couldn't be authenticated", line)
        self.assertNotIn(HOME_SESSION.partition(":")[2], line)

    def test_a_console_that_is_closed_and_a_backend_that_is_not_there(self) -> None:
        port = free_port()
        self.home.vms.clear()
        self.home.add(VM(11, graphics={"TYPE": "VNC", "PORT": port}))
        printed = vncproxy("check-config", "--config", str(self.gateway.config)).stdout
        self.assertIn(
            f"warn  backend secured: the console of VM 11 at 127.0.0.1, port {port}, cannot be "
            "reached: Connection refused",
            printed,
        )
        self.assertIn("FAIL  backend secured: leaves machines to 'nowhere'; write", printed)
