"""A real TigerVNC server, which locks out addresses after unfinished log-ins."""

from __future__ import annotations

import socket
import sys
import tempfile
from pathlib import Path
from shutil import rmtree
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.viewer import Viewer
from tests.components.vnc_servers import RED, Identity, XServer
from vncproxy.backends.static.backend import StaticBackend
from vncproxy.backends.static.settings import StaticSettings
from vncproxy.config.check.consoles import check_consoles
from vncproxy.errors import ClientGone, UpstreamBusy
from vncproxy.model import ConsoleEndpoint, RFBSecurity, Timeouts, Transport
from vncproxy.relay.leg import Leg
from vncproxy.testing import FakeCalls, backend_context
from vncproxy.upstream import open_console
from vncproxy.upstream.transport import connect_transport

THRESHOLD = 5
"""TigerVNC's own BlacklistThreshold."""

HASTY = 3 * THRESHOLD


class LockOutTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(rmtree, folder)
        identity = Identity(folder / "identity", Authority(folder), "localhost")
        self.server = XServer(folder, "VncAuth", identity, "s3cret").start()
        self.addCleanup(self.server.stop)

    def endpoint(self, password: str = "s3cret") -> ConsoleEndpoint:
        return ConsoleEndpoint(
            Transport.TCP, "127.0.0.1", self.server.port, handshakes=(RFBSecurity(password),)
        )

    async def assertAdmitted(self) -> None:
        console = await open_console(self.endpoint(), Timeouts(), reactor)
        console.leg.close(ClientGone(), 1)
        await console.leg.closed

    async def test_users_who_close_at_once_are_not_locked_out(self) -> None:
        reaching: list[Deferred[Any]] = []

        async def dial_and_leave(*args: Any) -> Leg:
            """Leave when the console is connected and has said nothing yet."""
            leg = await connect_transport(*args)
            reactor.callLater(0, reaching[-1].cancel)
            return leg

        self.patch(sys.modules["vncproxy.upstream.console"], "connect_transport", dial_and_leave)
        for _ in range(HASTY):
            reaching.append(
                Deferred.fromCoroutine(open_console(self.endpoint(), Timeouts(), reactor))
            )
            with self.assertRaises(CancelledError):
                await reaching[-1]
        self.patch(sys.modules["vncproxy.upstream.console"], "connect_transport", connect_transport)
        # the last of them are finished first
        await deferLater(reactor, 1, lambda: None)
        await self.assertAdmitted()

    async def test_a_check_of_the_configuration_locks_no_address_out(self) -> None:
        for _ in range(HASTY):
            self.assertEqual(await self.check("s3cret"), [])
        await self.assertAdmitted()

    async def test_a_check_finds_a_wrong_password(self) -> None:
        (line,) = await self.check("wrong")
        self.assertTrue(line.startswith("desk: authentication failed: "), line)

    async def test_who_is_locked_out_reads_that_it_passes(self) -> None:
        for _ in range(HASTY):
            socket.create_connection(("127.0.0.1", self.server.port)).close()
        await deferLater(reactor, 0.5, lambda: None)

        with self.assertRaises(UpstreamBusy) as caught:
            for _ in range(2):
                await self.assertAdmitted()

        self.assertIn("Too many security failures", str(caught.exception))
        self.assertIn("Try again in a moment", caught.exception.sentence())

    def test_viewers_that_leave_at_once_do_not_lock_a_gateway_out(self) -> None:
        gateway = Gateway(f"""
[backends.lab]
type = "static"
[backends.lab.consoles.desk]
address = "127.0.0.1:{self.server.port}"
password = "s3cret"
""").start()
        self.addCleanup(gateway.stop)
        for _ in range(HASTY):
            token = gateway.issue("lab/desk", type="xvpvnc")["token"]
            with socket.create_connection(("127.0.0.1", gateway.web_port)) as hasty:
                hasty.sendall(f"CONNECT /console?token={token} HTTP/1.0\r\n\r\n".encode())
        until(lambda: len(gateway.audit("refuse")) == HASTY, "all of them to have left")

        token = gateway.issue("lab/desk", type="xvpvnc")["token"]
        viewer = Viewer.connect(gateway.web_port, token)
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(RED)

    async def check(self, password: str) -> list[str]:
        table = {"address": f"127.0.0.1:{self.server.port}", "password": password}
        settings = StaticSettings.model_validate({"consoles": {"desk": table}})
        return await check_consoles(
            StaticBackend(backend_context(settings, FakeCalls(), "lab")), reactor
        )
