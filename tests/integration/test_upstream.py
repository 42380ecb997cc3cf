"""Consoles on real sockets, on loopback."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from vncproxy.errors import ClientGone, UpstreamUnreachable, UpstreamViolation
from vncproxy.handshake.steps import Steps, Write
from vncproxy.model import ConsoleEndpoint, Timeouts, Transport
from vncproxy.testing import SERVER_INIT, ScriptedRFBServer
from vncproxy.upstream import open_console

FAST = Timeouts(handshake=0.5, linger=0.5)
"""Limits that end early, but not before a connection is made."""


def tcp(port: int, host: str = "127.0.0.1") -> ConsoleEndpoint:
    return ConsoleEndpoint(Transport.TCP, host=host, port=port)


def banner_only() -> Steps[bool]:
    yield Write(b"RFB 003.008\n")
    return False


class WithoutTime:
    """The reactor with timers that never fire: what is done through it waits for no time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)

    def callLater(self, delay: float, *call: Any, **more: Any) -> Any:
        return reactor.callLater(delay + 3600 if delay else 0, *call, **more)


class ReachTests(TestCase):
    def setUp(self) -> None:
        self.server = ScriptedRFBServer()
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    async def listen(self, endpoint: str = "tcp:0:interface=127.0.0.1") -> int:
        port: Any = await serverFromString(reactor, endpoint).listen(self.server)
        self.addCleanup(port.stopListening)
        return getattr(port.getHost(), "port", 0)

    async def assertReached(self, endpoint: ConsoleEndpoint) -> None:
        console = await open_console(endpoint, Timeouts(), reactor)

        self.assertEqual(console.server_init, SERVER_INIT)
        console.leg.close(ClientGone(), 1)
        await console.leg.closed

    async def test_tcp(self) -> None:
        await self.assertReached(tcp(await self.listen()))

    async def test_ipv6(self) -> None:
        port = await self.listen(r"tcp6:0:interface=\:\:1")

        await self.assertReached(tcp(port, "::1"))

    async def test_a_host_name(self) -> None:
        await self.assertReached(tcp(await self.listen(), "localhost"))

    async def test_this_machine_is_not_shown_where_others_named_the_host(self) -> None:
        port = await self.listen()
        for host in ("localhost", "127.0.0.1", "127.1", "2130706433", "0.0.0.0", "0"):
            endpoint = replace(tcp(port, host), allow_loopback=False)
            try:
                await open_console(endpoint, FAST, reactor)
            except UpstreamUnreachable as e:
                self.assertIn(" here, which is this machine itself and not dialled", e.detail)
            else:
                self.fail(f"{host} was dialled")

    async def test_a_unix_socket(self) -> None:
        await self.listen(f"unix:{self.folder}/vm")

        await self.assertReached(ConsoleEndpoint(Transport.UNIX, path=f"{self.folder}/vm"))

    async def test_a_passed_descriptor(self) -> None:
        for family, address in (
            (socket.AF_INET, ("127.0.0.1", await self.listen())),
            (socket.AF_UNIX, f"{self.folder}/vm"),
        ):
            if family == socket.AF_UNIX:
                await self.listen(f"unix:{address}")
            connection = socket.socket(family)
            connection.connect(address)

            await self.assertReached(ConsoleEndpoint(Transport.FD, fd=connection.detach()))

    async def test_a_refusal_is_told_at_once(self) -> None:
        for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            with socket.socket(family) as taken:
                taken.bind((host, 0))
                port = taken.getsockname()[1]

                with self.assertRaises(UpstreamUnreachable) as caught:
                    await open_console(tcp(port, host), Timeouts(), cast(Any, WithoutTime()))

            self.assertIn("refused", str(caught.exception))

    async def test_a_name_that_does_not_exist(self) -> None:
        with self.assertRaises(UpstreamUnreachable) as caught:
            await open_console(tcp(5900, "nowhere.invalid"), Timeouts(), reactor)

        self.assertIn("tcp:nowhere.invalid:5900", str(caught.exception))

    async def test_a_unix_socket_that_is_missing_or_has_no_listener(self) -> None:
        stale = str(self.folder / "stale")
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(stale)
        for path in (str(self.folder / "missing"), stale):
            with self.assertRaises(UpstreamUnreachable):
                await open_console(ConsoleEndpoint(Transport.UNIX, path=path), FAST, reactor)

    async def test_a_listener_that_accepts_nothing(self) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            waiting = [socket.socket() for _ in range(8)]
            for one in waiting:
                self.addCleanup(one.close)
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))

            with self.assertRaises(UpstreamUnreachable) as caught:
                await open_console(tcp(port), Timeouts(connect=0.5), reactor)

        self.assertIn("no answer within 0.5 s", str(caught.exception))

    async def test_a_server_that_is_stopped_and_never_speaks(self) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(5)

            with self.assertRaises(UpstreamViolation) as caught:
                await open_console(tcp(silent.getsockname()[1]), FAST, reactor)

            with silent.accept()[0] as connection:
                await self.end_of(connection)

        self.assertIn("not over within 0.5 s", str(caught.exception))

    async def test_a_server_that_closes_after_its_banner(self) -> None:
        self.server = ScriptedRFBServer(banner_only)

        with self.assertRaises(UpstreamViolation):
            await open_console(tcp(await self.listen()), FAST, reactor)

    async def end_of(self, connection: socket.socket) -> None:
        """Wait until the proxy is gone, which a write finds out: half a close is not enough."""
        give_up = time.monotonic() + 60
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() < give_up:
                connection.send(b"x")
                await deferLater(reactor, 0.02)


class CrowdTests(TestCase):
    """Servers such as QEMU have room for one connection that they have not accepted."""

    async def test_one_that_the_server_has_never_accepted_is_made_again(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        listener.setblocking(False)
        self.addCleanup(listener.close)
        endpoint = tcp(listener.getsockname()[1])
        opening = [
            Deferred.fromCoroutine(open_console(endpoint, Timeouts(), reactor)) for _ in range(8)
        ]
        await deferLater(reactor, 0.5)  # the server hangs, and has room for two

        server = cast("Any", reactor).adoptStreamPort(
            listener.fileno(), socket.AF_INET, ScriptedRFBServer()
        )
        self.addCleanup(server.stopListening)
        consoles = await gatherResults(opening)

        self.assertEqual([each.server_init for each in consoles], [SERVER_INIT] * 8)
        for each in consoles:
            each.leg.close(ClientGone(), 1)
            await each.leg.closed
