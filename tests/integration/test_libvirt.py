"""The libvirt backend against a real libvirtd and real QEMU machines.

Needs libvirt-daemon-system, libvirt-daemon-driver-qemu and qemu-system-x86.
"""

from __future__ import annotations

import os
import subprocess
from functools import partial

import libvirt
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.components.libvirt_case import (
    NONE,
    NOWHERE,
    ON_A_SOCKET,
    VNC_AUTH,
    LibvirtCase,
    security_types,
)
from tests.components.libvirt_host import VNC_ON_LOOPBACK, Guest, PrivateLibvirtd
from vncproxy.backends.libvirt import connection as libvirt_connection
from vncproxy.backends.libvirt.backend import LibvirtBackend
from vncproxy.backends.libvirt.connection import Connection
from vncproxy.errors import (
    BackendError,
    ClientGone,
    ConsoleUnavailable,
    NoGraphicalConsole,
    UpstreamRefused,
    VMNotFound,
)
from vncproxy.model import Ownership, RFBSecurity, Timeouts, Transport
from vncproxy.upstream import open_console

SPICE_THEN_VNC = "<graphics type='spice' autoport='yes'/>" + VNC_ON_LOOPBACK


class LocateTests(LibvirtCase):
    async def test_port_and_password_of_a_running_machine(self) -> None:
        guest = self.shared_guest()
        found = await self.backend.locate(guest.name)
        port = int(guest.graphics()["port"])
        self.assertEqual(
            (found.transport, found.host, found.port), (Transport.TCP, "127.0.0.1", port)
        )
        self.assertEqual(found.handshakes, (RFBSecurity("s3cret"),))
        self.assertEqual(security_types(found), [VNC_AUTH])

    async def test_uuid_and_id_name_the_same_machine(self) -> None:
        guest = self.shared_guest()
        for vm in (guest.uuid, str(guest.domain().ID())):
            self.assertEqual((await self.backend.locate(vm)).name, guest.name)

    async def test_a_unix_socket_is_dialled(self) -> None:
        guest = self.shared_guest(ON_A_SOCKET)
        found = await self.backend.locate(guest.name)
        self.assertEqual(
            (found.transport, found.path), (Transport.UNIX, guest.graphics()["socket"])
        )
        self.assertEqual(security_types(found), [VNC_AUTH])

    async def test_a_console_that_listens_nowhere_comes_as_a_socket_without_authentication(
        self,
    ) -> None:
        guest = self.shared_guest(NOWHERE)
        found = await self.backend.locate(guest.name)
        self.assertEqual((found.transport, found.handshakes), (Transport.FD, (RFBSecurity(None),)))
        self.assertEqual(security_types(found), [NONE])

    async def test_the_vnc_device_after_a_spice_device(self) -> None:
        guest = self.shared_guest(SPICE_THEN_VNC)
        found = await self.backend.locate(guest.name)
        self.assertEqual(found.port, int(guest.graphics(1)["port"]))
        self.assertEqual(security_types(found), [VNC_AUTH])

    async def test_always_passes_the_vnc_device_after_a_spice_device(self) -> None:
        guest = self.shared_guest(SPICE_THEN_VNC)
        found = await self.backend_of(open_graphics="always").locate(guest.name)
        self.assertEqual(security_types(found), [NONE])

    async def test_a_paused_machine_has_its_console(self) -> None:
        guest = self.guest()
        guest.domain().suspend()
        self.assertEqual(security_types(await self.backend.locate(guest.name)), [NONE])


class UnavailableTests(LibvirtCase):
    async def test_shut_off(self) -> None:
        guest = self.guest()
        guest.power_off()
        error = await self.failure(self.backend.locate(guest.name), ConsoleUnavailable)
        self.assertEqual(error.sentence(), "The virtual machine is shut off.")

    async def test_unknown(self) -> None:
        await self.failure(self.backend.locate("no-such-machine"), VMNotFound)

    async def test_spice_alone(self) -> None:
        guest = self.guest("<graphics type='spice' autoport='yes'/>")
        await self.failure(self.backend.locate(guest.name), NoGraphicalConsole)

    async def test_an_empty_password_is_locked(self) -> None:
        guest = self.guest(password="")
        error = await self.failure(self.backend.locate(guest.name), ConsoleUnavailable)
        self.assertIn("locked", error.sentence())

    async def test_listening_nowhere_with_passing_forbidden(self) -> None:
        guest = self.shared_guest(NOWHERE)
        backend = self.backend_of(open_graphics="never")
        error = await self.failure(backend.locate(guest.name), BackendError)
        self.assertIn("listen type none", str(error))

    async def test_a_read_only_connection_is_told(self) -> None:
        guest = self.shared_guest()
        read_only = partial(Connection, open_=libvirt.openReadOnly)
        self.patch(libvirt_connection, "Connection", read_only)
        for answer in (self.backend_of().locate(guest.name), self.backend_of().probe()):
            error = await self.failure(answer, BackendError)
            self.assertIn("secure XML needs a read-write connection", str(error))


class InventoryTests(LibvirtCase):
    async def test_running_and_stopped_machines_are_listed(self) -> None:
        guest = self.guest()
        before = await self.backend.list()
        guest.power_off()
        after = await self.backend.list()
        for listed, state in ((before, "running"), (after, "shut off")):
            found = next(each for each in listed if each.vm.vm == guest.uuid)
            self.assertEqual((found.name, found.state), (guest.name, state))

    async def test_an_operator_says_whose_a_machine_is(self) -> None:
        guest = self.guest()
        machine = '<machine project="p1"><tag>console</tag></machine>'
        where = "--uri urn:vncproxy:machine --key vncproxy --live --config"
        command = ["virsh", "-c", self.host.uri, "metadata", guest.name, *where.split()]

        before = await self.backend.owners([guest.uuid])
        subprocess.run([*command, "--set", machine], check=True, capture_output=True)
        after = await self.backend.owners([guest.uuid])

        self.assertEqual(before, {guest.uuid: Ownership()})
        self.assertEqual(after, {guest.uuid: Ownership("p1", frozenset({"console"}))})

    async def test_probe_names_the_versions_and_counts(self) -> None:
        self.shared_guest()
        self.assertRegex(
            await self.backend.probe(),
            r"^libvirt \d+\.\d+\.\d+ at qemu:///session\S+, QEMU \d+\.\d+\.\d+, "
            r"\d+ of \d+ machines? running$",
        )


class RestartTests(LibvirtCase):
    def setUp(self) -> None:
        self.host = PrivateLibvirtd().start()
        self.addCleanup(self.host.stop)
        self.backend = self.backend_of()

    async def test_after_libvirtd_was_killed_and_started_again_the_next_call_works(self) -> None:
        guest = self.guest(password="s3cret")
        before = await self.backend.locate(guest.name)
        self.host.kill()
        self.host.start()
        after = await self.backend.locate(guest.name)
        self.assertEqual(after, before)
        self.assertEqual(security_types(after), [VNC_AUTH])

    async def test_while_libvirtd_is_down_the_error_says_what_to_look_at(self) -> None:
        await self.backend.list()
        self.host.kill()
        error = await self.failure(self.backend.locate("web"), BackendError)
        self.assertIn("is libvirtd (or virtqemud) running there?", str(error))
        self.host.start()
        await self.backend.list()


class QemuConfTests(LibvirtCase):
    """``vnc_password`` in ``qemu.conf``, which stands in no domain's XML."""

    def setUp(self) -> None:
        self.host = PrivateLibvirtd('vnc_password = "qemu-pw"\n').start()
        self.addCleanup(self.host.stop)
        self.backend = self.backend_of()

    async def test_a_password_in_the_table_is_that_of_consoles_without_one(self) -> None:
        guest = self.guest()
        with self.assertRaises(UpstreamRefused) as caught:
            await self.reach(self.backend, guest)
        self.assertIn("asks for a VNC password and none is configured", str(caught.exception))

        await self.reach(self.backend_of(password="qemu-pw"), guest)

    async def reach(self, backend: LibvirtBackend, guest: Guest) -> None:
        console = await open_console(await backend.locate(guest.name), Timeouts(), reactor)
        console.leg.close(ClientGone(), 1)
        await console.leg.closed


class TimeLimitTests(LibvirtCase):
    def setUp(self) -> None:
        self.host = PrivateLibvirtd().start()
        self.addCleanup(self.host.stop)
        self.backend = self.backend_of(timeout=4)

    async def test_a_libvirtd_that_hangs_ends_the_wait_and_a_later_call_works(self) -> None:
        await self.backend.list()
        with self.host.frozen():
            error = await self.failure(self.backend.locate("web"), BackendError)
        self.assertEqual(str(error), f"libvirt at {self.host.uri} did not answer within 4 s")
        await self.failure(self.backend.locate("web"), VMNotFound)

    async def test_a_socket_that_libvirt_passes_too_late_is_closed(self) -> None:
        guest = self.guest(NOWHERE)
        await self.backend.list()
        closed: Deferred[bytes] = Deferred()
        close = os.close

        def read_and_close(descriptor: int) -> None:
            greeting = os.read(descriptor, 12)
            close(descriptor)
            reactor.callFromThread(closed.callback, greeting)  # type: ignore[attr-defined]

        with self.host.frozen():
            await self.failure(self.backend.locate(guest.name), BackendError)
            self.patch(os, "close", read_and_close)
        self.assertEqual(await closed, b"RFB 003.008\n")
