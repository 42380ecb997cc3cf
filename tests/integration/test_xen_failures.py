"""What goes wrong with a XenServer pool: for users, in the log, and in ``check-config``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.components.ports import free_port
from tests.components.xen_gateway import PASSWORD, USER, WRONG, XenTestCase, world

AT_LOOK_UP = "502 The virtual machine could not be looked up. Ask your administrator, id "


class FailureTests(XenTestCase):
    """Each failure has its own sentence for the user, and its cause in the log."""

    def test_an_unknown_machine(self) -> None:
        self.assertEqual(self.refusal("xen/nobody"), "404 The virtual machine was not found.")

    def test_templates_snapshots_and_control_domains_are_no_machines(self) -> None:
        for kind in ("is_a_template", "is_a_snapshot", "is_control_domain"):
            machine = self.pool.add(f"some-{kind}", self.db.vnc, kind=kind)
            for vm in (machine.name, machine.uuid):
                told = self.refusal(f"xen/{vm}")
                self.assertEqual(told, "404 The virtual machine was not found.")

    def test_a_name_of_several_machines(self) -> None:
        self.pool.add("db-01", self.db.vnc)

        told = self.refusal("xen/db-01")

        self.assertEqual(
            told,
            "409 2 virtual machines have this name. Ask for a link that names yours by its UUID.",
        )
        self.assertIn(self.db.uuid, self.detail())

    def test_machines_that_do_not_run(self) -> None:
        for state, words in {
            "Halted": "shut off",
            "Suspended": "suspended",
            "Paused": "paused",
        }.items():
            self.db.power_state = state
            self.assertEqual(self.refusal("xen/db-01"), f"409 The virtual machine is {words}.")

    def test_a_machine_that_stops_while_it_is_looked_up(self) -> None:
        def stop(method: str) -> None:
            if method == "host.get_address":
                self.db.power_state = "Halted"

        self.pool.answered = stop

        self.assertEqual(self.refusal("xen/db-01"), "409 The virtual machine is shut off.")

    def test_a_machine_with_a_text_console_only(self) -> None:
        text = self.pool.add("text", self.db.vnc)
        text.consoles[0].protocol = "vt100"

        told = self.refusal("xen/text")

        self.assertEqual(told, "409 The virtual machine has no graphical console.")
        self.assertIn("has vt100 only", self.detail())

    def test_a_machine_that_no_host_admits_to_run(self) -> None:
        self.db.location = "https://127.0.0.1:{port}/console?uuid=00000000"

        told = self.refusal("xen/db-01")

        self.assertEqual(told, "409 The virtual machine is being moved, started or stopped.")
        self.assertIn("CONNECT answered with HTTP/1.1 500 Internal Error", self.detail())
        self.assertEqual(len(self.connects()), 2)

    def test_another_viewer_where_the_pool_allows_one(self) -> None:
        self.look("xen/db-01").pixel()
        self.pool.one_viewer = True

        told = self.refusal("xen/db-01")

        self.assertEqual(
            told,
            "503 Somebody else has this console open, and the hypervisor allows one viewer. "
            "Try again later.",
        )
        self.assertIn("503 Connection Limit Exceeded", self.detail())

    def test_an_account_that_may_not_open_consoles(self) -> None:
        self.pool.viewers_only.add(USER)

        told = self.refusal("xen/db-01")

        words = "502 The console service has no permission to open this console."
        self.assertTrue(told.startswith(f"{words} Ask your administrator, id "), told)
        self.assertIn("the account 'console' may not open consoles", self.detail())

    def test_a_host_that_does_not_know_the_session(self) -> None:
        self.pool.answered = lambda method: (
            self.pool.expire() if method == "host.get_address" else None
        )

        told = self.refusal("xen/db-01")

        words = "502 The hypervisor refused the connection to the console."
        self.assertTrue(told.startswith(words), told)
        self.assertIn("the host does not know a session that is new", self.detail())
        self.assertEqual(len(self.connects()), 2)

    def test_a_machine_whose_vnc_server_is_dead(self) -> None:
        self.pool.add("dead", free_port())

        told = self.refusal("xen/dead")

        words = "502 The hypervisor closed the connection to the console."
        self.assertTrue(told.startswith(words), told)
        self.assertIn("console backend closed", self.detail())

    def test_a_host_whose_xapi_is_down_behind_its_tls(self) -> None:
        self.pool.migrate(self.db, self.there)
        self.there.xapi_down = True
        self.addCleanup(setattr, self.there, "xapi_down", False)

        told = self.refusal("xen/db-01")

        words = "502 The hypervisor closed the connection to the console."
        self.assertTrue(told.startswith(words), told)
        self.assertIn("xapi behind it does not answer", self.detail())

    def test_a_console_without_a_port_on_its_host(self) -> None:
        self.pool.add("portless", None)

        told = self.refusal("xen/portless")

        self.assertEqual(told, "409 The virtual machine has no graphical console.")

    def test_a_handler_that_the_host_does_not_have(self) -> None:
        self.db.location = "https://127.0.0.1:{port}/elsewhere?uuid={uuid}"

        told = self.refusal("xen/db-01")

        self.assertIn("502 The console service has no permission", told)

    def test_a_wrong_password(self) -> None:
        self.assertIn(AT_LOOK_UP, self.refusal("denied/db-01"))
        self.assertIn("the account 'console' is refused: check username", self.detail())

    def test_no_host_answers(self) -> None:
        self.assertIn(AT_LOOK_UP, self.refusal("away/db-01"))
        self.assertIn("Connection refused", self.detail())

    def test_a_certificate_that_cannot_be_verified(self) -> None:
        self.assertIn(AT_LOOK_UP, self.refusal("untrusted/db-01"))
        self.assertIn(f"presented is {world().pins[0]}", self.detail())

    def test_a_host_whose_certificate_is_not_pinned_like_the_masters(self) -> None:
        self.pool.migrate(self.db, self.there)

        told = self.refusal("halfpinned/db-01")

        self.assertIn("502 The hypervisor could not prove its identity.", told)
        self.assertIn(world().pins[1], self.detail())
        self.assertEqual(self.connects(), [])


class CheckTests(XenTestCase):
    """What ``vncproxy check-config`` finds before a user does."""

    def setUp(self) -> None:
        super().setUp()
        command = [str(Path(sys.executable).with_name("vncproxy")), "check-config"]
        done = subprocess.run(
            [*command, "--config", str(self.gateway.config)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.printed = done.stdout + done.stderr
        self.lines = self.printed.splitlines()

    def line(self, backend: str, kind: str) -> str:
        found = [
            line for line in self.lines if f"backend {backend}:" in line and line.startswith(kind)
        ]
        self.assertEqual(len(found), 1, self.printed)
        return found[0]

    def test_each_backend_in_one_go(self) -> None:
        self.assertIn(
            "pool 'lab' of 2 with master xen1, 2 of 2 machines running", self.line("xen", "ok")
        )
        self.assertIn("check username and password", self.line("denied", "FAIL"))
        self.assertIn("Connection refused", self.line("away", "FAIL"))
        untrusted = self.line("untrusted", "FAIL")
        self.assertIn(world().pins[0], untrusted)
        self.assertIn("tls.ca_file", untrusted)
        half = self.line("halfpinned", "warn")
        self.assertIn("consoles of xen2", half)
        self.assertIn(world().pins[1], half)
        self.assertIn("without TLS", self.line("old", "warn"))
        self.assertIn("accepts any certificate", self.line("anything", "warn"))
        for secret in (PASSWORD, WRONG, "OpaqueRef:", "Traceback"):
            self.assertNotIn(secret, self.printed)

    def test_the_list_of_machines(self) -> None:
        self.db.power_state = "Halted"
        self.pool.add("a-template", kind="is_a_template")

        answer = self.gateway.call("GET", "/v1/vms")[1]

        mine = [vm for vm in answer["vms"] if vm["vm"].startswith("xen/")]
        self.assertEqual(
            {(vm["vm"], vm["name"], vm["state"]) for vm in mine},
            {
                (f"xen/{self.db.uuid}", "db-01", "shut off"),
                (f"xen/{self.web.uuid}", "web-01", "running"),
            },
        )
