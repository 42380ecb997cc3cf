"""Hypervisors on another machine or in a container, seen from the proxy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.components.libvirt_case import (
    NONE,
    ON_A_SOCKET,
    VNC_AUTH,
    LibvirtCase,
    security_types,
)
from vncproxy.backends.libvirt.backend import LibvirtBackend
from vncproxy.errors import (
    BackendError,
)

_TUNNEL = """#!{python}
import os, socket, threading
connection = socket.socket(socket.AF_UNIX)
connection.connect("{socket}")


def copy(source, target):
    while data := os.read(source, 65536):
        os.write(target, data)
    os._exit(0)


threading.Thread(target=copy, args=(0, connection.fileno())).start()
copy(connection.fileno(), 1)
"""


class OtherMachineTests(LibvirtCase):
    """The same libvirtd as another machine's: behind a command, so nothing here is known of it."""

    def remote(self, **table: Any) -> LibvirtBackend:
        command = Path(self.mktemp()).absolute()
        command.write_text(_TUNNEL.format(python=sys.executable, socket=self.host.socket))
        command.chmod(0o755)
        return self.backend_of(uri=f"qemu+ext:///session?command={command}", **table)

    async def test_its_loopback_address_is_never_dialled_here(self) -> None:
        guest = self.shared_guest()
        error = await self.failure(self.remote().locate(guest.name), BackendError)
        self.assertIn("listens on 127.0.0.1, port", str(error))

    async def test_a_check_finds_that_before_a_user_does(self) -> None:
        self.shared_guest()
        remote = self.remote()
        await remote.probe()
        (told,) = remote.warnings()
        self.assertRegex(told, r"^qemu\+ext:///session.*: \S+: the console listens on ")
        here = self.backend_of()
        await here.probe()
        self.assertEqual(here.warnings(), [])

    async def test_its_console_is_dialled_where_the_map_says(self) -> None:
        guest = self.shared_guest()
        name = guest.domain().connect().getHostname()
        found = await self.remote(addresses={name: "localhost"}).locate(guest.name)
        self.assertEqual(found.host, "localhost")
        self.assertEqual(security_types(found), [VNC_AUTH])

    async def test_its_unix_sockets_are_not_opened_here(self) -> None:
        guest = self.shared_guest(ON_A_SOCKET)
        error = await self.failure(self.remote().locate(guest.name), BackendError)
        self.assertIn("cannot be reached on another machine", str(error))


IN_A_CONTAINER = """
import sys
from twisted.internet.defer import Deferred
from tests.components.libvirt_case import security_types
from vncproxy.backends.libvirt.backend import LibvirtBackend
from vncproxy.backends.libvirt.settings import LibvirtSettings
from vncproxy.testing import FakeCalls, backend_context

uri, vm, open_graphics = sys.argv[1:]
settings = LibvirtSettings(uri=uri, open_graphics=open_graphics)
backend = LibvirtBackend(backend_context(settings, FakeCalls(), "kvm"))
found = Deferred.fromCoroutine(backend.locate(vm)).result
print(found.transport.value, *(security_types(found) if found.fd >= 0 else ()))
"""


class ContainerTests(LibvirtCase):
    """A process in a network of its own, as in a container with libvirt's socket in it."""

    def located(self, open_graphics: str) -> str:
        command = [sys.executable, "-c", IN_A_CONTAINER, self.host.uri]
        command += [self.shared_guest().name, open_graphics]
        done = subprocess.run(
            ["unshare", "--net", *command], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_a_console_on_the_hosts_loopback_is_passed_by_libvirt(self) -> None:
        self.assertEqual(self.located("auto"), f"fd {NONE}")

    def test_never_dials_there(self) -> None:
        self.assertEqual(self.located("never"), "tcp")
