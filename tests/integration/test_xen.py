"""Consoles of a XenServer pool through ``twistd``: a simulated XAPI, real QEMU, real pictures."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR, until
from tests.components.ports import free_port
from tests.components.viewer import Refused, Viewer, tunnel
from tests.components.vnc_servers import QemuMachine
from tests.components.xapi_simulator import Host, Machine, Pool, serve

USER, PASSWORD, WRONG = "console", "s3cret-xapi-password", "n0t-the-xapi-password"
AT_LOOK_UP = "502 The virtual machine could not be looked up. Ask your administrator, id "


class World:
    """A pool of two hosts with two machines, and a proxy that reaches it in several ways."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="xen-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = Authority(self.folder)
        self.hosts = Host("xen1", "127.0.0.1"), Host("xen2", "127.0.0.2")
        certificates = {host.name: self.authority.issue(host.address) for host in self.hosts}
        self.pins = [_pin(certificate) for certificate, _ in certificates.values()]
        self.pool = Pool(self.hosts)
        stack = ExitStack()
        atexit.register(stack.close)
        self.plain_port = stack.enter_context(serve(self.pool, certificates))
        self.web = self._machine("web-01")
        self.db = self._machine("db-01")
        self.gateway = Gateway(self._config()).start()
        atexit.register(self.gateway.stop)

    def _machine(self, name: str) -> Machine:
        qemu = QemuMachine(self.folder, name).start()
        atexit.register(qemu.stop)
        return self.pool.add(name, qemu.port)

    def _config(self) -> str:
        port = self.pool.port
        master, slave = f"https://127.0.0.1:{port}", f"https://127.0.0.2:{port}"
        trust = f'tls = {{ ca_file = "{self.authority.ca_file}" }}'
        ways = {
            "xen": ([master], trust),
            "slave": ([slave], trust),
            "fallback": ([f"https://127.0.0.1:{free_port()}", slave], trust),
            "pinned": ([master], f"tls = {{ fingerprints = {self.pins} }}"),
            "anything": ([master], "tls = { verify = false }"),
            "halfpinned": ([master], f"tls = {{ fingerprints = {self.pins[:1]} }}"),
            "untrusted": ([master], "tls = {}"),
            "old": (
                [f"http://127.0.0.2:{self.plain_port}"],
                f"plain_console = true\nplain_port = {self.plain_port}",
            ),
            "away": ([f"https://127.0.0.1:{free_port()}"], trust),
        }
        own = {host.address: host.address for host in self.hosts}
        tables = [_table(name, urls, PASSWORD, more, own) for name, (urls, more) in ways.items()]
        tables.append(_table("denied", [master], WRONG, trust, own))
        tables.append(_table("unmapped", [master], PASSWORD, trust, {}))
        return "[timeouts]\nlocate = 60\nlinger = 2\n" + "".join(tables)


def _pin(certificate: str) -> str:
    der = ssl.PEM_cert_to_DER_cert(Path(certificate).read_text())
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def _table(name: str, urls: list[str], password: str, more: str, addresses: dict[str, str]) -> str:
    pairs = ", ".join(f'"{told}" = "{dialled}"' for told, dialled in addresses.items())
    return f"""
[backends.{name}]
type = "xen"
timeout = 60
url = {urls}
username = "{USER}"
password = "{password}"
addresses = {{ {pairs} }}
{more}
"""


world = cache(World)


class XenTestCase(SynchronousTestCase):
    """What all tests here share; the pool is put back into order after each."""

    timeout = 120

    def setUp(self) -> None:
        shared = world()
        self.pool, self.gateway, self.web, self.db = (
            *(shared.pool, shared.gateway),
            *(shared.web, shared.db),
        )
        self.here, self.there = shared.hosts
        self.machines = list(self.pool.machines)
        self.addCleanup(self._in_order)
        self.secrets: list[str] = [PASSWORD, WRONG, self.gateway.key]
        self.pool.asked.clear()

    def _in_order(self) -> None:
        self.pool.machines[:] = self.machines
        self.pool.answered = lambda _method: None
        self.pool.one_viewer, self.pool.master = False, self.here
        self.pool.viewers_only.clear()
        for machine in self.machines:
            machine.host, machine.power_state, machine.location = self.here, "Running", ""
        # Chromium keeps the web socket of a page that it may go back to
        for session in self.gateway.call("GET", "/v1/sessions")[1]["sessions"]:
            self.gateway.call("DELETE", f"/v1/sessions/{session['id']}")
        until(lambda: not any(machine.viewers for machine in self.machines), "viewers to leave")

    def tearDown(self) -> None:
        """Whatever happened, no secret may stand in a log."""
        log = self.gateway.log()
        for secret in (*self.secrets, "OpaqueRef:"):
            self.assertNotIn(secret, log)
        self.assertNotIn("Traceback", log)

    def issue(self, vm: str) -> str:
        token: str = self.gateway.issue(vm, type="xvpvnc")["token"]
        self.secrets.append(token)
        return token

    def look(self, vm: str) -> Viewer:
        viewer = Viewer.connect(self.gateway.web_port, self.issue(vm))
        self.addCleanup(viewer.close)
        return viewer

    def refusal(self, vm: str) -> str:
        """Return what a TCP viewer is told instead of getting a console."""
        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, f"/console?token={self.issue(vm)}")
        return str(caught.exception)

    def detail(self) -> str:
        """Return what the audit log says of the last refusal."""
        return str(self.gateway.audit("refuse")[-1]["detail"])

    def connects(self) -> list[tuple[str, str]]:
        """Return the hosts and targets of all CONNECTs."""
        return [
            (host, what.partition(" ")[2])
            for host, what in self.pool.asked
            if what.startswith("CONNECT")
        ]


class OwnMachineTests(XenTestCase):
    def test_a_member_on_loopback_is_dialled_only_where_that_is_written(self) -> None:
        self.look("unmapped/web-01").pixel()
        self.web.host = self.there
        told = self.refusal("unmapped/web-01")
        self.assertTrue(
            told.startswith("502 The console of the virtual machine cannot be reached from"), told
        )
        detail = str(self.gateway.audit("refuse")[-1]["detail"])
        self.assertIn(f'"{self.there.address}" = "…"', detail)


class PictureTests(XenTestCase):
    """The right machine's picture, by each way."""

    def test_a_typed_key_changes_the_picture_of_its_machine_alone(self) -> None:
        web, db = self.look("xen/web-01"), self.look(f"xen/{self.db.uuid}")

        web.key(ord("1"))

        web.wait_for_pixel(KEY_COLOURS["1"])
        db.wait_for_pixel(START_COLOUR)
        self.assertEqual((web.name, db.name), ("web-01", "db-01"))

    def test_the_console_is_asked_for_with_a_cookie_and_the_location_as_it_is(self) -> None:
        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual(self.connects(), [("xen1", f"/console?uuid={self.db.consoles[0].uuid}")])

    def test_each_way_of_trust_and_each_member_leads_there(self) -> None:
        for backend in ("slave", "fallback", "pinned", "anything"):
            with self.subTest(backend=backend):
                self.look(f"{backend}/db-01").wait_for_pixel(START_COLOUR)

    def test_the_plain_form_by_way_of_a_slave(self) -> None:
        self.look("old/db-01").wait_for_pixel(START_COLOUR)

        ((host, target),) = self.connects()
        self.assertEqual(host, "xen1")
        self.assertIn(f"?ref={self.db.ref}&session_id=OpaqueRef:", target)

    def test_a_machine_on_another_host_than_the_master(self) -> None:
        self.pool.migrate(self.db, self.there)

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual([host for host, _ in self.connects()], ["xen2"])

    def test_a_location_without_a_host_means_the_one_where_the_machine_runs(self) -> None:
        self.pool.migrate(self.db, self.there)
        self.db.location = "https://:{port}/console?uuid={uuid}"

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual([host for host, _ in self.connects()], ["xen2"])

    def test_a_location_by_reference_as_after_a_masters_restart(self) -> None:
        self.db.location = "https://127.0.0.1:{port}/console?ref={ref}"

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

    def test_a_viewer_of_the_proxys_is_not_watched_for_idleness(self) -> None:
        self.pool.idle_limit = 1.0
        self.addCleanup(setattr, self.pool, "idle_limit", 0.0)
        viewer = self.look("xen/db-01")
        viewer.wait_for_pixel(START_COLOUR)

        time.sleep(2)

        self.assertEqual(viewer.pixel(), START_COLOUR)

    def test_one_session_serves_all_consoles(self) -> None:
        self.look("xen/web-01").pixel()
        before = self.pool.count("session.login_with_password")

        self.look("xen/db-01").pixel()

        self.assertEqual(self.pool.count("session.login_with_password"), before)


class BrowserTests(XenTestCase):
    """Chromium opens the access URL."""

    def test_a_machine_that_moved_is_typed_into(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        issued = self.gateway.issue("xen/web-01")
        self.secrets.append(issued["token"])
        self.pool.migrate(self.web, self.there)

        page.open(issued["url"])
        page.wait_for_state("connected")
        page.type("4")

        page.wait_for_pixel(*KEY_COLOURS["4"])
        self.assertIn("web-01", page.driver.title)


class ChangeTests(XenTestCase):
    """What changes between two looks, or within one."""

    def test_a_machine_that_moved_after_its_token_was_issued(self) -> None:
        token = self.issue("xen/db-01")
        self.pool.migrate(self.db, self.there)

        viewer = Viewer.connect(self.gateway.web_port, token)
        self.addCleanup(viewer.close)

        viewer.wait_for_pixel(START_COLOUR)

    def test_a_machine_that_moves_while_it_is_looked_up(self) -> None:
        self._after("host.get_address", lambda: self.pool.migrate(self.db, self.there))

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual([host for host, _ in self.connects()], ["xen1", "xen2"])

    def test_a_console_record_that_still_names_the_old_host(self) -> None:
        self.db.location = "https://127.0.0.1:{port}/console?uuid={uuid}"
        self.db.host = self.there

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual([host for host, _ in self.connects()], ["xen1", "xen2"])

    def test_a_session_that_expired_between_two_consoles(self) -> None:
        self.look("xen/db-01").pixel()
        self.pool.expire()

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual(self.pool.count("session.login_with_password"), 1)

    def test_a_session_that_expires_between_look_up_and_connection(self) -> None:
        self._after("host.get_address", self.pool.expire)

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual(len(self.connects()), 2)

    def test_another_member_becomes_the_master(self) -> None:
        self.look("xen/db-01").pixel()
        self.pool.master = self.there

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

    def test_the_proxy_logs_out_when_it_stops(self) -> None:
        self.pool.expire()
        url = f"https://127.0.0.1:{self.pool.port}"
        trust = "tls = { verify = false }"
        gateway = Gateway(_table("xen", [url], PASSWORD, trust, {})).start()
        self.assertEqual(gateway.call("GET", "/v1/vms")[0], 200)
        self.assertEqual(len(self.pool.sessions), 1)

        gateway.stop()

        self.assertEqual(self.pool.sessions, {})

    def _after(self, method: str, change: Any) -> None:
        """Change something once, as soon as a method was answered."""

        def answered(name: str) -> None:
            if name == method:
                self.pool.answered = lambda _method: None
                change()

        self.pool.answered = answered


class FailureTests(XenTestCase):
    """Each failure has its own words for the user, and its cause in the log."""

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

    def test_nobody_answers(self) -> None:
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
