"""Hosts that hang, and what they keep others from: nothing but their own machines."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.trial.unittest import TestCase

from vncproxy.errors import VMNotFound
from vncproxy.model import ConsoleEndpoint
from vncproxy.tap import Components, load, make_components

HOSTS = 20
USERS = 40
"""Together with the hosts, more questions than all threads and waiting places of one backend."""

SOON = 2.0
"""Seconds within which what hangs in another backend must not be felt; the test machine is slow."""


class HangingHosts:
    """Unix sockets on which connections are taken and nothing is ever answered."""

    def __init__(self, folder: Path, count: int) -> None:
        self._sockets = []
        self.uris = []
        for number in range(count):
            path = folder / f"{number}.sock"
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(path))
            listening.listen(256)
            self._sockets.append(listening)
            self.uris.append(f"qemu+unix:///system?socket={path}")

    def let_go(self) -> None:
        """Close all connections, so that waiting calls get an error."""
        for each in self._sockets:
            each.close()


class BulkheadTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(rmtree, self.folder)
        self.hosts = HangingHosts(self.folder, HOSTS)
        self.addCleanup(self.hosts.let_go)

    def components(self, *pool: str, tokens: Path | None = None) -> Components:
        text = (
            f'[backends.pool]\ntype = "libvirt"\nuris = {list(pool)!r}\ntimeout = 3\n'
            '[backends.other]\ntype = "libvirt"\nuri = "test:///default"\n'
            '[backends.alone]\ntype = "libvirt"\n'
            f'uri = "{self.hosts.uris[0]}"\ntimeout = 3\n'
        )
        if tokens is not None:
            text += f'[token_sources.files]\ntype = "websockify-file"\npath = "{tokens}"\n'
        config = self.folder / "vncproxy.toml"
        config.write_text(text)
        components = make_components(load(config), reactor)
        self.addCleanup(components.calls.close)
        return components

    def crowd(self, components: Components, backend: str = "pool") -> None:
        """Let many users request machines; returns when each has an answer."""
        self.until_answered(
            [components.backends[backend].locate(f"vm-{each}") for each in range(USERS)]
        )

    def until_answered(self, answers: Sequence[Any]) -> None:
        waiting = DeferredList(map(Deferred.fromCoroutine, answers), consumeErrors=True)
        self.addCleanup(lambda: waiting)

    async def asked(self, components: Components, backend: str, vm: str) -> float:
        """Return after how many seconds a backend has answered that there is no such machine."""
        begin = time.monotonic()
        try:
            await components.backends[backend].locate(vm)
        except Exception as e:  # noqa: BLE001
            self.assertIsInstance(e, VMNotFound, str(e))
        return time.monotonic() - begin

    async def test_a_pool_of_hanging_hosts_delays_no_other_backend(self) -> None:
        components = self.components(*self.hosts.uris)
        self.crowd(components)
        self.assertLess(await self.asked(components, "other", "no-such"), SOON)

    async def test_a_single_hanging_hypervisor_delays_no_other_backend(self) -> None:
        components = self.components(*self.hosts.uris)
        for _ in range(5):
            self.crowd(components, "alone")
        self.assertLess(await self.asked(components, "other", "no-such"), SOON)

    async def test_hanging_hosts_of_a_pool_leave_the_others_their_threads(self) -> None:
        healthy = self.folder / "node.xml"
        healthy.write_text(
            "<node><domain type='test'><name>web</name><memory>8192</memory>"
            "<os><type>hvm</type></os><devices>"
            "<graphics type='vnc' port='5901' listen='192.0.2.1'/></devices></domain></node>"
        )
        components = self.components(*self.hosts.uris, f"test://{healthy}")
        self.crowd(components)
        # once the silence of the others has lasted as long as it may
        endpoint = await components.backends["pool"].locate("web")
        assert isinstance(endpoint, ConsoleEndpoint)
        self.assertEqual(endpoint.port, 5901)

    async def test_a_token_file_that_hangs_delays_no_backend_and_no_other_source(self) -> None:
        hanging = self.folder / "hanging"
        os.mkfifo(hanging)
        components = self.components(*self.hosts.uris, tokens=hanging)
        self.addCleanup(_end_readers, hanging)
        self.until_answered([components.sources["files"].redeem(f"{n:032}") for n in range(USERS)])
        self.assertLess(await self.asked(components, "other", "no-such"), SOON)
        self.crowd(components)
        self.assertLess(await self.asked(components, "other", "no-such"), SOON)


def _end_readers(fifo: Path) -> None:
    """Let everything that reads a FIFO come to its end."""
    for _ in range(USERS):
        try:
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return
