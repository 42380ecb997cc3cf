"""The VMware backend against a simulated vSphere: pyvmomi, TLS, logins and time limits are real."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, TypeVar

from pyVim.task import WaitForTask
from pyVmomi import vim
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from tests.components.vsphere import (
    ADDRESS,
    ANY_HOST,
    PASSWORD,
    USER,
    VSphere,
    fingerprint,
    shared_vsphere,
)
from vncproxy.backends.vmware.backend import VMwareBackend
from vncproxy.backends.vmware.settings import VMwareSettings
from vncproxy.blocking import BoundedCalls
from vncproxy.errors import (
    BackendError,
    ConsoleUnavailable,
    NoGraphicalConsole,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.model import ConsoleEndpoint, RFBSecurity, TLSTrust, Transport

E = TypeVar("E", bound=VNCProxyError)

NAME = "DC0_H0_VM0"

_VERSIONS = (
    "<namespaces><namespace><name>urn:vim25</name><version>7.0</version><priorVersions>"
    "<version>6.7</version></priorVersions></namespace></namespaces>"
)


class BackendCase(TestCase):
    """A backend with real threads."""

    timeout = 300

    def setUp(self) -> None:
        self.vsphere = shared_vsphere()
        self.esx_certificate, _ = self.vsphere.authority.issue("esx.example")
        target = {"Host": "esx.example", "Port": 9443, "Certificate": self.esx_certificate}
        self.vsphere.consoles(**{ANY_HOST: target})
        self.backend = self.backend_of()

    def backend_of(self, vsphere: VSphere | None = None, **more: Any) -> VMwareBackend:
        calls = BoundedCalls(reactor, reactor, threads=4, waiting=8)  # type: ignore[arg-type]
        self.addCleanup(calls.close)
        settings = VMwareSettings.model_validate((vsphere or self.vsphere).table(**more))
        backend = VMwareBackend("vc", settings, calls)
        self.addCleanup(lambda: Deferred.fromCoroutine(backend.close()))
        return backend

    async def failure(self, answer: Awaitable[object], kind: type[E]) -> E:
        try:
            await answer
        except kind as e:
            self.assertNotIn(PASSWORD, repr(e) + str(e.__cause__))
            return e
        raise AssertionError(f"{kind.__name__} not raised")


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


def _hosts(service: Any, name: str) -> list[Any]:
    content = service.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.ComputeResource], True)
    return [each for each in view.view if each.name == name]


class LoginTests(BackendCase):
    def setUp(self) -> None:
        self.vsphere = VSphere().start()
        self.addCleanup(self.vsphere.remove)
        self.backend = self.backend_of()

    async def test_one_login_is_shared_and_ended(self) -> None:
        questions = [Deferred.fromCoroutine(self.backend.probe()) for _ in range(4)]
        await gatherResults(questions)
        during = self.vsphere.logins()
        await self.backend.close()
        self.assertEqual((during, self.vsphere.logins()), (1, 0))

    async def test_a_login_that_was_ended_is_made_anew(self) -> None:
        await self.backend.probe()
        self.assertEqual(self.vsphere.end_logins(), 1)
        self.assertEqual(len(await self.backend.list()), 3)
        self.assertEqual(self.vsphere.end_logins(), 1)
        await self.failure(self.backend.locate("vm-99999"), VMNotFound)

    async def test_after_a_restart_the_next_question_is_answered(self) -> None:
        before = await self.backend.list()
        self.vsphere.stop()
        error = await self.failure(self.backend.list(), BackendError)
        self.vsphere.start()
        self.assertIn("Connection refused", str(error))
        self.assertEqual(await self.backend.list(), before)

    async def test_a_wrong_password_is_told_and_not_tried_again(self) -> None:
        backend = self.backend_of(password="wrong-" + PASSWORD)
        before = await self.failure(backend.probe(), BackendError)
        self.vsphere.stop()
        after = await self.failure(backend.probe(), BackendError)
        self.assertIn(f"the login of {USER} is refused", str(before))
        self.assertEqual(str(after), str(before))

    async def test_the_session_is_told_to_nobody(self) -> None:
        await self.backend.probe()
        with self.vsphere.administrator() as service:
            keys = [each.key for each in service.content.sessionManager.sessionList]
        session = self.backend._session
        for key in keys:
            self.assertNotIn(key, f"{session} {session!r} {session._login!r}")

    async def test_one_that_hangs_ends_the_wait_and_later_the_thread(self) -> None:
        backend = self.backend_of(timeout=5)
        await backend.probe()
        with self.vsphere.frozen():
            error = await self.failure(backend.locate(NAME), BackendError)
            again = await self.failure(self.backend_of(timeout=5).locate(NAME), BackendError)
        for each in (error, again):
            self.assertIn("no answer in time", str(each))
        self.assertEqual(len(await backend.list()), 3)


class CertificateTests(BackendCase):
    async def refused(self, vsphere: VSphere | None = None, **more: Any) -> str:
        error = await self.failure(self.backend_of(vsphere, **more).probe(), BackendError)
        return str(error)

    async def test_an_unknown_authority(self) -> None:
        text = await self.refused(ca_file="")
        self.assertIn("unable to get local issuer certificate", text)
        self.assertIn(f"(it has {self.vsphere.fingerprint})", text)
        self.assertIn("write its authority into ca_file, or its fingerprint into finger", text)

    async def test_not_even_this_machine_is_trusted_without_one(self) -> None:
        local = VSphere(address="127.0.0.1").start()
        self.addCleanup(local.remove)
        self.assertIn("certificate is refused", await self.refused(local, ca_file=""))
        await self.backend_of(local).probe()

    async def test_another_name(self) -> None:
        text = await self.refused(server_name="other.example")
        self.assertIn("Hostname mismatch", text)
        self.assertIn("write a name that stands in it into server_name", text)

    async def test_the_name_may_differ_from_the_address(self) -> None:
        await self.backend_of(server_name="vcenter.example").probe()

    async def test_a_pinned_fingerprint_needs_no_authority(self) -> None:
        sha1 = fingerprint(str(self.vsphere.folder / f"{ADDRESS}.pem"), "sha1")
        for pinned in (self.vsphere.fingerprint, sha1):
            await self.backend_of(ca_file="", fingerprints=[pinned]).probe()

    async def test_another_pinned_fingerprint_is_refused_whoever_signed(self) -> None:
        for pinned in ("sha256:" + "00" * 32, "sha1:" + "00" * 20):
            text = await self.refused(fingerprints=[pinned])
            self.assertIn("none of those in fingerprints", text)
            self.assertIn(self.vsphere.fingerprint, text)

    async def test_no_verification_is_spelled_out_and_told(self) -> None:
        backend = self.backend_of(ca_file="", verify=False)
        await backend.probe()
        self.assertIn("verify = false, so anybody on the way to", backend.warnings()[0])

    async def test_a_file_of_authorities_that_is_not_there(self) -> None:
        self.assertIn("ca_file /nowhere.pem", await self.refused(ca_file="/nowhere.pem"))

    async def test_a_server_that_is_starting_or_no_vsphere(self) -> None:
        for status, words in (
            (503, "503 Service Unavailable; is its service still starting?"),
            (404, "no vSphere API answers there"),
        ):
            with _web_server(self.vsphere, status) as port:
                self.assertIn(words, await self.refused(port=port))

    async def test_answers_that_are_not_those_of_the_api(self) -> None:
        content = '<RetrieveServiceContentResponse xmlns="urn:vim25">{}</Retrieve…>'.replace(
            "Retrieve…", "RetrieveServiceContentResponse"
        )
        for status, answer in (
            (200, "<html><body>Log in</body></html>"),
            (200, _envelope(content.format('<returnval xsi:type="Unknown"/>'))),
            (200, _envelope(content.format("<returnval><unknown>1</unknown></returnval>"))),
            (500, "<html><body>Bad gateway</body></html>"),
        ):
            with self.subTest(answer=answer), _web_server(self.vsphere, status, answer) as port:
                self.assertIn("its answer cannot be understood", await self.refused(port=port))


def _envelope(body: str) -> str:
    return (
        '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Body>{body}</Body></Envelope>'
    )


@contextmanager
def _web_server(vsphere: VSphere, status: int, answer: str = "") -> Iterator[int]:
    """Answer everything with a status, on the vSphere's address and with its certificate.

    With an answer to questions, it says that it speaks the API.
    """

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if answer:
                self.send(200, _VERSIONS)
            else:
                self.send_error(status)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send(status, answer)

        def send(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer((ADDRESS, 0), Answer)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(vsphere.folder / f"{ADDRESS}.pem", vsphere.folder / f"{ADDRESS}.key")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
